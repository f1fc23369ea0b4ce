"""What somebody who runs a foreign staging knows of it: addresses, passwords, and the way in of an administrator."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import redis

from tests.foreign_staging import aws, configuration
from tests.foreign_staging.authority import Authority
from tests.foreign_staging.variation import Addresses, Variation, Words

__all__ = ["READER", "KnownStaging"]

READER = "salon_reader"


class KnownStaging:
    """Where everything is, and what it is called. Nothing of it runs yet."""

    def __init__(self, folder: Path, variation: Variation | None = None) -> None:
        self.folder = folder
        self.variation = variation or Variation()
        self.addresses, self._held = Addresses.held(self.variation.slots)
        self.words = Words(**self.variation.words)
        self.authority = Authority(folder)
        self._group = ""

    @property
    def variables(self) -> dict[str, str]:
        """`STAGING_…`, all that a run needs to know."""
        variation, ports = self.variation, self.addresses
        found = {
            "API_BASE_URL": self.site + variation.path,
            "API_SLOTS": " ".join(f"http://{variation.url_host}:{port}" for port in ports.slots),
            "DATABASE_URL": self.database_url(ports.pooler if variation.pooler else ports.postgres),
            "REDIS_URL": self.redis_url,
            "SSL_CERT_FILE": str(self.authority.certificate),
            "JWT_SECRET": self.words.jwt,
            "BACKUP_ENCRYPTION_KEY": self.words.backup,
            "NGINX_PREFIX": str(self.folder / "nginx"),
            "NGINX_CONF": str(self.folder / "nginx" / "nginx.conf"),
            "NGINX_ACCESS_LOG": str(self.folder / "nginx" / "logs" / "access.log"),
            "NGINX_ERROR_LOG": str(self.folder / "nginx" / "logs" / "error.log"),
            "MIGRATIONS_DIR": str(self.folder / "migrations"),
            "SLACK_WEBHOOK_URL": f"http://127.0.0.1:{ports.third_parties}/slack",
            **self._third_parties(),
        }
        if variation.reader:
            found["READONLY_DATABASE_URL"] = found["DATABASE_URL"].replace(f"//{variation.owner}:", f"//{READER}:")
        if variation.with_logs:
            found["LOG_DIR"] = str(self.folder / ("text" if variation.plain_log else "logs"))
        if variation.with_aws:
            found |= aws.variables(ports.aws, variation.balancer, self._group)
        return {f"STAGING_{name}": value for name, value in found.items()}

    @property
    def site(self) -> str:
        """The address of the proxy."""
        word = quote(self.variation.proxy_password, safe="")
        return f"https://{f'team:{word}@' if word else ''}{self.variation.called}:{self.addresses.nginx}"

    def database_url(self, port: int) -> str:
        """As the owner, who is no superuser."""
        variation = self.variation
        query = f"?sslmode={variation.sslmode}" if variation.sslmode else ""
        if variation.sslmode.startswith("verify"):
            query += f"&sslrootcert={quote(str(self.authority.certificate), safe='/')}"
        if port == self.addresses.pooler:
            query = "?sslmode=disable"  # the pooler is on this machine; from there it goes on by TLS
        where = f"{variation.called}:{port}"
        if variation.sockets and port == self.addresses.postgres:
            where, query = "", f"?host={quote(str(self.folder / 'postgres'), safe='')}&port={port}"
        who, database = f"{variation.owner}:{quote(self.words.owner, safe='')}", quote(variation.database, safe="")
        return f"postgresql://{who}@{where}/{database}{query}"

    @property
    def redis_url(self) -> str:
        """With the user where there is one."""
        return self._redis_url(self.variation.redis_user)

    def _redis_url(self, user: str) -> str:
        if self.variation.redis_socket:
            file, number = self.folder / "redis" / "redis.sock", self.variation.redis_database
            return f"unix://{user}:{quote(self.words.redis, safe='')}@{file}?db={number}"
        scheme = "rediss" if self.variation.redis_tls else "redis"
        where = f"{self.variation.called}:{self.addresses.redis}/{self.variation.redis_database}"
        return f"{scheme}://{user}:{quote(self.words.redis, safe='')}@{where}"

    def _third_parties(self) -> dict[str, str]:
        base = f"http://127.0.0.1:{self.addresses.third_parties}"
        names = {"TAP": "tap", "TWILIO": "twilio", "EXPO": "expo"}
        return {f"{name}_API_URL": f"{base}/{path}" for name, path in names.items()} | {"CDN_URL": f"{base}/cdn"}

    def write_env_file(self, file: Path) -> None:
        """As `.env.staging`, readable by its owner alone."""
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}='{value}'\n" for name, value in self.variables.items()), "utf-8")

    def _own_redis_url(self) -> str:
        """The application's, which may do everything."""
        return self._redis_url(configuration.APPLICATION if self.variation.redis_user else "")

    def admin(self, database: str = "") -> psycopg.Connection[Any]:
        """A connection as the superuser, straight to PostgreSQL, by its socket."""
        return psycopg.connect(
            host=str(self.folder / "postgres"), port=self.addresses.postgres, user="postgres",
            password=self.words.superuser, dbname=database or self.variation.database, autocommit=True,
        )  # fmt: skip

    def owner(self, application: str = "a tool of somebody") -> psycopg.Connection[Any]:
        """A connection as the owner, straight to PostgreSQL."""
        return psycopg.connect(self.database_url(self.addresses.postgres), autocommit=True,
                               application_name=application)  # fmt: skip

    def redis(self) -> Any:
        """A client with every right."""
        ca = str(self.authority.certificate)
        more = {"ssl_ca_certs": ca} if self.variation.redis_tls else {}
        return redis.Redis.from_url(self._own_redis_url(), decode_responses=True, **more)
