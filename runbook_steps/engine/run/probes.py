"""Looks at what the platform offers, and compares it with its contract. Every probe only reads."""

from __future__ import annotations

import json
import re
import shutil
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx
import psycopg
import redis

from runbook_steps.engine.model import Command
from runbook_steps.engine.postgres.address import read_address
from runbook_steps.engine.sources.contract_file import Contract, Interface
from runbook_steps.engine.text.not_held import by_the_guard

__all__ = ["Fit", "Fitting", "look_at", "what_differs"]

_DEADLINE_S = 5.0
_TAIL_BYTES = 65_536


class Fit(StrEnum):
    """What came of a look. *Unknown* is a look that could not be made: it is no good news."""

    FITS = "fits"
    DIFFERS = "differs"
    MISSING = "missing"
    UNKNOWN = "could not be seen"


@dataclass(frozen=True)
class Fitting:
    """One interface on one target: what was seen."""

    interface: Interface
    fit: Fit
    seen: str


def look_at(interfaces: Iterable[Interface], environment: Mapping[str, str], *, host: bool) -> tuple[Fitting, ...]:
    """Every interface in turn. `environment` is the guarded one; `host` whether this machine is the platform's."""
    return tuple(_one(each, environment, host=host) for each in interfaces)


def what_differs(command: Command, contract: Contract, environment: Mapping[str, str]) -> str:
    """What a command that failed needs of the database and is not there, with the way round; empty otherwise.

    Only what the database itself says of its catalogue: a route that is gone may be the incident.
    """
    for each in contract.used_by(command):
        if "sql" in each.probe and (found := _one(each, environment, host=False)).fit is Fit.DIFFERS:
            return f"“{command.purpose}” needs {each.title}, and {found.seen}. Instead: {each.missing}"
    return ""


def _one(interface: Interface, environment: Mapping[str, str], *, host: bool) -> Fitting:
    if unset := interface.unset(environment):
        return Fitting(interface, Fit.MISSING, f"{', '.join(unset)} is not set")
    if interface.acts_on == "host" and not host and "HOST_IS_HERE" in interface.needs:
        return Fitting(interface, Fit.MISSING, "this machine is not the host")
    try:
        fit, seen = _ask(interface.probe, environment)
    except (httpx.HTTPError, psycopg.Error, redis.RedisError, OSError, ValueError) as error:
        said = str(error).strip().splitlines()
        plain = f"{type(error).__name__}: {said[0] if said else 'no word'}"
        fit, seen = Fit.UNKNOWN, by_the_guard(str(error)) or plain
    return Fitting(interface, fit, seen)


def _ask(probe: Mapping[str, str | tuple[str, ...]], environment: Mapping[str, str]) -> tuple[Fit, str]:
    fields = tuple(probe.get("fields", ()))
    if path := probe.get("get"):
        return _route(str(path), str(probe.get("status", "200")), fields, environment)
    if pattern := probe.get("keys"):
        return _keys(str(pattern), environment)
    if query := probe.get("sql"):
        return _value(str(query), str(probe.get("is", "true")), environment)
    if name := probe.get("lines"):
        return _lines(str(name), fields, str(probe.get("matches", "")), environment)
    if program := probe.get("run"):
        found = shutil.which(str(program), path=environment.get("PATH"))
        return (Fit.FITS, found) if found else (Fit.MISSING, f"{program} is not on the PATH")
    unset = [name for name in probe.get("set", ()) if not environment.get(name)]
    return (Fit.DIFFERS, f"{', '.join(unset)} is not set") if unset else (Fit.FITS, "set")


def _route(path: str, status: str, fields: tuple[str, ...], environment: Mapping[str, str]) -> tuple[Fit, str]:
    context = ssl.create_default_context(cafile=environment.get("SSL_CERT_FILE"))
    with httpx.Client(verify=context, timeout=_DEADLINE_S, trust_env=False) as client:
        answer = client.get(environment["API_BASE_URL"].rstrip("/") + path)
    if answer.reason_phrase == "Guard":
        return Fit.UNKNOWN, f"GET {path}: {answer.text.strip()[:120]}"
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return Fit.UNKNOWN, f"GET {path} answers 429: too many requests, ask again later"
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR and str(answer.status_code) != status:
        return Fit.UNKNOWN, f"GET {path} answers {answer.status_code}: it cannot be looked at now"
    if answer.status_code in {404, 410}:
        return Fit.MISSING, f"GET {path} answers {answer.status_code}"
    if str(answer.status_code) != status:
        leads = f" and leads to {answer.headers['location']}" if "location" in answer.headers else ""
        return Fit.DIFFERS, f"GET {path} answers {answer.status_code}{leads}, not {status}"
    return _fields(f"GET {path}", answer.text, fields) if fields else (Fit.FITS, f"GET {path} answers {status}")


def _fields(what: str, text: str, fields: tuple[str, ...]) -> tuple[Fit, str]:
    try:
        document = json.loads(text)
    except ValueError:
        return Fit.DIFFERS, f"{what} is no JSON"
    has = sorted(name for name, value in document.items() if value is not None) if isinstance(document, dict) else []
    absent = [name for name in fields if name not in has]
    if absent:
        return Fit.DIFFERS, f"{what} has no {', '.join(absent)} at its top; it has {', '.join(has) or 'no names'}"
    return Fit.FITS, f"{what} has {', '.join(fields)}"


def _keys(pattern: str, environment: Mapping[str, str]) -> tuple[Fit, str]:
    client = redis.Redis.from_url(
        environment["REDIS_URL"], socket_timeout=_DEADLINE_S, socket_connect_timeout=_DEADLINE_S, protocol=2,
        decode_responses=True,
    )  # fmt: skip
    with client:
        version = client.info("server").get("redis_version", "?")
        first = next(iter(client.scan_iter(match=pattern, count=1000)), None)
    if pattern == "*":
        return Fit.FITS, f"Redis {version}"
    if first is None:
        return Fit.UNKNOWN, f"there is no {pattern} now: whether it would be so cannot be told"
    return Fit.FITS, f"there are {pattern}"


def _value(query: str, expected: str, environment: Mapping[str, str]) -> tuple[Fit, str]:
    address = read_address(environment["DATABASE_URL"]).conninfo()
    with psycopg.connect(address, connect_timeout=int(_DEADLINE_S), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    told = str(row[0]).lower() if row else "nothing"
    return (Fit.FITS if told == expected else Fit.DIFFERS), f"{query} is {told}"


def _lines(name: str, fields: tuple[str, ...], form: str, environment: Mapping[str, str]) -> tuple[Fit, str]:
    variable, _, rest = name.removeprefix("$").partition("/")
    file = Path(environment[variable]) / rest if rest else Path(environment[variable])
    if not file.is_file():
        return Fit.MISSING, f"{file} is not there"
    with file.open("rb") as text:
        text.seek(max(0, file.stat().st_size - _TAIL_BYTES))
        lines = text.read().decode("utf-8", "replace").splitlines()
    if not lines:
        return Fit.UNKNOWN, f"{file} is empty: it tells nothing"
    if form and not any(re.match(form, line) for line in lines):
        return Fit.DIFFERS, f"none of the last {len(lines)} lines of {file} is of the expected format: {lines[-1][:80]}"
    if not fields:
        return Fit.FITS, f"{file} has lines"
    seen = [_fields(f"a line of {file}", line, fields) for line in reversed(lines)]
    fits = next((each for each in seen if each[0] is Fit.FITS), None)
    return fits or (Fit.DIFFERS, f"none of the last {len(seen)} lines of {file} has {', '.join(fields)}; {seen[0][1]}")
