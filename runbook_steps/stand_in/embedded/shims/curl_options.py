"""curl's command line, as far as runbooks use it → a value. Pure, but for `@file` data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

__all__ = ["CurlError", "Options", "read_options"]

_FLAGS = {
    "-f": "fail", "--fail": "fail", "--fail-with-body": "fail_with_body", "-s": "silent",
    "--silent": "silent", "-S": "show_error", "--show-error": "show_error", "-I": "head",
    "--head": "head", "-L": "follow", "--location": "follow", "-k": "insecure", "--insecure": "insecure",
    "-i": "include", "--include": "include", "-G": "get", "--get": "get",
    "--retry-all-errors": "retry_all", "--retry-connrefused": "retry_refused",
}  # fmt: skip
_VALUED = {
    "-o": "output", "--output": "output", "-w": "write_out", "--write-out": "write_out", "-X": "method",
    "--request": "method", "-m": "max_time", "--max-time": "max_time", "--connect-timeout": "connect_timeout",
    "--retry": "retry", "--retry-delay": "retry_delay", "--retry-max-time": "retry_max_time",
    "--cacert": "cacert", "-u": "user", "--user": "user", "-D": "dump_header", "--dump-header": "dump_header",
    "--max-redirs": "max_redirects", "-A": "agent", "--user-agent": "agent",
}  # fmt: skip
_DATA = {"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json"}
_IGNORED = {"--http1.1", "--compressed", "-#", "--no-progress-meter", "-g", "--globoff", "-N", "--no-buffer"}


class CurlError(Exception):
    """Ends the command with curl's exit code for it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Options:
    """What was asked for, still as text; times are in seconds."""

    urls: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    json: bool = False
    fail: bool = False
    fail_with_body: bool = False
    silent: bool = False
    show_error: bool = False
    head: bool = False
    follow: bool = False
    insecure: bool = False
    include: bool = False
    get: bool = False
    retry_all: bool = False
    retry_refused: bool = False
    output: str = ""
    write_out: str = ""
    method: str = ""
    max_time: str = "0"
    connect_timeout: str = "0"
    retry: str = "0"
    retry_delay: str = "0"
    retry_max_time: str = "0"
    cacert: str = ""
    user: str = ""
    dump_header: str = ""
    max_redirects: str = "50"
    agent: str = "curl/8 (stand-in)"


def read_options(arguments: list[str]) -> Options:
    """Raises CurlError 2 for an option that this stand-in does not have, 26 for data that cannot be read."""
    options, rest = Options(), list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            options.urls.append(word)
        elif word.startswith("--"):
            _option(options, word, lambda name=word: _value(name, rest))  # type: ignore[misc]
        else:
            _short(options, word[1:], rest)
    if not options.urls:
        raise CurlError(2, "no URL specified")
    return options


def _short(options: Options, letters: str, rest: list[str]) -> None:
    """`-fsSo FILE`, `-fsSoFILE`: flags, and at last an option with its value."""
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        taken = letters

        def value(name: str = name, taken: str = taken) -> str:
            return taken or _value(name, rest)

        if _option(options, name, value):
            return


def _value(name: str, rest: list[str]) -> str:
    if not rest:
        raise CurlError(2, f"option {name}: requires parameter")
    return rest.pop(0)


def _option(options: Options, name: str, value: Callable[[], str]) -> bool:
    """Sets it; True when it took a value."""
    if name in _FLAGS:
        setattr(options, _FLAGS[name], True)
        return False
    if name in _IGNORED:
        return False
    if name in _VALUED:
        setattr(options, _VALUED[name], value())
    elif name in ("-H", "--header"):
        options.headers += _headers(value())
    elif name == "--url":
        options.urls.append(value())
    elif name in _DATA:
        options.json = options.json or name == "--json"
        options.data.append(_data(name, value()))
    else:
        raise CurlError(2, f"option {name}: is unknown to this stand-in of curl")
    return True


def _headers(text: str) -> list[str]:
    """One header, or those of a file: `@file`."""
    if not text.startswith("@"):
        return [text]
    try:
        return Path(text[1:]).read_text("utf-8").splitlines()
    except OSError as error:
        raise CurlError(26, f"Failed to open {text[1:]}") from error


def _data(name: str, text: str) -> bytes:
    if name == "--data-urlencode":
        key, equals, rest = text.partition("=")
        return (f"{key}={quote(rest)}" if equals and key else quote(rest or text)).encode()
    if not text.startswith("@") or name == "--data-raw":
        return text.encode()
    try:
        content = sys.stdin.buffer.read() if text == "@-" else Path(text[1:]).read_bytes()
    except OSError as error:
        raise CurlError(26, f"Failed to open {text[1:]}") from error
    return content if name in ("--data-binary", "--json") else content.replace(b"\n", b"").replace(b"\r", b"")
