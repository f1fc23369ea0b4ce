"""Builds a foreign staging in a folder, starts it, breaks it by hand when told, and takes it down again.

`with ForeignStaging(folder, Variation(pooler=True)) as staging:` gives `staging.variables`, as somebody would write
them into `.env.staging`. Nothing of it uses the targets of this project.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import httpx
import psycopg
import redis
from psycopg import sql

from tests.foreign_staging import aws, configuration
from tests.foreign_staging.known import READER, KnownStaging
from tests.foreign_staging.variation import POSTGRES, Variation

__all__ = ["ForeignStaging"]

START_S = 120.0


class ForeignStaging(KnownStaging):
    """One staging. Services: `postgres`, `pooler`, `redis`, `nginx`, `api_1` …, `third_parties`, `aws`."""

    def __init__(self, folder: Path, variation: Variation | None = None) -> None:
        super().__init__(folder, variation)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> ForeignStaging:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── hands of an administrator ────────────────────────────────────────────────────────────────

    def operate(self, *words: str, may_fail: bool = False, **more: str) -> None:
        """`beautycort …` as a timer or a deployment of this company runs it."""
        own = {name.removeprefix("STAGING_"): value for name, value in self.variables.items()}
        try:
            self._run(str(Path(sys.executable).with_name("beautycort")), *words, **_PYTHON_VARIABLES, **own, **more)
        except RuntimeError:
            if not may_fail:
                raise

    def stop(self, service: str) -> None:
        """In order, and waited for."""
        process = self._running.pop(service)
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start(self, service: str) -> None:
        """Starts it again; returns when it answers."""
        self._starters()[service]()

    def serve_certificate(self, days: float, *, host: str = "localhost") -> None:
        """The proxy serves a certificate that ends in so many days; a negative number is the past."""
        folder = self.folder / "nginx" / "tls"
        folder.mkdir(exist_ok=True)
        self.authority.sign(folder / "fullchain.pem", folder / "privkey.pem", days=days, host=host)
        if "nginx" in self._running:
            self.reload_nginx()

    def reload_nginx(self) -> None:
        """As `nginx -s reload` by its administrator."""
        self._run("nginx", "-c", str(self.folder / "nginx" / "nginx.conf"), "-s", "reload")
        time.sleep(0.5)

    def close(self) -> None:
        """Ends everything; idempotent."""
        for service in reversed(list(self._running)):
            self.stop(service)
        for each in self._held:
            each.close()

    # ── building ─────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for name in ("postgres", "redis", "pooler", "nginx", "logs", "migrations"):
            (self.folder / name).mkdir()
        self.authority.make()
        for name in ("postgres", "redis", "pooler"):
            self._service_certificate(self.folder / name)
        for start in self._starters().values():
            start()
        self._wait("the API behind nginx", self._serves)
        if self.variation.plain_log:
            self._write_logs_for_people()
        if self.variation.rotated:
            self._rotate()

    def _write_logs_for_people(self) -> None:
        """The same events, as a logger writes them that nobody told of JSON."""
        (self.folder / "text").mkdir()
        for name in ("app.log", "security.log"):
            lines = [f"[{datetime.now(UTC):%Y-%m-%d %H:%M:%S}] INFO  GET /api/providers 200 {n}ms\n" for n in range(50)]
            (self.folder / "text" / name).write_text("".join(lines), "utf-8")

    def _rotate(self) -> None:
        """As logrotate does at midnight: the old file under another name, a new one that is empty."""
        for folder in (self.folder / "logs", self.folder / "nginx" / "logs"):
            for file in folder.glob("*.log"):
                file.rename(f"{file}.1")
                file.touch()
                shutil.copystat(f"{file}.1", file)
                if os.geteuid() == 0:
                    shutil.chown(file, Path(f"{file}.1").stat().st_uid, Path(f"{file}.1").stat().st_gid)
        self._run("nginx", "-c", str(self.folder / "nginx" / "nginx.conf"), "-s", "reopen")

    def _starters(self) -> dict[str, Callable[[], None]]:
        starters: dict[str, Callable[[], None]] = {"postgres": self._postgres, "redis": self._redis}
        if self.variation.pooler:
            starters["pooler"] = self._pooler
        starters["third_parties"] = self._start_third_parties
        for number in range(1, self.variation.slots + 1):
            starters[f"api_{number}"] = lambda number=number: self._api(number)  # type: ignore[misc]
        starters["nginx"] = self._nginx
        if self.variation.with_aws:
            starters["aws"] = self._aws
        return starters

    def _service_certificate(self, folder: Path) -> None:
        self.authority.sign(folder / "server.pem", folder / "server.key", days=90)
        shutil.copy(self.authority.certificate, folder / "ca.pem")

    def _postgres(self) -> None:
        folder = self.folder / "postgres"
        data = folder / "data"
        if data.is_dir():
            self._spawn("postgres", [str(POSTGRES / "postgres"), "-D", str(data)], account="postgres",
                        LOCPATH=str(folder / "locales"))  # fmt: skip
            self._wait("PostgreSQL", lambda: self.admin("postgres").close())
            return
        (folder / "password").write_text(self.words.superuser, "utf-8")
        self._give(folder, "postgres")
        if self.variation.messages != "C":
            (folder / "locales").mkdir()
            made = folder / "locales" / self.variation.messages
            self._run("localedef", "-i", self.variation.language, "-f", "UTF-8", str(made))
        self._run(str(POSTGRES / "initdb"), "-D", str(data), "-U", "postgres", "--pwfile", str(folder / "password"),
                  "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
                  account="postgres")  # fmt: skip
        with (data / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write(configuration.postgresql(folder, self.variation, self.addresses))
        (data / "pg_hba.conf").write_text(configuration.hba(self.variation), "utf-8")
        self._postgres()
        self._database()

    def _database(self) -> None:
        variation = self.variation
        with self.admin("postgres") as admin:
            owner, database = sql.Identifier(variation.owner), sql.Identifier(variation.database)
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(owner, self.words.owner))
            if variation.monitors:
                admin.execute(sql.SQL("GRANT pg_monitor TO {}").format(owner))
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
            if variation.reader:  # as the page on targets says
                admin.execute(sql.SQL(_READER).format(sql.Identifier(READER), sql.Literal(self.words.owner)))
        with self.admin() as admin:  # extensions are the superuser's, as with every hosted database
            for name in ("pg_stat_statements", "pg_trgm", "btree_gist", "cube", "earthdistance"):
                admin.execute(f"CREATE EXTENSION {name}".encode())
            if variation.schema != "public":
                schema = sql.Identifier(variation.schema)
                admin.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, owner))
                found = sql.SQL("ALTER ROLE {} IN DATABASE {} SET search_path = {}, public")
                admin.execute(found.format(owner, database, schema))
        self._python("-m", "runbook_steps.stand_in.reference_api.database", "--seed",
                     DATABASE_URL=self.database_url(self.addresses.postgres))  # fmt: skip

    def _redis(self) -> None:
        folder = self.folder / "redis"
        text = configuration.redis(folder, self.variation, self.addresses, self.words.redis)
        (folder / "redis.conf").write_text(text, "utf-8")
        if self.variation.redis_user:
            (folder / "users.acl").write_text(configuration.redis_acl(self.variation, self.words.redis), "utf-8")
        self._give(folder, "redis")
        self._spawn("redis", ["redis-server", str(folder / "redis.conf")], account="redis")
        self._wait("Redis", lambda: self.redis().ping())

    def _pooler(self) -> None:
        folder = self.folder / "pooler"
        (folder / "pgbouncer.ini").write_text(configuration.pgbouncer(folder, self.variation, self.addresses), "utf-8")
        word = self.words.owner.replace('"', '""')
        users = (self.variation.owner, READER)
        (folder / "users.txt").write_text("".join(f'"{name}" "{word}"\n' for name in users), "utf-8")
        self._give(folder, "nobody")
        self._spawn("pooler", ["pgbouncer", str(folder / "pgbouncer.ini")], account="nobody")
        self._wait("pgbouncer", lambda: psycopg.connect(self.database_url(self.addresses.pooler)).close())

    def _start_third_parties(self) -> None:
        port = str(self.addresses.third_parties)
        self._spawn_python("third_parties", "-m", "runbook_steps.stand_in.reference_api.third_parties", "--port", port)
        self._wait("the third parties", lambda: httpx.get(f"http://127.0.0.1:{port}/tap", trust_env=False))

    def _api(self, number: int) -> None:
        port = self.addresses.slots[number - 1]
        slot = f"http://{self.variation.url_host}:{port}"
        self._give(self.folder / "logs", self.variation.api_account)
        more = {"SSL_CERT_FILE": str(self.authority.certificate)}
        self._spawn_python(
            f"api_{number}", *configuration.API_ARGUMENTS, "--port", str(port), "--host", self.variation.loopback,
            DATABASE_URL=self.database_url(self.addresses.postgres), REDIS_URL=self._api_redis_url(),
            JWT_SECRET=self.words.jwt, LOG_DIR=str(self.folder / "logs"), SLOT_NAME=f"salon-api-{number}",
            APP_VERSION="1.1.0", **self._third_parties(), **more,
        )  # fmt: skip
        self._wait(f"instance {number}", lambda: httpx.get(f"{slot}/api/version", trust_env=False))

    def _api_redis_url(self) -> str:
        ca = f"?ssl_ca_certs={self.authority.certificate}" if self.variation.redis_tls else ""
        return self._own_redis_url() + ca

    def _nginx(self) -> None:
        folder = self.folder / "nginx"
        for name in ("logs", "temp", "conf.d"):
            (folder / name).mkdir(exist_ok=True)
        if not (folder / "nginx.conf").exists():
            account = "www-data" if os.geteuid() == 0 else ""
            text = configuration.nginx(folder, self.variation, self.addresses, account=account)
            (folder / "nginx.conf").write_text(text, "utf-8")
            if word := self.variation.proxy_password:
                (folder / "users").write_text(f"team:{self._run('openssl', 'passwd', '-apr1', word)}", "utf-8")
            self.serve_certificate(self.variation.certificate_days)
        self._spawn("nginx", ["nginx", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"])
        self._wait("nginx", lambda: httpx.get(self.site, verify=False, trust_env=False))  # noqa: S501

    def _aws(self) -> None:
        program = str(Path(sys.executable).with_name("moto_server"))
        self._spawn("aws", [program, "-H", "127.0.0.1", "-p", str(self.addresses.aws)])
        url = f"http://127.0.0.1:{self.addresses.aws}"
        self._wait("moto", lambda: httpx.get(f"{url}/moto-api/data.json", trust_env=False))
        self._group = aws.populate(url, self.variation.balancer, self.variation.slots)

    def _serves(self) -> None:
        address = f"{self.site}{self.variation.path}/api/health"
        found = httpx.get(address, trust_env=False, verify=self.authority.trusted())
        if found.status_code != httpx.codes.OK:
            raise ConnectionError(f"health answers {found.status_code}")

    # ── processes ────────────────────────────────────────────────────────────────────────────────

    def _as(self, account: str, *, reads_all: bool = False) -> list[str]:
        """Ends with this process; under an account of its own where this one is root's.

        `reads_all`: the interpreter of this environment may lie in a folder of root's alone.
        """
        if not account or os.geteuid() != 0:
            return ["setpriv", "--pdeathsig", "TERM", "--"]
        who = ["--reuid", account, "--regid", str(pwd.getpwnam(account).pw_gid), "--init-groups"]
        more = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")] if reads_all else []
        return ["setpriv", *who, *more, "--pdeathsig", "TERM", "--"]

    def _spawn(
        self, service: str, command: list[str], *, account: str = "", reads_all: bool = False, **variables: str
    ) -> None:
        with (self.folder / f"{service}.out").open("ab") as out:
            self._running[service] = subprocess.Popen(
                [*self._as(account, reads_all=reads_all), *command], cwd=self.folder, env={**_PLAIN, **variables},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip

    def _spawn_python(self, service: str, *arguments: str, **variables: str) -> None:
        command = [sys.executable, *arguments]
        self._spawn(
            service, command, account=self.variation.api_account, reads_all=True, **_PYTHON_VARIABLES, **variables
        )

    def _python(self, *arguments: str, **variables: str) -> None:
        self._run(sys.executable, *arguments, **_PYTHON_VARIABLES, **variables)

    def _run(self, *command: str, account: str = "", **variables: str) -> str:
        prefix = self._as(account) if account else []
        done = subprocess.run([*prefix, *command], cwd=self.folder, env={**_PLAIN, **variables}, capture_output=True,
                              text=True, timeout=120, check=False)  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
        return done.stdout

    def _give(self, folder: Path, account: str) -> None:
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, account, pwd.getpwnam(account).pw_gid)

    def _wait(self, what: str, ask: Callable[[], object]) -> None:
        end = time.monotonic() + START_S
        while True:
            try:
                ask()
            except (OSError, httpx.HTTPError, psycopg.Error, redis.RedisError) as error:
                if time.monotonic() > end:
                    raise RuntimeError(f"{what} is not there after {START_S:g} s: {error}") from error
                time.sleep(0.05)
            else:
                return


_PLAIN: Mapping[str, str] = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_READER = """CREATE ROLE {0} LOGIN PASSWORD {1};
GRANT pg_read_all_data, pg_monitor TO {0};
ALTER ROLE {0} SET default_transaction_read_only = on"""
_PYTHON_VARIABLES: Mapping[str, str] = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
