"""Reads one CBOR message (RFC 8949) strictly, as AWS' clients write them: definite lengths, each name once, no rest."""

from __future__ import annotations

import struct
from typing import Any

from runbook_steps.engine.guards.services.relay import Unreadable

__all__ = ["cbor_of"]

_DEEPEST = 20
_SIMPLE = {20: False, 21: True, 22: None}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _OTHER = range(8)
_MOMENT = 1  # the tag of a number that is a moment


def cbor_of(body: bytes) -> Any:
    """What it says. Raises Unreadable for what another reader could understand otherwise."""
    reader = _Reader(body)
    found = reader.item(0)
    if reader.at != len(body):
        raise Unreadable("a body in CBOR with something after its end")
    return found


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw, self.at = raw, 0

    def item(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise Unreadable("a body in CBOR that is too deep")
        major, minor = divmod(self._bytes(1)[0], 32)
        if major == _OTHER:
            return self._other(minor)
        number = self._number(minor)
        if major == _LIST:
            return [self.item(depth + 1) for _ in range(number)]
        if major == _MAP:
            return self._map(number, depth + 1)
        if major == _TAG and number == _MOMENT:
            return self.item(depth + 1)
        if major in {_UNSIGNED, _NEGATIVE}:
            return number if major == _UNSIGNED else -1 - number
        return self._string(major, number)

    def _map(self, count: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(count):
            name = self.item(depth)
            if not isinstance(name, str) or name in found:
                raise Unreadable("a body in CBOR that says a name twice, or by no text")
            found[name] = self.item(depth)
        return found

    def _string(self, major: int, length: int) -> str | bytes:
        if major not in {_BYTES, _TEXT}:
            raise Unreadable("a body in CBOR with a tag that is not known")
        raw = self._bytes(length)
        try:
            return raw if major == _BYTES else raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable("a body in CBOR that is not UTF-8") from None

    def _other(self, minor: int) -> bool | float | None:
        if minor in _SIMPLE:
            return _SIMPLE[minor]
        if minor not in _FLOATS:
            raise Unreadable("a body in CBOR with a value that is not known")
        (found,) = struct.unpack(_FLOATS[minor], self._bytes(_LENGTHS[minor]))
        return float(found)

    def _number(self, minor: int) -> int:
        if minor < min(_LENGTHS):
            return minor
        if minor not in _LENGTHS:
            raise Unreadable("a body in CBOR without a length")
        return int.from_bytes(self._bytes(_LENGTHS[minor]), "big")

    def _bytes(self, length: int) -> bytes:
        if length > len(self._raw) - self.at:
            raise Unreadable("a body in CBOR that is shorter than it says")
        self.at += length
        return self._raw[self.at - length : self.at]
