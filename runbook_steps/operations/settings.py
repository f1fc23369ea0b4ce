"""The environment that the operations read. Names are production's; a value is never printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.engine.postgres.address import read_address

__all__ = ["Unreachable", "database_url", "number", "required", "web_url"]


class Unreachable(OperationError):
    """A service that the operation needs cannot be reached."""

    exit_code = 4


def required(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    """The values of variables that must be set. Raises ConfigurationError naming every one that is not."""
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)} not set; load the target's environment first, for example "
            'eval "$(runbooks target env)"'
        )
    return {name: environ[name] for name in names}


def database_url(environ: Mapping[str, str]) -> str:
    """DATABASE_URL as libpq reads it. Raises ConfigurationError, without its value, when it is not set or no good."""
    return read_address(required(environ, "DATABASE_URL")["DATABASE_URL"]).conninfo()


def number(environ: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    """A whole number from low to high. Raises ConfigurationError, without the value, otherwise."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    shape = re.fullmatch(r"0*([0-9]{1,18})", text)  # int() refuses thousands of digits by itself
    if shape is None or not low <= int(shape[1]) <= high:
        raise ConfigurationError(f"{name} must be a whole number from {low} to {high}")
    return int(shape[1])


def web_url(environ: Mapping[str, str], name: str, default: str = "") -> str:
    """An http(s) address without its last slash; the default when it is not set.

    Raises ConfigurationError, without the value, for anything else.
    """
    text = environ.get(name, "").strip() or default
    if text and not _is_web_url(text):
        raise ConfigurationError(f"{name} is not a URL like https://host:port/path")
    return text.rstrip("/")


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna")
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:  # a port that is no number, half an IPv6 address, a label that is too long
        return False
    printable = text.isprintable() and " " not in text
    return parts.scheme in {"http", "https"} and bool(host) and port_is_good and printable
