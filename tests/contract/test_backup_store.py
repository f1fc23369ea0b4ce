"""The store of backups on a real S3 protocol: what is damaged, foreign, forged, interrupted or forbidden."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.breaking_proxy import breaking_proxy
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
PLANTED = "beautycort-backup-20200101T000000Z-00000000.dump.zst.enc"
BAD_MANIFESTS: dict[str, bytes] = {
    "of no byte": b"",
    "half": b'{"version": 2, "backup_id": "2020',
    "a list": b"[]",
    "deep": b"[" * 200_000,
    "of a newer version": b'{"version": 3, "anything": {"else": true}}',
    "of the first version": b'{"version": 1, "key": "x", "encryption_key": null}',
    "without a version": b"{}",
    "of numbers": b'{"version": 2, "backup_id": 7, "key": 7, "created": 7, "tables": 7, "authentication": 7}',
    "not text": b"\xff\xfe\x00",
}


def through(port: int) -> dict[str, str]:
    """What changes with a proxy before S3."""
    return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


def s3_address(shop: Shop) -> tuple[str, int]:
    """Where S3 really is."""
    parts = urlsplit(shop.environ["AWS_ENDPOINT_URL"])
    return str(parts.hostname), int(parts.port or 80)


def test_bad_manifests_hide_no_other_backup(shop: Shop) -> None:
    """Each is named with a reason; the good one is listed, verified, restorable, and a new one can be made."""
    good = shop.backed_up()
    for number, body in enumerate(BAD_MANIFESTS.values()):
        key = PLANTED.replace("00000000.", f"0000000{number}.")
        shop.write(key, b"something")
        shop.write(f"{key}.manifest.json", body)
    listed = shop.answer("list")
    assert [row["location"] for row in listed["backups"]] == [f"s3://{shop.bucket}/{good}"]
    assert len(listed["unreadable"]) == len(BAD_MANIFESTS)
    assert all(row["error"] for row in listed["unreadable"])
    assert shop.answer("verify-latest")["success"] is True
    done = shop.run("backup")
    assert (done.returncode, done.stderr.count("cannot be used")) == (0, len(BAD_MANIFESTS)), done.stderr
    assert "Traceback" not in done.stderr
    assert shop.run("restore", good.split(".")[0].removeprefix("beautycort-backup-"), *YES).returncode == 0
    assert len([row for row in shop.answer("verify-all", code=1)["backups"] if row["success"]]) == 2


def test_an_unreadable_backup_that_is_the_newest_fails_verify_latest(shop: Shop) -> None:
    """The newest one is not whole, whatever an older one is."""
    shop.backed_up()
    shop.write("beautycort-backup-20990101T000000Z-00000000.dump", b"x")
    shop.write("beautycort-backup-20990101T000000Z-00000000.dump.manifest.json", b"")
    answer = shop.answer("verify-latest", code=1)
    assert [row["success"] for row in answer["backups"]] == [False, True]


def test_encryption_cannot_be_taken_off(shop: Shop) -> None:
    """A dump in clear, with a manifest that says so, as somebody with the bucket alone could plant it."""
    key = shop.backed_up()
    plain = shop.backed_up(BACKUP_ENCRYPTION="false")
    document = shop.manifest(plain)
    assert "authentication" not in document
    done = shop.run("restore", f"s3://{shop.bucket}/{plain}", *YES)
    assert (done.returncode, "not authenticated" in done.stderr) == (3, True), done.stderr
    shop.write(f"{key}.manifest.json", json.dumps({**shop.manifest(key), "encryption_key": None}).encode())
    done = shop.run("restore", f"s3://{shop.bucket}/{key}", *YES)
    assert (done.returncode, "changed after it was made, or is forged" in done.stderr) == (3, True), done.stderr


def test_an_old_backup_under_the_newest_id_is_refused(shop: Shop) -> None:
    """Its bytes, its manifest, or both, under the name of the newest one."""
    old, new = shop.backed_up(), shop.backed_up()
    body, manifest = shop.read(new), shop.read(f"{new}.manifest.json")
    for data, said in ((shop.read(old), manifest), (body, shop.read(f"{old}.manifest.json"))):
        shop.write(new, data)
        shop.write(f"{new}.manifest.json", said)
        done = shop.run("restore", f"s3://{shop.bucket}/{new}", *YES)
        assert done.returncode == 3, done.stderr
    shop.write(new, shop.read(old))
    done = shop.run("restore", f"s3://{shop.bucket}/{new}", *YES)
    assert (done.returncode, "belongs to another backup" in done.stderr) == (3, True), done.stderr


def test_retention_that_may_not_delete_is_a_warning(shop: Shop) -> None:
    """The new backup is whole: exit 0, and what stays is told."""
    old, _ = shop.backed_up(), shop.backed_up()
    long_ago = datetime.now(UTC) - timedelta(days=40)
    shop.rewrite(old, {"created": long_ago.isoformat(timespec="seconds")})
    with breaking_proxy(s3_address(shop)) as proxy:
        proxy.denied = (b"DELETE ",)
        done = shop.run("backup", **through(proxy.port))
    assert done.returncode == 0, done.stderr
    assert "warning: 1 backups past retention could not be removed" in done.stderr
    assert "AccessDenied" in done.stderr
    assert old in shop.objects()
    shop.backed_up()
    assert [key for key in shop.objects() if key.startswith(old) or "under-way" in key] == []


def test_a_cause_is_not_hidden_by_clearing_away(shop: Shop) -> None:
    """pg_dump's own words, although nothing may be deleted afterwards; the next run clears."""
    with breaking_proxy(s3_address(shop)) as proxy:
        proxy.denied = (b"DELETE ",)
        done = shop.run("backup", PGOPTIONS="-c role=nobody_here", **through(proxy.port))
        assert done.returncode != 0
        assert "AccessDenied" not in done.stderr
        proxy.denied = (b"PUT ", b"DELETE ")
        done = shop.run("backup", **through(proxy.port))
    assert (done.returncode, "cannot write: S3 answers AccessDenied" in done.stderr) == (1, True), done.stderr
    shop.backed_up()
    assert (shop.uploads(), [key for key in shop.objects() if "under-way" in key]) == ([], [])


def test_what_has_no_manifest_is_told_and_never_removed(shop: Shop) -> None:
    """It may be a whole backup whose manifest was lost."""
    key = shop.backed_up()
    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{key}.manifest.json")
    done = shop.run("backup")
    assert (done.returncode, f"{key} is no backup: it has no manifest" in done.stderr) == (0, True), done.stderr
    assert key in shop.objects()


def test_another_databases_backups_are_not_this_ones_to_prune(shop: Shop, embedded: EmbeddedTarget) -> None:
    """Two databases share a bucket: each keeps its own newest one, however old."""
    with Shop.opened(embedded, schema="CREATE TABLE t (id int)") as other:
        theirs = other.backed_up(AWS_BACKUP_BUCKET=shop.bucket).rpartition("/")[2]
        long_ago = datetime.now(UTC) - timedelta(days=400)
        shop.rewrite(theirs, {"created": long_ago.isoformat(timespec="seconds")})
        shop.backed_up()
        assert theirs in shop.objects()


def status(shop: Shop, code: int, *words: str, **variables: str) -> dict[str, Any]:
    """`database-backup status`."""
    found: dict[str, Any] = shop.answer("status", *words, code=code, **variables)
    return found


def test_status_tells_an_old_a_small_and_an_unproven_backup(shop: Shop) -> None:
    """Exit 1 with the reason, for an alert; 0 when all is well."""
    assert status(shop, 1)["problems"] == ["there is no backup"]
    keys = [shop.backed_up() for _ in range(2)]
    assert status(shop, 0)["problems"] == []
    for key in keys:
        then = datetime.now(UTC) - timedelta(days=2, minutes=1)
        shop.rewrite(key, {"created": then.isoformat(timespec="seconds")})
    assert status(shop, 1, "--max-age", "26h")["problems"] == ["the newest backup is 2 days old, 26 h is the limit"]
    assert status(shop, 0, "--max-age", "3d")["problems"] == []
    shop.rewrite(keys[0], {"size": 10_000_000})
    (problem,) = status(shop, 1, "--max-age", "3d")["problems"]
    assert "bytes, 10000000 are usual: is anything missing?" in problem
    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{keys[0]}.verified.json")
    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{keys[1]}.verified.json")
    assert "none was ever verified" in status(shop, 1, "--max-age", "3d")["problems"][-1]


def test_status_of_a_store_that_cannot_be_reached_is_no_good_news(shop: Shop) -> None:
    """Exit 4."""
    done = shop.run("status", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (done.returncode, "is S3 reachable?" in done.stderr) == (4, True)


def test_a_bandwidth_limit_that_is_none_is_named(shop: Shop) -> None:
    """Exit 2, before anything is asked."""
    done = shop.run("backup", BACKUP_BANDWIDTH_LIMIT="fast")
    assert (done.returncode, "BACKUP_BANDWIDTH_LIMIT is bytes a second" in done.stderr) == (2, True)
