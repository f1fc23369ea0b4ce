"""A database's address as people write it → what libpq takes. Pure: nothing is connected to.

An address may carry what other clients add to it (Prisma, Supabase, node-postgres, pgx, SQLAlchemy): what
has a meaning for the server is translated, what only tunes a client's own pool is left out, and the rest is
named in a refusal. A value never appears in a message: it may be a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runbook_steps.engine.errors import ConfigurationError, RefusedError

__all__ = ["LIBPQ_VARIABLES", "Address", "percent_hint", "read_address"]

_OPTIONS = {option.keyword.decode(): option.envvar for option in pq.Conninfo.get_defaults()}
LIBPQ_VARIABLES: Mapping[str, str] = {
    keyword: variable.decode() for keyword, variable in _OPTIONS.items() if variable is not None
}
"""Which variable says the same as a parameter of an address."""
_NEVER_IN_ARGUMENTS = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key"})
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9.+-]*)://", re.IGNORECASE)
_DRIVERS = re.compile(r"(?:postgres(?:ql)?|postgis|psql|pgsql)(?:\+\w+)?", re.IGNORECASE)
_NOT_KNOWN = re.compile(r'invalid (?:connection option|URI query parameter:?) "([\w.-]+)"')
_OF_A_CLIENT = frozenset(
    {  # they tune the pool, the cache or the waiting of one client, and say nothing to the server
        "connection_limit", "pool_timeout", "socket_timeout", "max_idle_connection_lifetime", "statement_cache_size",
        "prepared_statement_cache_size", "prepared_statements", "prepare_threshold", "preparethreshold", "pool",
        "pool_size", "max_overflow", "pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime",
        "pool_max_conn_idle_time", "pool_health_check_period", "default_query_exec_mode",
        "statement_cache_capacity", "description_cache_capacity", "binary_parameters", "uselibpqcompat",
        "connect_retries", "max", "idle_timeout", "idletimeoutmillis", "connectiontimeoutmillis", "workaround", "supa",
        "encoding", "charset", "serverversion", "reconnect", "conn_max_age", "conn_max_lifetime",
    }
)  # fmt: skip
_OF_THE_SERVER = {  # sent as a setting of the session
    "schema": "search_path", "search_path": "search_path", "currentschema": "search_path", "timezone": "TimeZone",
    "statement_timeout": "statement_timeout", "lock_timeout": "lock_timeout",
    "idle_in_transaction_session_timeout": "idle_in_transaction_session_timeout", "datestyle": "DateStyle",
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """`parameters` are libpq's and may hold a password; `left_out` names what another client meant for itself.

    `pooler` says by what the address is seen to lead to a pooler that gives each transaction another session.
    """

    parameters: Mapping[str, str] = field(repr=False)
    left_out: tuple[str, ...] = ()
    pooler: str = ""

    def conninfo(self, **more: str) -> str:
        """One connection string, with the password: for a client in this process, never for an argument."""
        return make_conninfo("", **{**self.parameters, **more})

    def variables(self) -> dict[str, str]:
        """The same for psql, pg_dump and the others, as PG* variables: as far as libpq has one for a parameter."""
        return {LIBPQ_VARIABLES[key]: value for key, value in self.parameters.items() if key in LIBPQ_VARIABLES}

    def argument(self, dbname: str, variable: str = "the address") -> str:
        """What a tool gets as `--dbname`: the name, and what has no variable.

        Raises ConfigurationError for a secret that could only be handed over where everybody can read it.
        """
        rest = {key: value for key, value in self.parameters.items() if key not in LIBPQ_VARIABLES}
        if secret := sorted(rest.keys() & _NEVER_IN_ARGUMENTS):
            raise ConfigurationError(
                f"{variable} has `{secret[0]}`: PostgreSQL's tools take it as an argument alone, where every user of "
                "this machine can read it; use a key without a password"
            )
        return make_conninfo("", dbname=dbname, **rest)

    def refuse_pooler(self, what: str, variable: str = "DATABASE_URL") -> None:
        """Raises RefusedError when the address is seen to be a transaction pooler's; `what` needs a session."""
        if self.pooler:
            raise RefusedError(pooled(what, variable, self.pooler))


def pooled(what: str, variable: str, seen_by: str) -> str:
    """Why a pooler will not do, and what to write."""
    return (
        f"{variable} leads to a pooler that gives each transaction another session ({seen_by}): {what} needs one "
        "session from beginning to end. Write the database's direct address (at Supabase: port 5432), nothing was done"
    )


def read_address(text: str, variable: str = "DATABASE_URL") -> Address:
    """Reads a URL or `key=value` words. Raises ConfigurationError naming the parameter or part that is no good."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _checked(_parsed(text, variable), (), variable)
    if not _DRIVERS.fullmatch(scheme["scheme"]) or re.search(r"\s", text):
        raise _no_address(text, variable)
    rest = text[scheme.end() :]
    place, _, query = rest.partition("?")
    if place.partition("/")[0].count("@") > 1:
        raise ConfigurationError(f"{variable}: an `@` in its user or password is written `%40`")
    opened = "@" in query and "@" not in place and re.match(r"[^\[/]*:\d*[^\d/,]", place)
    if opened or "@" in place.partition("/")[2]:  # a `?` or `/` in its password: no piece of that is named
        raise _no_address(text, variable)
    known: dict[str, str] = {}
    foreign: dict[str, str] = {}
    for key, value in _pairs(query, variable):
        # libpq itself knows `ssl=true`
        mine = key in _OPTIONS or (key == "ssl" and value == "true")
        (known if mine else foreign)[key] = value
    known, left_out, session_pooler = _translated(known, foreign, variable)
    words = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in known.items())
    parameters = _parsed(f"postgresql://{place}{'?' if words else ''}{words}", variable)
    return _checked(parameters, left_out, variable, session_pooler)


def _parsed(text: str, variable: str) -> dict[str, str]:
    try:
        found = conninfo_to_dict(text)
    except psycopg.ProgrammingError as error:
        unknown = _NOT_KNOWN.search(str(error))
        if unknown:
            raise ConfigurationError(f"{variable} has a parameter that libpq does not know: `{unknown[1]}`") from error
        raise _no_address(text, variable) from error
    except UnicodeError as error:
        raise ConfigurationError(f"{variable} has bytes that are no text") from error
    return {key: str(value) for key, value in found.items() if value is not None}


def _no_address(text: str, variable: str) -> ConfigurationError:
    return ConfigurationError(
        f"{variable} is not a PostgreSQL URL, like postgres://user@host:5432/name{percent_hint(text)}"
    )


def percent_hint(url: str) -> str:
    """What to do, when signs that end a URL's user or password may stand in it as they are; empty otherwise."""
    if not re.search(r"://[^@]*[/?#%\[\]\s].*@", url):
        return ""
    return "; in its user and password write / as %2F, ? as %3F, # as %23, % as %25, [ as %5B, a blank as %20"


def _pairs(query: str, variable: str) -> Iterator[tuple[str, str]]:
    for word in filter(None, query.split("&")):
        key, equals, value = word.partition("=")
        if not equals:
            raise ConfigurationError(f"{variable} is not a PostgreSQL URL: its parameter `{_shown(key)}` has no value")
        yield unquote(key), unquote(value)


def _translated(
    known: dict[str, str], foreign: Mapping[str, str], variable: str
) -> tuple[dict[str, str], tuple[str, ...], str]:
    """Libpq's parameters, the names of what was left out, and by what a pooler is seen."""
    left_out, pooler, options = [], "", [known["options"]] if known.get("options") else []
    for name, value in foreign.items():
        key = name.lower()
        if key == "pgbouncer":
            pooler = f"its own parameter says {name}=true" if value.lower() in {"true", "1"} else pooler
            left_out.append(name)
        elif key in _OF_THE_SERVER:
            options.append(f"-c {_OF_THE_SERVER[key]}={_option(value)}")
        elif key in _OF_A_CLIENT:
            left_out.append(name)
        elif key == "sslaccept":
            _refuse_unverified(value, known, variable)
            left_out.append(name)
        elif key == "ssl" and value.lower() in {"true", "1", "false", "0"}:
            known.setdefault("sslmode", "require" if value.lower() in {"true", "1"} else "prefer")
        else:
            raise ConfigurationError(f"{variable} has a parameter that libpq does not know: `{_shown(name)}`")
    if options:
        known["options"] = " ".join(options)
    if known.get("sslmode") == "no-verify":  # node-postgres: encrypted, and nobody's certificate looked at
        known["sslmode"] = "require"
    return known, tuple(left_out), pooler


def _refuse_unverified(value: str, known: Mapping[str, str], variable: str) -> None:
    if value == "strict" and not known.get("sslmode", "").startswith("verify"):
        raise ConfigurationError(
            f"{variable}: `sslaccept=strict` wants the server's certificate verified; for libpq write "
            "sslmode=verify-full, and sslrootcert"
        )


def _option(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]{1,40}", name, re.ASCII) else "…"


def _checked(parameters: dict[str, str], left_out: tuple[str, ...], variable: str, pooler: str = "") -> Address:
    for port in filter(None, parameters.get("port", "").split(",")):
        if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 1 << 16):
            raise _no_address("", variable)
    return Address(parameters, left_out, pooler or _known_pooler(parameters))


def _known_pooler(parameters: Mapping[str, str]) -> str:
    hosts = parameters.get("host", "").lower().split(",")
    ports = (parameters.get("port", "") or "5432").split(",")
    for host, port in zip(hosts, ports * (len(hosts) if len(ports) == 1 else 1), strict=False):
        if port == "6543" and host.endswith((".supabase.com", ".supabase.co")):
            return f"port 6543 of {host} is Supabase's transaction pooler"
        if host.endswith(".neon.tech") and "-pooler." in host:
            return f"{host} is Neon's pooler"
        if port == "6432" and host.endswith(".postgres.database.azure.com"):
            return f"port 6432 of {host} is Azure's PgBouncer"
    return ""
