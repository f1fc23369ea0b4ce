"""`beautycort database-backup restore`: everything comes back, or the live database is as it was."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")


@pytest.fixture
def shop(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A shop of its own: these tests change it."""
    with Shop.opened(embedded) as opened:
        yield opened


def location(shop: Shop, key: str) -> str:
    """As `list` tells it."""
    return f"s3://{shop.bucket}/{key}"


def test_every_row_of_every_table_comes_back(shop: Shop) -> None:
    """Deleted rows, a dropped table, a changed value: all as they were; the old database is kept."""
    before = shop.contents()
    key = shop.backed_up()
    shop.sql("DELETE FROM orders WHERE id % 2 = 0; DROP TABLE nothing; UPDATE customers SET name = 'x' || id")
    lost = shop.contents()
    assert lost != before

    done = shop.run("restore", location(shop, key), *YES)

    assert done.returncode == 0, done.stderr
    assert shop.contents() == before
    (kept,) = (name for name in shop.databases() if name != shop.name)
    assert shop.contents(kept) == lost
    assert shop.rows("SELECT count(*) FROM orders") == [(500,)]


def test_roles_that_the_database_itself_names_are_asked_for_before(shop: Shop) -> None:
    """On a new server: who may connect, and whose settings there are, is named before an hour of restoring."""
    one, two = (f"{shop.name}_role{n}" for n in (1, 2))
    shop.sql(
        f"CREATE ROLE {one}; CREATE ROLE {two}; GRANT CONNECT ON DATABASE {shop.name} TO {one}; "
        f"ALTER ROLE {two} IN DATABASE {shop.name} SET work_mem = '7MB'"
    )
    key = shop.backed_up()
    shop.sql(f"DROP DATABASE {shop.name} WITH (FORCE)", dbname="postgres")
    shop.sql(f"DROP ROLE {one}, {two}", dbname="postgres")

    done = shop.run("restore", location(shop, key), *YES)

    assert (done.returncode, shop.databases()) == (3, []), done.stderr
    assert f"needs the roles {one}, {two}, which this cluster does not have: create them first" in done.stderr
    shop.sql(f"CREATE ROLE {one}; CREATE ROLE {two}", dbname="postgres")
    assert shop.answer("restore", location(shop, key), *YES)["success"] is True
    shop.sql(f"DROP DATABASE {shop.name} WITH (FORCE)", dbname="postgres")
    shop.sql(f"DROP ROLE {one}, {two}", dbname="postgres")
    shop.sql(f"CREATE DATABASE {shop.name}", dbname="postgres")


def test_a_database_that_is_a_template_is_replaced_and_discarded(shop: Shop) -> None:
    """PostgreSQL drops no template: what is kept of it is made none before it goes, and nothing stays."""
    key = shop.backed_up()
    shop.sql(f"ALTER DATABASE {shop.name} IS_TEMPLATE true", dbname="postgres")

    assert shop.answer("restore", location(shop, key), *YES)["success"] is True
    assert shop.rows("SELECT datistemplate FROM pg_database WHERE datname = current_database()") == [(True,)]

    assert len(shop.answer("discard-old", *YES)["discarded"]) == 1
    assert shop.databases() == [shop.name]
    shop.sql(f"ALTER DATABASE {shop.name} IS_TEMPLATE false", dbname="postgres")


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "one flipped byte": (lambda body: body[:4000] + bytes([body[4000] ^ 1]) + body[4001:], "checksum"),
    "truncated": (lambda body: body[:-100], "bytes"),
    "empty": (lambda _: b"", "bytes"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_backup_is_refused_and_nothing_is_touched(shop: Shop, damage: str) -> None:
    """Non-zero, a message of its own, the same database under the live name, nothing beside it."""
    change, said = DAMAGE[damage]
    key = shop.backed_up()
    shop.write(key, change(shop.read(key)))
    before = shop.oid()
    done = shop.run("restore", location(shop, key), *YES)
    assert (done.returncode, shop.oid(), shop.databases()) == (3, before, [shop.name]), done.stderr
    assert said in done.stderr


def test_a_wrong_key_is_refused_by_name(shop: Shop) -> None:
    """The key is compared by its fingerprint; the message says which variable."""
    key = shop.backed_up()
    before = shop.oid()
    done = shop.run("restore", location(shop, key), *YES, BACKUP_ENCRYPTION_KEY="00" * 32)
    assert (done.returncode, shop.oid()) == (3, before)
    assert "BACKUP_ENCRYPTION_KEY" in done.stderr


def test_a_backup_of_another_database_is_refused(shop: Shop, embedded: EmbeddedTarget) -> None:
    """Both names are told, and the way to insist."""
    with Shop.opened(embedded) as other:
        key = other.backed_up()
        before = shop.oid()
        done = shop.run("restore", location(other, key), *YES, AWS_BACKUP_BUCKET=other.bucket)
        assert (done.returncode, shop.oid()) == (3, before)
        assert other.name in done.stderr
        assert "--allow-other-database" in done.stderr


@pytest.mark.parametrize(
    "where",
    [
        "s3://{bucket}/../../etc/passwd",
        "s3://{bucket}/beautycort-backup-1; rm -rf /",
        "s3://{bucket}/$(touch owned)",
        "s3://somebody-elses-bucket/beautycort-backup-2026-01-01-000000.dump",
        "file:///etc/passwd",
        "https://example.com/x",
        "",
        "s3://",
        "s3://{bucket}/\x1b[31mred",
        "-rf",
        "s3://{bucket}/" + "x" * 2000,
        "s3://{bucket}/نسخة",
    ],
)
def test_a_hostile_location_does_nothing(shop: Shop, where: str) -> None:
    """Refused in words; no escape sequence reaches the terminal, no file appears."""
    before = shop.oid()
    done = shop.run("restore", *YES, "--", where.format(bucket=shop.bucket))
    said = done.stdout + done.stderr
    assert done.returncode in {1, 2, 3, 4}
    assert "Traceback" not in said
    assert "\x1b[31m" not in said
    assert (shop.oid(), shop.databases()) == (before, [shop.name])


@pytest.mark.parametrize("words", [(), ("--yes", "production"), ("--yes", "")])
def test_without_the_targets_name_nothing_happens(shop: Shop, words: tuple[str, ...]) -> None:
    """The refusal names the target and shows the whole command again."""
    key = shop.backed_up()
    before = shop.oid()
    done = shop.run("restore", location(shop, key), *words)
    assert (done.returncode, shop.oid()) == (3, before)
    assert "embedded" in done.stderr


def test_a_restore_killed_in_the_middle_leaves_the_live_database(shop: Shop) -> None:
    """Kill -9 while the new database is filled: the live one serves, and the next restore works."""
    before = shop.contents()
    key = shop.backed_up()
    oid = shop.oid()
    process = shop.start("restore", location(shop, key), *YES)
    end = time.monotonic() + 60
    while shop.databases() == [shop.name]:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)
    process.kill()
    process.communicate()

    assert (shop.oid(), shop.contents()) == (oid, before)
    shop.sql("DELETE FROM orders")
    done = shop.run("restore", location(shop, key), *YES)
    assert (done.returncode, shop.contents()) == (0, before), done.stderr


def test_two_restores_at_once_do_not_overlap(shop: Shop) -> None:
    """The second is refused and told who is first; the first goes through."""
    key = shop.backed_up()
    first = shop.start("restore", location(shop, key), *YES)
    end = time.monotonic() + 60
    while shop.databases() == [shop.name]:
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)
    os.kill(first.pid, signal.SIGSTOP)
    second = shop.run("restore", location(shop, key), *YES)
    os.kill(first.pid, signal.SIGCONT)
    _, complaint = first.communicate(timeout=120)
    assert first.returncode == 0, complaint
    assert second.returncode != 0
    assert "beautycort restore" in second.stderr
    assert shop.rows("SELECT count(*) FROM orders") == [(500,)]


def test_clients_stay_connected_to_nothing_that_is_gone(shop: Shop) -> None:
    """A session of the live database is ended for the swap, and the next one sees the restored rows."""
    key = shop.backed_up()
    with shop.connected() as busy:
        busy.execute("SELECT 1")
        done = shop.run("restore", location(shop, key), *YES)
    assert done.returncode == 0, done.stderr
    assert shop.rows("SELECT count(*) FROM customers") == [(40,)]
