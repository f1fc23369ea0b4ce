"""Who can write to the bucket, and has no key: what is put there is restored by nobody, and the live rows stay.

Each way is tried with a restore; RUNBOOKS_ORDEAL=1 tries one of some tables, and a verification, as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zstandard

from runbook_steps.operations.backup_manifest import sealed
from runbook_steps.operations.backup_stream import encrypt
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
OTHER_KEY = bytes.fromhex("0b" * 32)
PLANTED = b"PGDMP" + b"\0" * 64
NEWER = "beautycort-backup-20990101T000000Z-00000000.dump.zst.enc"


@pytest.fixture(scope="module")
def shop(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """With two backups of its own."""
    with Shop.opened(embedded) as opened:
        for _ in range(2):
            opened.backed_up()
        yield opened


@pytest.fixture(scope="module")
def theirs(embedded: EmbeddedTarget) -> Iterator[tuple[bytes, bytes, str]]:
    """A backup of another database that was made with the same key: bytes, manifest, name."""
    with Shop.opened(embedded, schema="CREATE TABLE planted (id int)") as other:
        key = other.backed_up()
        yield other.read(key), other.read(f"{key}.manifest.json"), key


Write = Callable[[Shop, list[str]], str]


def put(shop: Shop, key: str, data: bytes, manifest: bytes | dict[str, Any]) -> str:
    """A backup in the bucket; gives its key."""
    said = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    shop.write(key, data)
    shop.write(f"{key}.manifest.json", said)
    return key


def said(shop: Shop, of: str, /, **changes: Any) -> dict[str, Any]:
    """The manifest of a backup, some of it another."""
    return {**shop.manifest(of), **changes}


def packed(body: bytes) -> bytes:
    """As a backup is packed."""
    return zstandard.ZstdCompressor(level=1).compress(body)


def under_another_key(shop: Shop, keys: list[str]) -> str:
    """Whole in itself, encrypted and sealed with a key of the attacker's."""
    document = {name: value for name, value in said(shop, keys[0], key=NEWER).items() if name != "authentication"}
    data = b"".join(encrypt(iter([packed(PLANTED)]), OTHER_KEY, b""))
    return put(shop, NEWER, data, sealed(document, OTHER_KEY))


WAYS: dict[str, Write] = {
    "the older one's bytes": lambda shop, keys: put(shop, keys[1], shop.read(keys[0]), said(shop, keys[1])),
    "the older one's manifest": lambda shop, keys: put(shop, keys[1], shop.read(keys[1]), said(shop, keys[0])),
    "both, under a newer name": lambda shop, keys: put(shop, NEWER, shop.read(keys[0]), said(shop, keys[0])),
    "both, its name corrected": lambda shop, keys: put(shop, NEWER, shop.read(keys[0]), said(shop, keys[0], key=NEWER)),
    "a newer moment": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], created="2099-01-01T00:00:00+00:00")
    ),
    "a bomb, in clear": lambda shop, keys: put(
        shop, NEWER, packed(b"\0" * (1 << 30)), said(shop, keys[0], key=NEWER, encryption_key=None)
    ),
    "a bomb under its manifest": lambda shop, keys: put(shop, keys[0], packed(b"\0" * (1 << 30)), said(shop, keys[0])),
    "another key": under_another_key,
    "no authentication": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), {k: v for k, v in said(shop, keys[0]).items() if k != "authentication"}
    ),
    "an empty authentication": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], authentication="")
    ),
    "an authentication that is no text": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], authentication=[])
    ),
    "an authentication of other letters": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], authentication="٠" * 64)
    ),
    "of the first version": lambda shop, keys: put(shop, keys[0], shop.read(keys[0]), said(shop, keys[0], version=1)),
    "of a former version": lambda shop, keys: put(shop, keys[0], shop.read(keys[0]), said(shop, keys[0], version=2)),
    "no compression": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], compression="none")
    ),
    "SQL in a table's name": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], tables={'a"; DROP TABLE orders; --': {"rows": 1}})
    ),
    "SQL in what it needs": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], contents={"needs": {"roles": ["x'; DROP TABLE orders"]}})
    ),
    "a key that leads elsewhere": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), said(shop, keys[0], key="../../etc/passwd")
    ),
    "cut at the end of a chunk": lambda shop, keys: put(shop, keys[0], shop.read(keys[0])[:-16], said(shop, keys[0])),
    "cut to its header": lambda shop, keys: put(shop, keys[0], shop.read(keys[0])[:35], said(shop, keys[0])),
    "of no byte": lambda shop, keys: put(shop, keys[0], b"", said(shop, keys[0])),
    "with more behind": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]) + shop.read(keys[1]), said(shop, keys[0])
    ),
    "a link in place of it": lambda shop, keys: put(shop, keys[0], b"s3://elsewhere/dump", said(shop, keys[0])),
    "two manifests in one": lambda shop, keys: put(
        shop,
        keys[0],
        shop.read(keys[0]),
        json.dumps(said(shop, keys[0])).encode() + json.dumps(said(shop, keys[1])).encode(),
    ),
    "a field twice": lambda shop, keys: put(
        shop, keys[0], shop.read(keys[0]), json.dumps(said(shop, keys[0])).encode()[:-1] + b', "database": "x"}'
    ),
}
COMMANDS: list[tuple[str, ...]] = [("restore", "{}", "--allow-other-database", *YES)]
if os.environ.get("RUNBOOKS_ORDEAL"):
    COMMANDS += [("restore", "{}", "--tables", "orders", "--beside", *YES), ("verify", "{}")]


@pytest.mark.parametrize("way", WAYS)
def test_what_was_put_there_is_restored_by_nobody(shop: Shop, way: str) -> None:
    """Refused with a reason; the database, its rows and all others are as they were."""
    keys = sorted(key for key in shop.objects() if key.endswith(".enc"))
    kept = {key: shop.read(key) for key in shop.objects()}
    before = (shop.oid(), shop.databases(), shop.contents())
    key = WAYS[way](shop, keys)
    try:
        for words in COMMANDS:
            filled = [word.format(f"s3://{shop.bucket}/{key}") for word in words]
            done = shop.run(*filled)
            assert done.returncode in {1, 3}, f"{filled}: {done.stdout}{done.stderr}"
            assert "Traceback" not in done.stderr
            assert (shop.oid(), shop.databases(), shop.contents()) == before, filled
    finally:
        for name in shop.objects():
            if name in kept:
                shop.write(name, kept[name])
            else:
                shop.s3.delete_object(Bucket=shop.bucket, Key=name)


def test_another_databases_backup_is_not_restored(shop: Shop, theirs: tuple[bytes, bytes, str]) -> None:
    """Of the same key, whole, newer than all others: by a restore it is refused, and it hides no backup."""
    data, manifest, key = theirs
    before = (shop.oid(), shop.databases(), shop.contents())
    put(shop, key, data, manifest)
    try:
        for words in (("restore", "{}", *YES), ("restore", "{}", "--tables", "orders", "--beside", *YES)):
            done = shop.run(*(word.format(f"s3://{shop.bucket}/{key}") for word in words))
            assert (done.returncode, "is a backup of another database" in done.stderr) == (3, True), done.stderr
        status = shop.run("status", "--format", "json")
        assert key.split(".")[0] not in status.stdout
        assert (shop.oid(), shop.databases(), shop.contents()) == before
    finally:
        for name in (key, f"{key}.manifest.json"):
            shop.s3.delete_object(Bucket=shop.bucket, Key=name)


def test_a_mark_of_another_backup_proves_nothing(shop: Shop) -> None:
    """`verified` is bound to its backup and sealed: neither copied nor written by hand is it believed."""
    old, new = sorted(key for key in shop.objects() if key.endswith(".enc"))
    mark = shop.read(f"{old}.verified.json")
    kept = shop.read(f"{new}.verified.json")
    now = datetime.now(UTC) + timedelta(days=1)
    forged = {"key": new, "verified": now.isoformat(), "sha256": shop.manifest(new)["sha256"]}
    for body in (mark, json.dumps(forged).encode(), json.dumps(sealed(forged, OTHER_KEY)).encode()):
        shop.write(f"{new}.verified.json", body)
        rows = {row["location"].rpartition("/")[2]: row for row in shop.answer("list")["backups"]}
        assert rows[new]["verified"] is None
    shop.write(f"{new}.verified.json", kept)
