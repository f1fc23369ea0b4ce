"""Where a live target is: a mark of each address, so that a run that goes on notices another system. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from runbook_steps.engine.text.secret_names import known_harmless

__all__ = ["places_of"]

_IN_A_STORE = re.compile(r"postgres(?:ql)?|rediss?")
"""Of these addresses the path is a database's name; of others it may be a secret, as of a webhook."""
_PLACE = re.compile(r"/\S+|[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost(?::\d+)?")
_MARK = 12  # letters


def places_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Each variable that says where something is → a mark that tells it from another place, and not which it is.

    Users, passwords and queries are left out: who renews a password works on the same system.
    """
    said = {name: place for name, value in environment.items() if (place := _place(name, value))}
    return {name: hashlib.sha256(f"{name}={said[name]}".encode()).hexdigest()[:_MARK] for name in sorted(said)}


def _place(name: str, value: str) -> str:
    if "://" not in value:
        return value if _PLACE.fullmatch(value) and known_harmless(name, value) else ""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return ""
    path = parts.path if _IN_A_STORE.fullmatch(parts.scheme) else ""
    return f"{parts.scheme}://{parts.hostname}:{port}{path}"
