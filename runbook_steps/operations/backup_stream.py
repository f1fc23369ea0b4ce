"""Encryption of a stream in authenticated chunks: a cut, a swap, a change and another key are told.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) over AES-256-GCM: each chunk has the nonce
`prefix (7 bytes) | counter (4 bytes) | last (1 byte)`, so that no chunk can be reordered, repeated, or taken
for the end; the header is authenticated with every chunk.

    file := magic (8) | prefix (7) | chunk size (4, big endian) | chunk*      chunk := ciphertext | tag (16)
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runbook_steps.engine.errors import ConfigurationError, RefusedError

__all__ = ["ByteSource", "decrypt", "encrypt", "key_fingerprint", "read_key"]

MAGIC = b"BCBACK01"
CHUNK = 1 << 20  # bytes of plaintext: memory stays constant whatever the database's size
_TAG = 16
_HEADER = struct.Struct(">8s7sI")
_KEY_BYTES = 32


class ByteSource(Protocol):
    """Something to read from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, empty at the end."""


def read_key(text: str) -> bytes:
    """64 hex digits → 32 bytes. Raises ConfigurationError, which tells the length and nothing else."""
    stripped = text.strip()
    try:
        key = bytes.fromhex(stripped)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES or len(stripped) != 2 * _KEY_BYTES:
        raise ConfigurationError(
            f"BACKUP_ENCRYPTION_KEY must be {2 * _KEY_BYTES} hex digits; it has {len(stripped)} characters"
            + ("" if key else ", not all of them hex digits")
        )
    return key


def key_fingerprint(key: bytes) -> str:
    """Names a key without telling it: 12 hex digits of a keyed hash."""
    return hashlib.blake2b(b"beautycort backup key", key=key, digest_size=6).hexdigest()


def encrypt(chunks: Iterator[bytes], key: bytes) -> Iterator[bytes]:
    """The encrypted file of a plain stream, piece by piece."""
    prefix = secrets.token_bytes(7)
    header = _HEADER.pack(MAGIC, prefix, CHUNK)
    cipher = AESGCM(key)
    yield header
    counter, waiting = 0, b""
    for piece in _resized(chunks):
        # a chunk is only written when the next is known: the last one is marked as last
        if waiting:
            yield cipher.encrypt(_nonce(prefix, counter, last=False), waiting, header)
            counter += 1
        waiting = piece
    yield cipher.encrypt(_nonce(prefix, counter, last=True), waiting, header)


def decrypt(source: ByteSource, key: bytes) -> Iterator[bytes]:
    """The plain stream of an encrypted file. Raises RefusedError, saying which part cannot be trusted."""
    header = _read_exactly(source, _HEADER.size)
    if len(header) < _HEADER.size or header[: len(MAGIC)] != MAGIC:
        raise RefusedError("it is not an encrypted backup of this program, or its beginning is damaged")
    _, prefix, size = _HEADER.unpack(header)
    if not 0 < size <= 64 * CHUNK:
        raise RefusedError("the beginning of the encrypted backup is damaged")
    cipher = AESGCM(key)
    counter, piece = 0, _read_exactly(source, size + _TAG)
    while True:
        following = _read_exactly(source, size + _TAG)
        try:
            yield cipher.decrypt(_nonce(prefix, counter, last=not following), piece, header)
        except InvalidTag as error:
            where = "at its beginning: another key, or damage" if counter == 0 else f"in chunk {counter}: damage"
            raise RefusedError(f"the encryption cannot be verified {where}, or it was cut short") from error
        if not following:
            return
        counter, piece = counter + 1, following


def _nonce(prefix: bytes, counter: int, *, last: bool) -> bytes:
    return prefix + struct.pack(">IB", counter, int(last))


def _resized(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of CHUNK, the last one shorter."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) > CHUNK:
            yield bytes(buffer[:CHUNK])
            del buffer[:CHUNK]
    if buffer:
        yield bytes(buffer)


def _read_exactly(source: ByteSource, size: int) -> bytes:
    parts: list[bytes] = []
    left = size
    while left and (part := source.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
