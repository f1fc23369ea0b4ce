"""Encryption of a stream in authenticated chunks: a cut, a swap, a change and another key are told.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) over AES-256-GCM: each chunk has the nonce
`prefix (7 bytes) | counter (4 bytes) | last (1 byte)`, so that no chunk can be reordered, repeated, or taken
for the end. The key of a file is made from the backup key and the file's salt (HKDF-SHA-256); the header, and
what the file is bound to, are authenticated with every chunk: the bytes of one backup are no other's.

    file := magic (8) | salt (16) | prefix (7) | chunk size (4, big endian) | chunk*   chunk := ciphertext | tag (16)
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runbook_steps.engine.errors import ConfigurationError, RefusedError

__all__ = ["authentication_code", "decrypt", "encrypt", "key_fingerprint", "read_key"]

MAGIC = b"BCBACK02"
CHUNK = 1 << 20  # bytes of plaintext: memory stays constant whatever the database's size
_TAG = 16
_HEADER = struct.Struct(">8s16s7sI")
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


def authentication_code(key: bytes, text: bytes) -> str:
    """HMAC-SHA-256 (hex) under a key of its own: only who has the backup key can have made it."""
    return hmac.new(_derived(key, b"", b"beautycort backup manifest"), text, hashlib.sha256).hexdigest()


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=purpose).derive(key)


def encrypt(chunks: Iterator[bytes], key: bytes, bound_to: bytes) -> Iterator[bytes]:
    """The encrypted file of a plain stream, piece by piece; `bound_to` says which backup it is."""
    salt, prefix = secrets.token_bytes(16), secrets.token_bytes(7)
    header = _HEADER.pack(MAGIC, salt, prefix, CHUNK)
    cipher, known = AESGCM(_derived(key, salt, b"beautycort backup data")), header + bound_to
    yield header
    counter, waiting = 0, b""
    for piece in _resized(chunks):
        # a chunk is only written when the next is known: the last one is marked as last
        if waiting:
            yield cipher.encrypt(_nonce(prefix, counter, last=False), waiting, known)
            counter += 1
        waiting = piece
    yield cipher.encrypt(_nonce(prefix, counter, last=True), waiting, known)


def decrypt(source: ByteSource, key: bytes, bound_to: bytes) -> Iterator[bytes]:
    """The plain stream of an encrypted file. Raises RefusedError, saying which part cannot be trusted."""
    header = _read_exactly(source, _HEADER.size)
    if len(header) < _HEADER.size or header[: len(MAGIC)] != MAGIC:
        raise RefusedError("it is not an encrypted backup of this program, or its beginning is damaged")
    _, salt, prefix, size = _HEADER.unpack(header)
    if not 0 < size <= 64 * CHUNK:
        raise RefusedError("the beginning of the encrypted backup is damaged")
    cipher, known = AESGCM(_derived(key, salt, b"beautycort backup data")), header + bound_to
    counter, piece = 0, _read_exactly(source, size + _TAG)
    while True:
        following = _read_exactly(source, size + _TAG)
        try:
            yield cipher.decrypt(_nonce(prefix, counter, last=not following), piece, known)
        except InvalidTag as error:
            first = "at its beginning: another key, another backup's data, or damage"
            where = first if counter == 0 else f"in chunk {counter}: damage"
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
