"""The manifest of a backup: read strictly, believed only when the key made it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.backup_manifest import Manifest, as_document, read_manifest, sealed
from runbook_steps.operations.backup_stream import key_fingerprint

KEY, OTHER = bytes(range(32)), bytes(32)
OBJECT = "beautycort-backup-20261129T010203Z-1a2b3c4d.dump.zst.enc"
GOOD = Manifest(
    backup_id="20261129T010203Z-1a2b3c4d", key=OBJECT, created="2026-11-29T01:02:03+00:00", database="shop",
    cluster="7", server_version=150018, size=4711, sha256="a" * 64, schema_sha256="b" * 64, compression="zstd",
    encryption_key=key_fingerprint(KEY),
    tables={'public."a.b"': {"rows": 3, "checksum": "9"}, "n\udce9e": {"rows": 0}},
)  # fmt: skip


def through_json(document: dict[str, Any]) -> dict[str, Any]:
    """As the store gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found


def test_what_is_written_is_read() -> None:
    """With a key and without; names of any bytes."""
    assert read_manifest(through_json(as_document(GOOD, KEY)), OBJECT, KEY) == GOOD
    plain = replace(GOOD, encryption_key=None)
    assert read_manifest(through_json(as_document(plain, None)), OBJECT, None) == plain


@pytest.mark.parametrize("name", [n for n in as_document(GOOD, KEY) if n != "version"])
def test_a_changed_field_is_told(name: str) -> None:
    """Each of them, and its removal: only the key's owner can change a manifest."""
    document = through_json(as_document(GOOD, KEY))
    for changed in (
        {**document, name: "x"},
        {**document, name: None},
        {k: v for k, v in document.items() if k != name},
    ):
        with pytest.raises(RefusedError, match=r"authenticat|it says key"):
            read_manifest(changed, OBJECT, KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": -1}, {"size": "7"}, {"size": True}, {"size": 1.5}, {"sha256": "short"}, {"sha256": "a" * 64 + "\n"},
        {"created": "yesterday"}, {"created": "2026-11-29"}, {"created": 7}, {"compression": "gzip"}, {"tables": []},
        {"tables": {"t": 7}}, {"tables": {"t": {"rows": "7"}}}, {"tables": {"t": {"rows": -1}}}, {"contents": 7},
        {"backup_id": "../x"}, {"more": 1}, {"encryption_key": "A" * 12}, {"database": None}, {"cluster": 7},
    ],
)  # fmt: skip
def test_types_are_checked_even_when_the_key_made_it(changes: dict[str, Any]) -> None:
    """A named refusal, whatever is in it."""
    document = through_json(sealed({**as_document(GOOD, None), **changes}, KEY))
    with pytest.raises(RefusedError, match="damaged or foreign"):
        read_manifest(document, OBJECT, KEY)


def test_another_objects_manifest_is_refused() -> None:
    """It names the object it is of."""
    with pytest.raises(RefusedError, match="belongs to another backup"):
        read_manifest(as_document(GOOD, KEY), OBJECT.replace("1a2b", "9a9b"), KEY)


def test_an_unencrypted_one_is_refused_where_a_key_is_set() -> None:
    """Even sealed: what is not encrypted was not made here."""
    with pytest.raises(RefusedError, match="not authenticated"):
        read_manifest(as_document(replace(GOOD, encryption_key=None), None), OBJECT, KEY)
    with pytest.raises(RefusedError, match="not encrypted"):
        read_manifest(as_document(replace(GOOD, encryption_key=None), KEY), OBJECT, KEY)


def test_another_key_is_named() -> None:
    """Both fingerprints, so that the right key can be found."""
    with pytest.raises(RefusedError, match=f"{key_fingerprint(KEY)}.*{key_fingerprint(OTHER)}.*BACKUP_ENCRYPTION_KEY"):
        read_manifest(as_document(GOOD, KEY), OBJECT, OTHER)


def test_an_older_one_is_read() -> None:
    """Version 2, whose tables have checksums and whose dump may write equal values otherwise."""
    old = replace(GOOD, version=2)
    assert read_manifest(through_json(as_document(old, KEY)), OBJECT, KEY) == old
    assert (old.rows_by_archive, GOOD.rows_by_archive) == (False, True)


@pytest.mark.parametrize("version", [0, 1, 4, "3", None, [3]])
def test_another_version_is_named(version: object) -> None:
    """With what reads it."""
    with pytest.raises(RefusedError, match="use the release that made it"):
        read_manifest({**as_document(GOOD, KEY), "version": version}, OBJECT, KEY)
