"""A terminal without UTF-8 shows what its letters can say; a sign that it has no letter for is no error."""

from __future__ import annotations

import codecs
import io
import sys

__all__ = ["in_any_locale"]

_SAID_IN_ASCII = {
    "✓": "ok",
    "✗": "x",
    "…": "...",
    "→": "->",
    "←": "<-",
    "│": "|",
    "┆": ":",
    "–": "-",
    "—": "-",
    "·": "-",
    "▲": "^",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "≥": ">=",
    "≤": "<=",
    "⟨": "<",
    "⟩": ">",
}
"""What a guided run says with; good and bad stay apart. All else is written as its number, `\\u0642`."""


def in_any_locale() -> None:
    """From here on nothing that is printed fails for want of a letter; a file or a program is given UTF-8."""
    codecs.register_error("runbooks", _instead)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="runbooks")


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    said = (_SAID_IN_ASCII.get(each) or each.encode("ascii", "backslashreplace").decode("ascii") for each in lost)
    return "".join(said), error.end
