"""Names of the databases that runs make beside the live one. PostgreSQL counts bytes: cut between characters."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Container
from datetime import UTC, datetime, timedelta

__all__ = ["kept_name", "kept_pattern", "leftover_pattern", "scratch_name"]

NAME_LIMIT = 63  # bytes of a name in PostgreSQL
_ROOM = 24  # bytes of the longest ending


def _stem(live: str) -> str:
    """The live name; a long one is cut, and told from others that begin alike by a digest of the whole."""
    raw = live.encode("utf-8", "surrogateescape")
    if len(raw) <= NAME_LIMIT - _ROOM:
        return live
    cut = raw[: NAME_LIMIT - _ROOM - 7].decode("utf-8", "ignore")
    return f"{cut}_{hashlib.sha256(raw).hexdigest()[:6]}"


def scratch_name(live: str, what: str) -> str:
    """`beautycort_verify_1a2b3c4d`; `what` is `verify` or `restore`."""
    return f"{_stem(live)}_{what}_{secrets.token_hex(4)}"


def kept_name(live: str, what: str, taken: Container[str] = ()) -> str:
    """`beautycort_before_20261129_010203`; `what` is `before` (a restore) or `undone` (the undo of one).

    A name that is taken is one of the same second: then it is the next one.
    """
    when = datetime.now(UTC)
    while (name := f"{_stem(live)}_{what}_{when:%Y%m%d_%H%M%S}") in taken:
        when += timedelta(seconds=1)
    return name


def leftover_pattern(live: str) -> re.Pattern[str]:
    """What runs make and drop again."""
    return re.compile(rf"{re.escape(_stem(live))}_(verify|restore)_[0-9a-f]{{8}}")


def kept_pattern(live: str) -> re.Pattern[str]:
    """What restores and their undoing keep; the last group is the time."""
    return re.compile(rf"{re.escape(_stem(live))}_(before|undone)_([0-9]{{8}}_[0-9]{{6}})")
