"""The encrypted stream: whole or refused, whatever was done to it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.operations.backup_stream import (
    CHUNK,
    authentication_code,
    decrypt,
    encrypt,
    key_fingerprint,
    read_key,
)

KEY = bytes(range(32))
OTHER = bytes(32)
BOUND = b"20261129T010203Z-1a2b3c4d of shop"
HEAD = 35  # bytes before the first chunk


def sealed(plain: bytes) -> bytes:
    """The encrypted file of some bytes."""
    return b"".join(encrypt(iter([plain]), KEY, BOUND))


def opened(data: bytes, key: bytes = KEY, bound_to: bytes = BOUND) -> bytes:
    """What is in an encrypted file."""
    return b"".join(decrypt(io.BytesIO(data), key, bound_to))


@settings(deadline=None)  # a machine that is busy proves nothing against the stream
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_what_goes_in_comes_out(pieces: list[bytes]) -> None:
    """However the stream was cut into pieces."""
    assert b"".join(pieces) == opened(b"".join(encrypt(iter(pieces), KEY, BOUND)))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_every_size_comes_out(size: int) -> None:
    """Also exactly at the border of a chunk."""
    plain = bytes(size)
    assert plain == opened(sealed(plain))


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_told(place: int, change: int) -> None:
    """Anywhere in the file, header included."""
    data = bytearray(sealed(b"some rows of a table" * 20))
    data[place % len(data)] ^= change
    with pytest.raises(RefusedError):
        opened(bytes(data))


@given(st.integers(min_value=0))
def test_a_cut_is_told(length: int) -> None:
    """Wherever it was cut short."""
    data = sealed(b"some rows of a table" * 20)
    with pytest.raises(RefusedError):
        opened(data[: length % len(data)])


@pytest.mark.parametrize("cut", [1, 2])
def test_a_cut_at_the_border_of_a_chunk_is_told(cut: int) -> None:
    """A file that ends after a whole chunk is still too short."""
    data = sealed(bytes(3 * CHUNK))
    with pytest.raises(RefusedError, match="cut short"):
        opened(data[: HEAD + cut * (CHUNK + 16)])


def test_swapped_chunks_are_told() -> None:
    """Each chunk has its place."""
    data = sealed(b"a" * CHUNK + b"b" * CHUNK + b"c")
    head, size = HEAD, CHUNK + 16
    first, second = data[head : head + size], data[head + size : head + 2 * size]
    with pytest.raises(RefusedError):
        opened(data[:head] + second + first + data[head + 2 * size :])


def test_another_key_is_told() -> None:
    """At the first chunk, before anything was given out."""
    with pytest.raises(RefusedError, match="another key"):
        opened(sealed(b"x"), OTHER)


def test_another_backups_data_is_told() -> None:
    """The same key, and bytes that belong to another backup: not a byte is given out."""
    with pytest.raises(RefusedError, match="another backup's data"):
        opened(sealed(b"x"), bound_to=b"20261129T010204Z-5e6f7a8b of shop")


def test_each_file_has_a_key_of_its_own() -> None:
    """The same text twice shares nothing, not even with the same prefix."""
    first, second = sealed(b"x" * 100), sealed(b"x" * 100)
    assert first[8:24] != second[8:24]
    assert first[HEAD:] != second[HEAD:]


def test_a_code_needs_the_key() -> None:
    """Another text or another key gives another code, and none is the key's fingerprint."""
    code = authentication_code(KEY, b"a manifest")
    assert code != authentication_code(KEY, b"a Manifest")
    assert code != authentication_code(OTHER, b"a manifest")
    assert key_fingerprint(KEY) not in code


@pytest.mark.parametrize("text", ["", "S3cr3t-in-URL", "ab" * 31, "ab" * 33, "zz" * 32, "ab " * 22])
def test_a_malformed_key_is_refused_without_its_value(text: str) -> None:
    """The message tells the length alone."""
    with pytest.raises(ConfigurationError) as caught:
        read_key(text)
    assert "64 hex digits" in str(caught.value)
    assert not text or text not in str(caught.value)


def test_a_fingerprint_names_a_key_without_telling_it() -> None:
    """Two keys have two names, and neither holds the key."""
    assert key_fingerprint(KEY) != key_fingerprint(OTHER)
    assert key_fingerprint(KEY) not in KEY.hex()
    assert read_key(KEY.hex()) == KEY
