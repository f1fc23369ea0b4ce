"""The addresses inside of a variable's value: URLs of what the guard relays, and libpq's own strings. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

from psycopg.conninfo import make_conninfo

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.postgres.address import read_address

__all__ = ["FOR_THE_GUARD", "Origin", "UnreadableAddress", "parameters_of", "postgres_origin", "read_addresses"]

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_END = r"[^\s,;\"'<>|`{}]*"
_URL = re.compile(rf"[a-z][a-z0-9+.-]*://{_END}", re.IGNORECASE)
_POSTGRES = re.compile(r"(?:postgres(?:ql)?|postgis|psql|pgsql)(?:\+\w+)?://", re.IGNORECASE)
_LIBPQ = re.compile(r"(?:^|\s)(?:host|hostaddr|service|dbname)\s*=", re.IGNORECASE)
_PORTS = {"redis": 6379, "rediss": 6379, "http": 80, "https": 443}
# they name no service that a command would reach over the network by them
_NO_SERVICE = frozenset({"file", "s3", "data", "urn"})
_ENGINES = frozenset({"DOCKER_HOST", "CONTAINER_HOST"})  # what runs containers here is none of the target's services
_BARE = re.compile(r"(?:[a-z0-9_.-]+=)?(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\]):[0-9]{1,5}(?:[:|/][a-z0-9.]+)?", re.IGNORECASE)
# `http:/host` and `http:\\host`, which curl and browsers take for a host
_HALF = re.compile(
    r"(?<![a-z0-9+.-])(?:https?|rediss?|postgres(?:ql)?|postgis|psql|pgsql):(?:/(?!/)|\\)", re.IGNORECASE
)
_OF_ADDRESSES = re.compile(r"(?:ADDR|ADDRESS|HOSTPORT|HOSTS?|ENDPOINTS?|NODES?|SERVERS?|BROKERS?|SENTINELS?)(?:ES)?")
_OF_ONE = re.compile(r"UR[IL]S?|DSN|CONN(?:ECTION)?(?:STRING|STR)?|STRING|CONNSTR")
# `host:6379,password=…`, `user:word@host:5432/name`, `user:word@tcp(host:3306)/name`, `Server=host;…`, `pgsql:host=…`
_WITHIN = re.compile(
    r"(?:^|[@(,;\s/])(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\]):[0-9]{1,5}(?:$|[),;\s/?])"
    r"|(?:^|[;:\s])(?:server|host|data source|address|addr|network address)\s*=",
    re.IGNORECASE,
)
_MODES = frozenset({"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
FOR_THE_GUARD = frozenset({  # of libpq: what says where the server is, and how it is spoken to
    "host", "hostaddr", "port", "service", "servicefile", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword",
    "sslcrl", "sslcrldir", "sslsni", "sslcompression", "sslcertmode", "sslnegotiation", "ssl_min_protocol_version",
    "ssl_max_protocol_version", "channel_binding", "gssencmode", "krbsrvname", "gsslib", "gssdelegation",
    "target_session_attrs", "load_balance_hosts", "requirepeer", "require_auth",
})  # fmt: skip


class UnreadableAddress(ValueError):
    """Why an address cannot be guarded; never with the address: it may hold a password."""


@dataclass(frozen=True)
class Origin:
    """A service as a command reaches it. `kind` is postgres, redis, aws or http.

    `tls` is libpq's `sslmode`, or `yes`, `unnamed` (of a known authority, for whatever host), `unverified`, or empty.
    `trusted` is a file of authorities, `pair` are a client's certificate and key, `server` is the name that the
    certificate must have where it is not the host.
    """

    kind: str
    host: str
    port: int
    tls: str = ""
    name: str = ""
    trusted: str = ""
    pair: tuple[str, str] | None = None
    server: str = ""


@dataclass(frozen=True)
class Piece:
    """A part of a value: text as it is, or an address with how to write it for the guard's port."""

    text: str = ""
    origin: Origin | None = None
    write: Callable[[int], str] = field(default=str)

    def at(self, port_of: Callable[[Origin], int]) -> str:
        """The part with the guard in place of the service."""
        return self.text if self.origin is None else self.write(port_of(self.origin))


def read_addresses(name: str, value: str) -> tuple[Piece, ...]:
    """The value in pieces. Raises UnreadableAddress when one of its addresses cannot be guarded."""
    text = value.strip()
    if _HALF.search(value):
        raise UnreadableAddress("two slashes belong behind its scheme")
    one_url = _POSTGRES.match(text) and not re.search(r"[\s,]\S*://", text)
    if one_url or (_LIBPQ.search(value) and not _SCHEME.search(value)):
        return (_postgres(text),)
    if not _SCHEME.search(value) and _says_where(name.upper().rpartition("_")[2], text):
        raise UnreadableAddress("it does not say what kind of service it is: write redis://, postgres:// or http://")
    return tuple(_pieces(name, value))


def parameters_of(origin: Origin, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Libpq's parameters of each address of that server among the variables."""
    for name, value in variables.items():
        with suppress(UnreadableAddress, ConfigurationError):
            yield from (read_address(each.text).parameters for each in read_addresses(name, value)
                        if each.origin == origin and origin.kind == "postgres")  # fmt: skip


def _says_where(last: str, text: str) -> bool:
    """Whether a text without a scheme is an address all the same, as some clients write one."""
    if text.startswith("//") and (_OF_ONE.fullmatch(last) or _OF_ADDRESSES.fullmatch(last)):
        return True
    if _OF_ADDRESSES.fullmatch(last):
        return all(map(_BARE.fullmatch, re.split(r"[\s,;]+", text)))
    return bool(_OF_ONE.fullmatch(last)) and bool(_WITHIN.search(text))


def _pieces(name: str, value: str) -> Iterator[Piece]:
    at = 0
    for found in _URL.finditer(value):
        yield Piece(value[at : found.start()])
        if re.match(r",(?!\s|[a-z][a-z0-9+.:-]*://)[^\s]", value[found.end() :], re.IGNORECASE):
            raise UnreadableAddress("it names several hosts: write one")
        yield _postgres(found[0]) if _POSTGRES.match(found[0]) else _url(name, found[0])
        at = found.end()
    yield Piece(value[at:])


def _url(name: str, url: str) -> Piece:
    scheme = url.partition(":")[0].lower()
    if scheme == "unix" and name == "REDIS_URL":
        return _redis_socket(url)
    if scheme in _NO_SERVICE or (scheme == "unix" and name in _ENGINES):
        return Piece(url)
    if scheme not in _PORTS:
        raise UnreadableAddress(f"the guard does not know services of the kind {scheme}")
    try:
        parts = urlsplit(url)
        port = parts.port if parts.port is not None else _PORTS[scheme]
    except ValueError:
        raise UnreadableAddress("its host or port cannot be read") from None
    host, user = parts.hostname or "", parts.netloc.rpartition("@")[0]
    if not host or "@" in user or "\\" in url or "%" in host or not 0 < port < 1 << 16:
        raise UnreadableAddress("its host can be read in more than one way, or not at all")
    if scheme.startswith("redis"):
        return _redis(parts.geturl(), host, port, user)
    aws, tls = name.startswith("AWS_ENDPOINT_URL"), "yes" if scheme == "https" else ""
    named = "AWS" if aws else f"HTTP {parts.netloc.rpartition('@')[2]}"  # never the password before it
    origin = Origin("aws" if aws else "http", host, port, tls, named)
    before = f"{user}@" if user else ""
    # `localhost`, for TLS: the mirrored certificate carries that name if the real one was right for its host
    return Piece(url, origin, lambda at: urlunsplit(parts._replace(netloc=f"{before}localhost:{at}")))


def _redis(url: str, host: str, port: int, user: str) -> Piece:
    parts = urlsplit(url)
    said = parse_qs(parts.query)
    checks = said.get("ssl_cert_reqs", ["required"])[-1].lower()
    tls = ("unverified" if checks in {"none", "0"} else "yes") if parts.scheme == "rediss" else ""
    if tls == "yes" and said.get("ssl_check_hostname", [""])[-1].lower() in {"false", "no", "0"}:
        tls = "unnamed"
    trusted = said.get("ssl_ca_certs", [""])[-1]
    certificate, key = (said.get(name, [""])[-1] for name in ("ssl_certfile", "ssl_keyfile"))
    pair = (certificate, key or certificate) if certificate and tls else None
    query = urlencode({key: values[-1] for key, values in said.items() if not key.startswith("ssl")})
    before = f"{user}@" if user else ""
    origin = Origin("redis", host, port, tls, "Redis", trusted, pair)
    return Piece(
        url, origin, lambda at: urlunsplit(("redis", f"{before}127.0.0.1:{at}", parts.path, query, parts.fragment))
    )


def _redis_socket(url: str) -> Piece:
    """`unix://user:word@/path?db=1`, as the clients of Redis read it; its port is 0."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if host or "@" in user or not parts.path.strip("/"):
        raise UnreadableAddress("it names no file of a socket")
    database = parse_qs(parts.query).get("db", ["0"])[-1]
    before = f"{user}@" if user else ""
    origin = Origin("redis", unquote(parts.path), 0, "", "Redis")
    return Piece(url, origin, lambda at: f"redis://{before}127.0.0.1:{at}/{database}")


def _postgres(text: str) -> Piece:
    try:
        said = read_address(text).parameters
    except ConfigurationError as error:
        raise UnreadableAddress(str(error).removeprefix("DATABASE_URL").strip()) from None
    kept = {key: value for key, value in said.items() if key not in FOR_THE_GUARD}
    scheme = _POSTGRES.match(text)

    def write(at: int) -> str:
        if scheme is None:
            return make_conninfo("", **kept, host="127.0.0.1", port=at, sslmode="disable")
        return _postgres_url(scheme[0], kept, at)

    return Piece(text, postgres_origin(said), write)


def _postgres_url(scheme: str, kept: Mapping[str, str], port: int) -> str:
    user, password = (quote(kept.get(key, ""), safe="") for key in ("user", "password"))
    before = f"{user}{':' + password if password else ''}@" if user or password else ""
    query = {key: value for key, value in kept.items() if key not in {"user", "password", "dbname"}}
    words = "&".join(f"{key}={quote(value, safe='')}" for key, value in {**query, "sslmode": "disable"}.items())
    return f"{scheme}{before}127.0.0.1:{port}/{quote(kept.get('dbname', ''), safe='')}?{words}"


def postgres_origin(said: Mapping[str, str]) -> Origin:
    """Of libpq's parameters. Raises UnreadableAddress for what the guard cannot stand before."""
    if said.get("service"):
        raise UnreadableAddress("it names a service of pg_service.conf, which the guard does not read")
    host, address, port = said.get("host", ""), said.get("hostaddr", ""), said.get("port", "") or "5432"
    if "," in host + address + port:
        raise UnreadableAddress("it names several hosts: write one")
    if not (host or address):
        raise UnreadableAddress("it names no host")
    mode = said.get("sslmode", "")
    if mode not in _MODES:
        raise UnreadableAddress("its sslmode is none that libpq knows")
    if said.get("channel_binding") == "require":
        raise UnreadableAddress("it wants channel_binding=require, which the guard cannot carry: use verify-full alone")
    if said.get("sslnegotiation") == "direct" or said.get("gssencmode") == "require":
        raise UnreadableAddress("it wants TLS or GSSAPI in a way that the guard does not speak")
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 1 << 16):
        raise UnreadableAddress("its port is no number")
    pair = (said["sslcert"], said["sslkey"]) if said.get("sslcert") and said.get("sslkey") else None
    return Origin(
        "postgres", address or host, int(port), mode, "PostgreSQL", said.get("sslrootcert", ""), pair,
        host if address else "",
    )  # fmt: skip
