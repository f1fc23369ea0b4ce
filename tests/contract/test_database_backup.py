"""`beautycort database-backup backup|list|verify-*` on a real PostgreSQL and a real S3 protocol."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from tests.contract.database_backup_support import KEY, ROWS, Shop


def tool(folder: Path, name: str, script: str) -> str:
    """A command of that name that comes first on the PATH; gives the folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)
    return str(folder)


def test_a_backup_tells_what_it_made(shop: Shop) -> None:
    """Success, id, size in bytes, duration, location, and where the time went: exactly these."""
    answer = shop.answer("backup")
    assert {"success", "backupId", "size", "duration", "location", "seconds"} == set(answer)
    assert {"dumping", "downloading", "restoring", "comparing"} == set(answer["seconds"])
    assert answer["success"] is True
    key = answer["location"].removeprefix(f"s3://{shop.bucket}/")
    assert key.startswith("beautycort-backup-20")
    assert answer["backupId"] in key
    head = shop.s3.head_object(Bucket=shop.bucket, Key=key)
    assert (answer["size"], "AES256") == (head["ContentLength"], head["ServerSideEncryption"])


def test_the_alert_gets_the_time_of_a_whole_backup_only(shop: Shop, tmp_path: Path) -> None:
    """The moment that a restore would go back to; a backup that fails leaves the file as it was."""
    file = tmp_path / "backup.prom"
    key = shop.backed_up(BACKUP_TIMESTAMP_FILE=str(file))
    text = file.read_text("utf-8")
    made = datetime.fromisoformat(shop.manifest(key)["created"])
    assert text.splitlines()[-1] == f"backup_last_success_timestamp_seconds {made.timestamp():.0f}"
    assert shop.run("backup", AWS_BACKUP_BUCKET="gone", BACKUP_TIMESTAMP_FILE=str(file)).returncode != 0
    assert file.read_text("utf-8") == text


def test_a_manifest_describes_its_backup(shop: Shop) -> None:
    """Rows per table, SHA-256 of the object, versions, the key's fingerprint and never the key."""
    key = shop.backed_up()
    manifest = shop.manifest(key)
    assert hashlib.sha256(shop.read(key)).hexdigest() == manifest["sha256"]
    counted = {table: entry["rows"] for table, entry in manifest["tables"].items()}
    assert counted == {
        "public.customers": 40,
        "public.orders": 500,
        "public.nothing": 0,
        "audit.y2026": 70,
        'audit."odd ""one"" name"': 0,
    }
    assert (shop.name, "zstd") == (manifest["database"], manifest["compression"])
    cluster = shop.rows("SELECT system_identifier::text FROM pg_control_system()")[0][0]
    assert cluster == manifest["cluster"]
    assert KEY not in json.dumps(manifest)
    assert manifest["encryption_key"]


def test_what_lies_in_the_bucket_is_unreadable(shop: Shop) -> None:
    """Neither the dump's magic nor a row is in the object, with a prefix of its own each time."""
    first, second = shop.read(shop.backed_up()), shop.read(shop.backed_up())
    assert b"PGDMP" not in first
    assert "زبون".encode() not in first
    assert first[:15] != second[:15]


def test_compression_and_encryption_can_be_switched_off(shop: Shop) -> None:
    """Then the object is what pg_restore reads, and it verifies too."""
    key = shop.backed_up(BACKUP_ENCRYPTION="false", BACKUP_COMPRESSION="false")
    assert shop.read(key).startswith(b"PGDMP")
    assert shop.answer("verify-latest", BACKUP_ENCRYPTION="false")["success"] is True


def test_list_shows_complete_backups_newest_first(shop: Shop) -> None:
    """What has no manifest, or no object, is no backup."""
    first, second = shop.backed_up(), shop.backed_up()
    shop.write("beautycort-backup-19990101T000000Z-half.dump.zst.enc", b"half")
    shop.write("beautycort-backup-19990101T000000Z-lost.dump.manifest.json", shop.read(f"{first}.manifest.json"))
    rows = shop.answer("list")["backups"]
    assert [f"s3://{shop.bucket}/{key}" for key in (second, first)] == [row["location"] for row in rows]
    assert [(row["rows"], row["encrypted"]) for row in rows] == [(ROWS, True)] * 2
    assert all(row["verified"] for row in rows)


def test_list_on_the_console_names_every_location(shop: Shop) -> None:
    """A person can copy the location from it."""
    key = shop.backed_up()
    assert f"s3://{shop.bucket}/{key}" in shop.run("list").stdout


def test_no_backup_yet(shop: Shop) -> None:
    """An empty bucket lists nothing, and there is nothing to verify."""
    assert shop.answer("list") == {"backups": [], "unreadable": [], "incomplete": []}
    assert "no backup" in shop.run("verify-latest").stderr
    assert shop.run("verify-all").returncode == 1


def test_every_backup_is_verified_and_the_broken_one_named(shop: Shop) -> None:
    """One flipped byte: exit 1, that backup not a success, the other one still checked; no scratch database left."""
    bad, good = shop.backed_up(), shop.backed_up()
    body = bytearray(shop.read(bad))
    body[len(body) // 2] ^= 1
    shop.write(bad, bytes(body))
    answer = shop.answer("verify-all", code=1)
    assert {f"s3://{shop.bucket}/{good}": True, f"s3://{shop.bucket}/{bad}": False} == {
        row["location"]: row["success"] for row in answer["backups"]
    }
    assert [shop.name] == shop.databases()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tables": {"public.customers": {"rows": 41}}}, "public.customers has 40 rows, not 41"),
        ({"schema_sha256": "0" * 64}, "the schema differs"),
    ],
)
def test_a_backup_that_restores_to_something_else_is_told(shop: Shop, changes: dict[str, object], said: str) -> None:
    """Rows, contents and schema are compared with the manifest."""
    key = shop.backed_up()
    shop.rewrite(key, changes)
    (row,) = shop.answer("verify-latest", code=1)["backups"]
    assert said in row["error"]


def test_a_failed_pg_dump_leaves_nothing(shop: Shop, tmp_path: Path) -> None:
    """It printed half a dump and then failed: no object, no upload left open, exit 1."""
    real = shutil.which("pg_dump", path=shop.environ["PATH"])
    script = f"""
    case "$*" in
      *--version*|*--schema-only*) exec {real} "$@" ;;
    esac
    head -c 40000000 /dev/zero
    echo 'pg_dump: error: the server closed the connection unexpectedly' >&2
    exit 1
    """
    folder = tool(tmp_path / "bin", "pg_dump", script)
    done = shop.run("backup", PATH=f"{folder}:{shop.environ['PATH']}")
    assert (done.returncode, "server closed the connection" in done.stderr) == (1, True)
    assert (shop.objects(), shop.uploads()) == ([], [])


def test_an_old_pg_dump_is_passed_over(shop: Shop, tmp_path: Path) -> None:
    """It cannot read a newer server: the next one on the PATH that can is taken."""
    folder = tool(tmp_path / "bin", "pg_dump", "echo 'pg_dump (PostgreSQL) 14.9'")
    assert shop.backed_up(PATH=f"{folder}:{shop.environ['PATH']}")


def test_only_an_old_pg_dump_is_refused(shop: Shop, tmp_path: Path) -> None:
    """With what to install; nothing is uploaded."""
    folder = tool(tmp_path / "bin", "pg_dump", "echo 'pg_dump (PostgreSQL) 14.9'")
    tool(tmp_path / "bin", "pg_restore", "echo 'pg_restore (PostgreSQL) 14.9'")
    done = shop.run("backup", PATH=folder)
    assert (done.returncode, "older than the server (18)" in done.stderr) == (2, True)
    assert shop.objects() == []


def test_a_bucket_that_is_not_there_fails_the_backup(shop: Shop) -> None:
    """The reason is S3's own word."""
    done = shop.run("backup", AWS_BACKUP_BUCKET="no-such-bucket-anywhere")
    assert (done.returncode, "NoSuchBucket" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"BACKUP_PROVIDER": "gcs"}, "BACKUP_PROVIDER must be s3"),
        ({"AWS_BACKUP_BUCKET": ""}, "AWS_BACKUP_BUCKET"),
        ({"BACKUP_ENCRYPTION": "perhaps"}, "BACKUP_ENCRYPTION must be true or false"),
        ({"BACKUP_ENCRYPTION_KEY": "S3cr3t-in-URL"}, "64 hex digits; it has 13 characters"),
        ({"BACKUP_RETENTION_DAYS": "0"}, "BACKUP_RETENTION_DAYS must be a whole number"),
        ({"DATABASE_URL": "postgres://u:S3cr3t-in-URL@localhost:bad/x/y?z"}, "DATABASE_URL is not a PostgreSQL URL"),
    ],
)
def test_settings_that_are_no_good_are_named(shop: Shop, variables: dict[str, str], said: str) -> None:
    """Exit 2, the variable's name, and never its value."""
    done = shop.run("backup", **variables)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert "S3cr3t-in-URL" not in done.stdout + done.stderr


def test_a_database_that_cannot_be_reached(shop: Shop) -> None:
    """Exit 4, without the password."""
    done = shop.run("backup", DATABASE_URL="postgres://u:S3cr3t-in-URL@127.0.0.1:1/x")
    assert done.returncode == 4
    assert "S3cr3t-in-URL" not in done.stderr


def test_a_backup_does_not_start_beside_another(shop: Shop) -> None:
    """The advisory lock is taken: the message names who holds it."""
    with shop.connected("postgres") as other:
        other.execute("SET application_name = 'beautycort restore of somewhere'")
        other.execute("SELECT pg_advisory_lock(%s)", [0x42434255])
        done = shop.run("backup")
    assert done.returncode != 0
    assert "beautycort restore of somewhere" in done.stderr
    assert shop.objects() == []


def test_a_backup_past_retention_is_removed_but_never_the_last_good_one(shop: Shop) -> None:
    """What is not ours in the bucket stays."""
    old, kept = shop.backed_up(), shop.backed_up()
    long_ago = datetime.now(UTC) - timedelta(days=40)
    shop.rewrite(old, {"created": long_ago.isoformat(timespec="seconds")})
    shop.write("somebody-elses.dump", b"theirs")
    shop.run("backup", "--keep-old")
    assert [key for key in shop.objects() if key.startswith(old)] != []
    newest = shop.backed_up()
    left = {row["location"].rpartition("/")[2] for row in shop.answer("list")["backups"]}
    assert {kept, newest} <= left
    assert old not in left
    assert [key for key in shop.objects() if key.startswith(old)] == []
    assert shop.read("somebody-elses.dump") == b"theirs"


def test_a_webhook_that_fails_only_warns(shop: Shop) -> None:
    """The backup is a success, and the URL, a secret, is not shown."""
    done = shop.run("backup", SLACK_WEBHOOK_BACKUP_ALERTS="http://127.0.0.1:1/services/S3cr3t-in-URL")
    assert done.returncode == 0
    assert "warning: #backup-alerts was not told" in done.stderr
    assert "S3cr3t-in-URL" not in done.stdout + done.stderr


def test_no_secret_is_in_the_arguments_of_any_process(shop: Shop) -> None:
    """Neither the password nor the encryption key, watched while the backup runs."""
    secrets = (KEY, shop.environ["PGPASSWORD"], shop.environ["AWS_SECRET_ACCESS_KEY"])
    process = shop.start("backup")
    seen, watched = [], 0
    while process.poll() is None:
        for other in psutil.process_iter(["cmdline"]):
            words = " ".join(other.info["cmdline"] or ())
            watched += "pg_dump" in words and shop.name in words
            seen += [words for secret in secrets if secret in words]
    process.communicate()
    assert (process.returncode, seen) == (0, [])
    assert watched


def test_a_backup_is_of_one_moment(shop: Shop) -> None:
    """Rows that are written while the backup runs are in none of its counts; it verifies."""
    process = shop.start("backup", "--format", "json")
    written = 0
    with shop.connected() as busy:
        while process.poll() is None:
            busy.execute("INSERT INTO nothing SELECT 1")
            written += 1
        busy.execute("TRUNCATE nothing")
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert written
    assert json.loads(stdout)["success"] is True


def test_nothing_is_left_in_the_temporary_folder(shop: Shop, tmp_path: Path) -> None:
    """A download is removed once it was looked at."""
    shop.backed_up(TMPDIR=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
