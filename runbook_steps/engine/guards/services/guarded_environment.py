"""Where a command's environment names a service, and the same environment with the guard in its place. Pure.

An address that cannot be read, or that two clients could read in two ways, is not handed to commands at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from runbook_steps.engine.guards.services.addresses import (
    FOR_THE_GUARD,
    Origin,
    UnreadableAddress,
    postgres_origin,
    read_addresses,
)
from runbook_steps.engine.postgres.address import LIBPQ_VARIABLES, read_address

__all__ = ["Origin", "origins", "rewritten", "unreadable", "with_readonly_role"]

READONLY_DATABASE = "RUNBOOKS_READONLY_DATABASE_URL"
"""The database URL of a role that can only read, where there is one: read-only procedures get it as DATABASE_URL."""
_NOT_HANDED_ON = frozenset(LIBPQ_VARIABLES[key] for key in FOR_THE_GUARD if key in LIBPQ_VARIABLES) | {
    "PGREQUIRESSL", "PGSERVICEFILE", "PGSYSCONFDIR",
}  # fmt: skip


def origins(environment: Mapping[str, str]) -> tuple[Origin, ...]:
    """Every service that the environment names, each once; without those that cannot be read."""
    found: dict[tuple[str, str, int], Origin] = {}
    for origin in _all_origins(environment):
        found.setdefault((origin.kind, origin.host, origin.port), origin)
    return tuple(found.values())


def unreadable(environment: Mapping[str, str]) -> dict[str, str]:
    """Why a variable is not handed to commands, by its name; never with its value."""
    found: dict[str, str] = {}
    for name, value in environment.items():
        try:
            read_addresses(name, value)
        except UnreadableAddress as error:
            found[name] = str(error)
    try:
        _from_pg(environment)
    except UnreadableAddress as error:
        found |= {name: str(error) for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE") if environment.get(name)}
    return found


def rewritten(environment: Mapping[str, str], port_of: Callable[[Origin], int]) -> dict[str, str]:
    """The environment with every service at `localhost:<port_of(origin)>`: URLs, PG*, REDIS_*."""
    withheld = unreadable(environment)
    changed = {}
    for name, value in environment.items():
        if name not in withheld:
            changed[name] = "".join(part.at(port_of) for part in read_addresses(name, value))
    if postgres := None if withheld.keys() & _OF_PG else _from_pg(environment):
        changed = {name: value for name, value in changed.items() if name not in _NOT_HANDED_ON}
        changed |= {"PGHOST": "127.0.0.1", "PGPORT": str(port_of(postgres)), "PGSSLMODE": "disable"}
    if redis := _from_redis(environment):
        changed |= {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port_of(redis))}
        changed.pop("REDIS_TLS", None)
    return changed


def with_readonly_role(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the read-only role as the database's user, where the target has one.

    Raises ConfigurationError, without the value, when its address cannot be read.
    """
    url = environment.get(READONLY_DATABASE, "")
    if not url:
        return dict(environment)
    said = read_address(url, READONLY_DATABASE).variables()
    kept = {name: value for name, value in environment.items() if name not in _NOT_HANDED_ON or name == "PGSSLMODE"}
    return {**kept, "DATABASE_URL": url, **said}


_OF_PG = frozenset({"PGHOST", "PGHOSTADDR", "PGSERVICE"})


def _all_origins(environment: Mapping[str, str]) -> Iterator[Origin]:
    withheld = unreadable(environment)
    for name, value in environment.items():
        if name not in withheld:
            yield from (part.origin for part in read_addresses(name, value) if part.origin is not None)
    if not withheld.keys() & _OF_PG:
        yield from filter(None, [_from_pg(environment)])
    yield from filter(None, [_from_redis(environment)])


def _from_pg(environment: Mapping[str, str]) -> Origin | None:
    """Of the PG* variables. Raises UnreadableAddress."""
    said = {key: environment[name] for key, name in LIBPQ_VARIABLES.items() if environment.get(name)}
    if not said.keys() & {"host", "hostaddr", "service"}:
        return None
    return postgres_origin(said)


def _from_redis(environment: Mapping[str, str]) -> Origin | None:
    host, port = environment.get("REDIS_HOST", ""), environment.get("REDIS_PORT", "6379")
    if not host or not (port.isascii() and port.isdigit()):
        return None
    try:
        said = [part.origin for part in read_addresses("REDIS_URL", environment.get("REDIS_URL", "")) if part.origin]
    except UnreadableAddress:
        said = []
    by_url = next((o for o in said if o.kind == "redis" and (o.host, o.port) == (host, int(port))), None)
    return by_url or Origin("redis", host, int(port), "yes" if environment.get("REDIS_TLS") else "", "Redis")
