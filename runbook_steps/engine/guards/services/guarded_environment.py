"""Where a command's environment names a service, and the same environment with the guard in its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

__all__ = ["READONLY_DATABASE", "Origin", "origins", "rewritten", "with_readonly_role"]

_URL = re.compile(r"(?:postgres(?:ql)?|rediss?|https?)://[^\s]+")
_PORTS = {"postgres": 5432, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}
_TLS_MODES = frozenset({"require", "verify-ca", "verify-full"})
READONLY_DATABASE = "RUNBOOKS_READONLY_DATABASE_URL"
"""The database URL of a role that can only read, where there is one: read-only procedures get it as DATABASE_URL."""


@dataclass(frozen=True)
class Origin:
    """A service as a command reaches it. `kind` is postgres, redis, aws or http; `tls` a word of libpq or `yes`."""

    kind: str
    host: str
    port: int
    tls: str = ""
    name: str = ""


def origins(environment: Mapping[str, str]) -> tuple[Origin, ...]:
    """Every service that the environment names, each once."""
    found: dict[tuple[str, str, int], Origin] = {}
    for origin in _all_origins(environment):
        found.setdefault((origin.kind, origin.host, origin.port), origin)
    return tuple(found.values())


def rewritten(environment: Mapping[str, str], port_of: Callable[[Origin], int]) -> dict[str, str]:
    """The environment with every service at `localhost:<port_of(origin)>`: URLs, PG*, REDIS_*."""
    changed = {name: _URL.sub(lambda m, n=name: _at_guard(n, m[0], port_of), value)  # type: ignore[misc]
               for name, value in environment.items()}  # fmt: skip
    if postgres := _from_pg(environment):
        changed |= {"PGHOST": "127.0.0.1", "PGPORT": str(port_of(postgres)), "PGSSLMODE": "disable"}
        changed.pop("PGHOSTADDR", None)
        changed.pop("PGSERVICE", None)
    if redis := _from_redis(environment):
        changed |= {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port_of(redis))}
    return changed


def with_readonly_role(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the read-only role as the database's user, where the target has one."""
    url = environment.get(READONLY_DATABASE, "")
    if not url:
        return dict(environment)
    parts = urlsplit(url)
    changed = {**environment, "DATABASE_URL": url}
    named = {
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGHOST": parts.hostname,
    }
    changed |= {name: value for name, value in named.items() if value}
    if parts.port:
        changed["PGPORT"] = str(parts.port)
    return changed


def _all_origins(environment: Mapping[str, str]) -> Iterator[Origin]:
    for name, value in environment.items():
        for url in _URL.findall(value):
            if origin := _from_url(name, url):
                yield origin
    yield from filter(None, (_from_pg(environment), _from_redis(environment)))


def _from_url(name: str, url: str) -> Origin | None:
    try:
        parts = urlsplit(url)
        scheme = "postgres" if parts.scheme.startswith("postgres") else parts.scheme
        port = parts.port or _PORTS[scheme]
    except ValueError:
        return None  # not an address: the command that uses it will say so
    if not parts.hostname:
        return None
    if scheme == "postgres":
        mode = parse_qs(parts.query).get("sslmode", [""])[-1]
        return Origin("postgres", parts.hostname, port, mode if mode in _TLS_MODES else "", "PostgreSQL")
    if scheme.startswith("redis"):
        return Origin("redis", parts.hostname, port, "yes" if scheme == "rediss" else "", "Redis")
    aws = name.startswith("AWS_ENDPOINT_URL")
    tls = "yes" if scheme == "https" else ""
    named = "AWS" if aws else f"HTTP {parts.netloc.rpartition('@')[2]}"  # never the password before it
    return Origin("aws" if aws else "http", parts.hostname, port, tls, named)


def _from_pg(environment: Mapping[str, str]) -> Origin | None:
    host = environment.get("PGHOST", "")
    if not host or host.startswith("/"):
        return None
    mode = environment.get("PGSSLMODE", "")
    port = environment.get("PGPORT", "5432")
    tls = mode if mode in _TLS_MODES else ""
    return Origin("postgres", host, int(port), tls, "PostgreSQL") if port.isascii() and port.isdigit() else None


def _from_redis(environment: Mapping[str, str]) -> Origin | None:
    host, port = environment.get("REDIS_HOST", ""), environment.get("REDIS_PORT", "6379")
    tls = "yes" if environment.get("REDIS_URL", "").startswith("rediss:") else ""
    return Origin("redis", host, int(port), tls, "Redis") if host and port.isascii() and port.isdigit() else None


def _at_guard(name: str, url: str, port_of: Callable[[Origin], int]) -> str:
    origin = _from_url(name, url)
    if origin is None:
        return url
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    # `localhost` for TLS: the mirrored certificate carries that name if the real one was right for its host
    host = "localhost" if origin.kind in {"http", "aws"} else "127.0.0.1"
    scheme, query = parts.scheme, parts.query
    if origin.kind == "redis":
        scheme = "redis"
    if origin.kind == "postgres":
        fields = {key: values[-1] for key, values in parse_qs(query).items() if not key.startswith("ssl")}
        query = urlencode({**fields, "sslmode": "disable"})
    return urlunsplit((scheme, f"{user}{at}{host}:{port_of(origin)}", parts.path, query, parts.fragment))
