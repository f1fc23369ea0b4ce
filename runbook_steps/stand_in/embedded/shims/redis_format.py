"""Replies as redis-cli writes them: raw, as to a pipe, or formatted, as to a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from runbook_steps.stand_in.embedded.shims.resp import ErrorReply

__all__ = ["SIZE_COMMANDS", "bigkeys", "formatted", "raw", "write"]

SIZE_COMMANDS = {
    "string": "STRLEN",
    "list": "LLEN",
    "set": "SCARD",
    "hash": "HLEN",
    "zset": "ZCARD",
    "stream": "XLEN",
}
_UNITS = {
    "string": ("strings", "bytes"),
    "list": ("lists", "items"),
    "set": ("sets", "members"),
    "hash": ("hashs", "fields"),  # redis-cli's own spelling
    "zset": ("zsets", "members"),
    "stream": ("streams", "entries"),
}


def write(data: bytes) -> None:
    """To standard output: values may be any bytes."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def raw(reply: Any) -> bytes:
    """As to a pipe: nothing for nil, one element a line."""
    if reply is None:
        return b""
    if isinstance(reply, ErrorReply):
        return reply.encode() + b"\n"
    if isinstance(reply, list | tuple):
        return b"\n".join(raw(item) for item in reply)
    return reply if isinstance(reply, bytes) else str(reply).encode()


def formatted(reply: Any, indent: str = "") -> bytes:
    """As to a terminal."""
    if reply is None:
        return b"(nil)"
    if isinstance(reply, ErrorReply):
        return f"(error) {reply}".encode()
    if isinstance(reply, int):
        return f"(integer) {reply}".encode()
    if isinstance(reply, list | tuple):
        return _numbered(reply, indent)
    return _quoted(reply)


def _numbered(items: list[Any] | tuple[Any, ...], indent: str) -> bytes:
    if not items:
        return b"(empty array)"
    width = len(str(len(items)))
    lines = []
    for number, item in enumerate(items, start=1):
        head = f"{number:>{width}}) "
        text = formatted(item, indent + " " * len(head))
        lines.append((indent if number > 1 else "").encode() + head.encode() + text)
    return b"\n".join(lines)


def _quoted(value: bytes) -> bytes:
    escapes = {ord('"'): '\\"', ord("\\"): "\\\\", 10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b"}
    text = "".join(
        escapes.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")  # noqa: PLR2004 - ASCII
        for byte in value
    )
    return f'"{text}"'.encode()


def bigkeys(found: Iterable[tuple[bytes, str, int]]) -> str:
    """The report of --bigkeys for (key, type, size)."""
    keys = list(found)
    biggest: dict[str, tuple[bytes, int]] = {}
    for key, kind, size in keys:
        if kind not in biggest or size > biggest[kind][1]:
            biggest[kind] = (key, size)
    length = sum(len(key) for key, _, _ in keys)
    lines = [
        "",
        "# Scanning the entire keyspace to find biggest keys as well as",
        "# average sizes per key type.",
        "",
        "-------- summary -------",
        "",
        f"Sampled {len(keys)} keys in the keyspace!",
        f"Total key length in bytes is {length} (avg len {length / len(keys) if keys else 0:.2f})",
        "",
    ]
    for kind, (key, size) in biggest.items():
        lines.append(f"Biggest {kind:>6} found '{_quoted(key).decode()}' has {size} {_UNITS[kind][1]}")
    lines.append("")
    for kind, (plural, unit) in _UNITS.items():
        sizes = [size for _, other, size in keys if other == kind]
        share = 100 * len(sizes) / len(keys) if keys else 0
        mean = sum(sizes) / len(sizes) if sizes else 0
        lines.append(f"{len(sizes)} {plural} with {sum(sizes)} {unit} ({share:05.2f}% of keys, avg size {mean:.2f})")
    return "\n".join(lines) + "\n"
