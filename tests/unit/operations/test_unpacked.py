"""A backup's data is unpacked in pieces that fit into memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.backup_manifest import Manifest
from runbook_steps.operations.backup_verify import unpacked

BLANKS = 512 << 20  # bytes
MOST = 128 << 20  # what the smallest slice can become
MANIFEST = Manifest(
    backup_id="one", key="k", created="2026-12-01T00:00:00+00:00", database="d", cluster="", server_version=180000,
    size=0, sha256="0" * 64, schema_sha256="0" * 64, compression="zstd", encryption_key=None,
)  # fmt: skip


@pytest.fixture
def blanks(tmp_path: Path) -> Path:
    """What a table of blanks becomes: 16 KiB."""
    packer = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
    piece = b" " * (1 << 20)
    data = b"".join(packer.compress(piece) for _ in range(BLANKS >> 20)) + packer.flush()
    file = tmp_path / "packed"
    file.write_bytes(data)
    return file


def test_a_table_of_blanks_is_not_held_in_memory(blanks: Path) -> None:
    """It is 30,000 times as large as its backup."""
    sizes = [len(piece) for piece in unpacked(blanks, MANIFEST, None)]

    assert sum(sizes) == BLANKS
    assert max(sizes) <= MOST


def test_what_was_cut_short_is_refused(blanks: Path) -> None:
    """The end is missing, whatever came before was good."""
    blanks.write_bytes(blanks.read_bytes()[:-9])

    with pytest.raises(RefusedError, match="cut short"):
        list(unpacked(blanks, MANIFEST, None))


def test_what_is_not_compressed_is_left_as_it_is(blanks: Path) -> None:
    """A backup may be made without."""
    assert b"".join(unpacked(blanks, replace(MANIFEST, compression="none"), None)) == blanks.read_bytes()
