"""What one foreign staging has that another has not. Every one of them is a system that somebody runs."""

from __future__ import annotations

import secrets
import shutil
import socket
from dataclasses import dataclass, field, fields
from pathlib import Path

from runbook_steps.stand_in.embedded.ports import hold_ports

__all__ = ["Addresses", "Variation", "Words", "missing_programs"]

POSTGRES = Path("/usr/lib/postgresql/15/bin")
PROGRAMS = ("redis-server", "redis-cli", "pgbouncer", "nginx", "openssl", "setpriv")


@dataclass(frozen=True)
class Variation:
    """How this one is set up. The defaults are the plainest staging that still has TLS everywhere."""

    sslmode: str = "verify-full"
    pooler: bool = False
    pool_mode: str = "transaction"
    ignored: str = "extra_float_digits,options"
    redis_tls: bool = False
    redis_user: str = ""
    redis_rules: str = "~* &* +@all"
    redis_database: int = 0
    database: str = "salon_staging"
    owner: str = "salon_owner"
    balancer: str = "staging-lb"
    slots: int = 2
    monitors: bool = True
    with_aws: bool = True
    with_logs: bool = True
    certificate_days: float = 60.0
    path: str = ""
    """Under which the proxy serves the API, as `/salon`."""
    proxy_password: str = ""
    """What the proxy asks everybody for (Basic), as a staging that is not for the world does; its user is `team`."""
    access_log: str = "combined"
    """Or `json`, or `vhost`: the combined format behind the name of the server."""
    plain_log: bool = False
    """The log of the application in lines of text, for people."""
    rotated: bool = False
    """Its logs were rotated a moment ago."""
    owner_password: str = ""
    redis_password: str = ""
    redis_renamed: str = ""
    """Commands of Redis that nobody has there, apart by blanks."""
    redis_memory: str = "24mb"
    """Empty: without a limit."""
    redis_policy: str = "noeviction"
    schema: str = "public"
    """Of the tables: where the owner finds them, and an administrator does not."""
    postgres_settings: str = ""
    """More lines of its configuration."""
    language: str = ""
    """Of PostgreSQL's messages, as `de_DE`."""
    redis_socket: bool = False
    """Redis is reached by its socket alone."""
    second_site: bool = False
    """The proxy serves another one too, and is first in its file."""
    api_account: str = "www-data"
    reader: bool = False
    """Read-only procedures have a role of their own, which the server holds to reading."""
    sockets: bool = False
    """PostgreSQL is reached by its socket, whose folder everybody may enter."""
    loopback: str = "127.0.0.1"
    """Where everything of its own listens; `::1` is IPv6 alone."""

    @property
    def words(self) -> dict[str, str]:
        """The secrets that are not made anew."""
        said = {"owner": self.owner_password, "redis": self.redis_password}
        return {name: word for name, word in said.items() if word}

    @property
    def messages(self) -> str:
        """The locale of PostgreSQL's messages: `C` also where this machine cannot make the other one."""
        there = self.language and Path("/usr/share/i18n/locales", self.language).is_file()
        return f"{self.language}.UTF-8" if there else "C"

    @property
    def url_host(self) -> str:
        """The same as an address of the web has it."""
        return f"[{self.loopback}]" if ":" in self.loopback else self.loopback

    @property
    def called(self) -> str:
        """How people write where it is: by its name, which may lead to IPv4 alone, or by its number."""
        return self.url_host if ":" in self.loopback else "localhost"


@dataclass(frozen=True)
class Words:
    """Secrets, made anew each time."""

    owner: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    superuser: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    redis: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    jwt: str = field(default_factory=lambda: secrets.token_hex(40))
    backup: str = field(default_factory=lambda: secrets.token_hex(32))


@dataclass(frozen=True)
class Addresses:
    """Ports of the loopback."""

    postgres: int
    pooler: int
    redis: int
    nginx: int
    aws: int
    third_parties: int
    slots: tuple[int, ...]

    @classmethod
    def held(cls, slots: int) -> tuple[Addresses, tuple[socket.socket, ...]]:
        """Free ones, and what keeps them from everybody but those who are told to listen there, until it is closed."""
        names = [each.name for each in fields(cls) if each.name != "slots"]
        held = hold_ports([*names, *map(str, range(slots))])
        ports = {name: each.getsockname()[1] for name, each in held.items()}
        found = cls(**{name: ports[name] for name in names}, slots=tuple(ports[str(slot)] for slot in range(slots)))
        return found, tuple(held.values())


def missing_programs() -> list[str]:
    """The programs that this machine lacks; empty where a foreign staging can be built."""
    folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    lacking = [name for name in PROGRAMS if shutil.which(name, path=folders) is None]
    return lacking + ([] if (POSTGRES / "postgres").is_file() else ["PostgreSQL 15"])
