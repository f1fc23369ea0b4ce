"""`redis-cli` for machines without one: raw commands as it prints them to a pipe, --scan, --bigkeys, -x."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from runbook_steps.stand_in.embedded.shims import redis_format
from runbook_steps.stand_in.embedded.shims.common import run
from runbook_steps.stand_in.embedded.shims.resp import ErrorReply, Resp

__all__ = ["main", "read_options"]

_VALUED = {
    "-h": "host", "-p": "port", "-n": "database", "-a": "password", "--pass": "password", "--user": "user",
    "--pattern": "pattern", "--count": "count", "--type": "type", "-r": "repeat", "-i": "interval",
    "-t": "timeout", "-u": "url",
}  # fmt: skip
_FLAGS = {
    "--scan": "scan", "--bigkeys": "bigkeys", "-x": "last_from_stdin", "-e": "exit_on_error",
    "--no-raw": "formatted",
}  # fmt: skip
_IGNORED = {"--raw", "--no-auth-warning", "-3", "-2"}


class UsageError(Exception):
    """An option this stand-in does not have."""


@dataclass(frozen=True)
class Options:
    """What was asked for; times are in seconds."""

    host: str = "127.0.0.1"
    port: str = "6379"
    database: str = "0"
    user: str = ""
    password: str = ""
    url: str = ""
    pattern: str = "*"
    count: str = "10"
    type: str = ""
    repeat: str = "1"
    interval: str = "0"
    timeout: str = "0"
    scan: bool = False
    bigkeys: bool = False
    last_from_stdin: bool = False
    exit_on_error: bool = False
    formatted: bool = False
    command: tuple[str, ...] = ()


def read_options(arguments: list[str], password: str = "") -> Options:
    """Options up to the first word that is none: the rest is the command. Raises UsageError."""
    values: dict[str, Any] = {"password": password}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in _VALUED and rest:
            values[_VALUED[option]] = rest.pop(0)
        elif option in _FLAGS:
            values[_FLAGS[option]] = True
        elif option not in _IGNORED:
            raise UsageError(f"Unrecognized option or bad number of args for: '{option}'")
    options = Options(**values, command=tuple(rest))
    return _with_url(options) if options.url else options


def _with_url(options: Options) -> Options:
    parts = urlsplit(options.url)
    return replace(
        options,
        host=parts.hostname or options.host,
        port=str(parts.port or options.port),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or options.password),
        database=parts.path.strip("/") or options.database,
    )


def main(arguments: list[str]) -> int:
    """Gives redis-cli's exit code: 0 also for an error reply, but with -e; 1 when it cannot connect."""
    try:
        options = read_options(arguments, os.environ.get("REDISCLI_AUTH", ""))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        connection = Resp(options.host, int(options.port), float(options.timeout) or 5.0)
    except OSError as error:
        reason = error.strerror or str(error)
        sys.stderr.write(f"Could not connect to Redis at {options.host}:{options.port}: {reason}\n")
        return 1
    try:
        _greet(connection, options)
        return _serve(connection, options)
    except OSError as error:
        sys.stderr.write(f"Error: {error.strerror or error}\n")
        return 1
    finally:
        connection.close()


def _greet(connection: Resp, options: Options) -> None:
    if options.password:
        words = (options.user, options.password) if options.user else (options.password,)
        reply = connection.ask("AUTH", *words)
        if isinstance(reply, ErrorReply):
            sys.stderr.write(f"AUTH failed: {reply}\n")
    if options.database != "0":
        connection.ask("SELECT", options.database)


def _serve(connection: Resp, options: Options) -> int:
    if options.scan:
        for key in _scan(connection, options):
            redis_format.write(redis_format.raw(key) + b"\n")
        return 0
    if options.bigkeys:
        redis_format.write(redis_format.bigkeys(list(_sizes(connection, options))).encode())
        return 0
    if not options.command:
        lines = (shlex.split(line) for line in sys.stdin if line.strip())
        return max((_one(connection, words, options) for words in lines), default=0)
    words: list[str | bytes] = list(options.command)
    if options.last_from_stdin:
        words.append(sys.stdin.buffer.read())
    worst = 0
    for number in range(int(options.repeat)):
        if number:
            time.sleep(float(options.interval))
        worst = max(worst, _one(connection, words, options))
    return worst


def _one(connection: Resp, words: list[str] | list[str | bytes], options: Options) -> int:
    reply = connection.ask(*words)
    if isinstance(reply, ErrorReply) and options.exit_on_error:
        sys.stderr.write(f"{reply}\n")
        return 1
    shape = redis_format.formatted if options.formatted else redis_format.raw
    redis_format.write(shape(reply) + b"\n")
    return 0


def _scan(connection: Resp, options: Options) -> Any:
    cursor: bytes = b"0"
    extra = ["TYPE", options.type] if options.type else []
    while True:
        reply = connection.ask("SCAN", cursor, "MATCH", options.pattern, "COUNT", options.count, *extra)
        if isinstance(reply, ErrorReply):
            raise ConnectionError(reply)
        cursor, keys = reply
        yield from keys
        if cursor == b"0":
            return


def _sizes(connection: Resp, options: Options) -> Any:
    """(key, type, size) of every key."""
    for key in _scan(connection, options):
        kind = bytes(connection.ask("TYPE", key)).decode()
        command = redis_format.SIZE_COMMANDS.get(kind)
        if command is not None:
            yield key, kind, int(connection.ask(command, key))


if __name__ == "__main__":
    run("redis-cli", main)
