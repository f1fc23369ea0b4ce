"""The definitions of a database as pg_dump writes them, entry by entry, and the comparison of two of them.

A definition's wording is not stable: what `x IN ('a', 'b')` or `BETWEEN` became is printed in one way when it was
typed, and in another when that print was read back; a newer server prints views otherwise. So two sides are
compared at the same age: where they differ, the older one is restored once more, without data, and printed again.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

__all__ = ["Definitions", "definitions", "definitions_digest", "differences"]

Definitions = Mapping[str, tuple[str, ...]]
"""`TYPE schema.name` → the texts of that entry, sorted; several entries may have one name."""

_HEADER = re.compile(rb"^-- (?:Data for )?Name: (.*); Type: ([A-Z -]+?); Schema: (.*); Owner: (.*)$", re.MULTILINE)
_NOT_OURS = {
    "SUBSCRIPTION",
    "SUBSCRIPTION TABLE",
    "SEQUENCE SET",
    "BLOB",
    "BLOBS",
    "BLOB METADATA",
    "DATABASE",
    "MATERIALIZED VIEW DATA",
}
_SETTING = re.compile(rb"^(?:--.*|SET default_(?:tablespace|table_access_method) = .*;)?\n?$")


def definitions(dump: bytes) -> Definitions:
    """The entries of a plain dump of the schema."""
    found: dict[str, list[str]] = defaultdict(list)
    headers = list(_HEADER.finditer(dump))
    for number, header in enumerate(headers):
        end = headers[number + 1].start() if number + 1 < len(headers) else len(dump)
        name, kind, schema, owner = (part.decode("utf-8", "surrogateescape") for part in header.groups())
        if kind not in _NOT_OURS and not name.startswith("SUBSCRIPTION "):
            key = f"{kind} {name}" if schema == "-" else f"{kind} {schema}.{name}"
            found[key].append(f"{_text(dump[header.end() : end])}\n-- of {owner}")
    return {key: tuple(sorted(texts)) for key, texts in found.items()}


def _text(body: bytes) -> str:
    # \restrict carries a random word since the releases of August 2025; the two settings are the catalogue's to check
    lines = [
        line
        for line in body.splitlines()
        if line.strip() and not _SETTING.match(line) and not line.startswith((b"\\restrict", b"\\unrestrict"))
    ]
    return b"\n".join(lines).decode("utf-8", "surrogateescape")


def definitions_digest(of: Definitions) -> str:
    """SHA-256 over all entries, whatever their order."""
    text = "\0".join(f"{key}\0{text}" for key in sorted(of) for text in of[key])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def differences(expected: Definitions, found: Definitions, *, but: Iterable[str] = ()) -> list[str]:
    """What differs, in words; entries whose text holds one of `but` are left out."""
    wrong = []
    for key in sorted({*expected, *found}):
        missing = Counter(expected.get(key, ())) - Counter(found.get(key, ()))
        surplus = Counter(found.get(key, ())) - Counter(expected.get(key, ()))
        if not missing and not surplus:
            continue
        if any(name in text for name in but for text in (*missing, *surplus)):
            continue
        what = "is missing" if not surplus else "is unexpected" if not missing else "is defined otherwise"
        wrong.append(f"{_readable(key)} {what}")
    return wrong


def _readable(key: str) -> str:
    kind = re.match(r"[A-Z -]+(?= )", key)
    return f"{kind[0].strip().lower()} {key[kind.end() :].strip()}" if kind else key
