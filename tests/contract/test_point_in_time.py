"""Back to a moment, beside the live tables: out of a base backup and archived WAL; what is out of reach is told."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop
from tests.contract.debian_postgres import debian_postgres

YES = ("--yes", "embedded")
TABLES = """
CREATE TABLE bookings (id int PRIMARY KEY, state varchar(9) CHECK (state IN ('open', 'done')));
INSERT INTO bookings SELECT n, 'open' FROM generate_series(1, 30) n;
"""


@pytest.fixture(scope="module")
def shop(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A shop whose server archives, and a base backup of it."""
    with Shop.opened(embedded, schema=TABLES) as opened, archiving(opened):
        opened.answer("base-backup")
        yield opened


@contextmanager
def archiving(shop: Shop) -> Iterator[Path]:
    """The folder, which belongs to the server; gone afterwards."""
    ((data,),) = shop.rows("SHOW data_directory")
    owner = Path(data).stat()
    folder = Path(shop.environ["POINT_IN_TIME_ARCHIVE"])
    (folder / "wal").mkdir(parents=True)
    for path in (folder, folder / "wal"):
        os.chown(path, owner.st_uid, owner.st_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def now(shop: Shop) -> datetime:
    """The server's clock."""
    ((moment,),) = shop.rows("SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def until(done: Callable[[], bool]) -> None:
    """Waits for what the server does by itself."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def past_servers() -> list[int]:
    """Servers of the past that run."""
    return [
        p.pid for p in psutil.process_iter(["cmdline"]) if any("beautycort-past-" in w for w in p.info["cmdline"] or ())
    ]


def test_rows_of_a_moment_come_back_and_newer_ones_stay(shop: Shop) -> None:
    """Those that no backup holds too: made after the base backup, lost before the next one."""
    shop.sql("INSERT INTO bookings VALUES (31, 'done')")
    moment = now(shop)
    shop.sql("DELETE FROM bookings WHERE id > 20; INSERT INTO bookings VALUES (99, 'open')")
    before = shop.oid()

    told = shop.answer("restore", "--to-time", moment.isoformat(), "--tables", "bookings", "--beside")

    assert told["tables"]["public.bookings"] == {"in_backup": 31, "now": 21, "missing": 11, "changed": 0}
    assert shop.answer("rows-back", told["schema"], *YES)["tables"]["public.bookings"]["back"] == 11
    assert shop.rows("SELECT count(*), max(id) FROM bookings") == [(32, 99)]
    assert shop.oid() == before
    assert past_servers() == []


def test_the_whole_database_of_a_moment_comes_beside_and_is_in_the_list(shop: Shop) -> None:
    """As a backup whose time is that moment: whole, encrypted, and restored like any other."""
    shop.sql("INSERT INTO bookings VALUES (200, 'open')")
    time.sleep(1.1)  # a backup's time is in whole seconds
    moment = now(shop)
    shop.sql("DROP TABLE bookings")
    shop.sql(f"CREATE DATABASE {shop.name}_then", dbname="postgres")

    told = shop.answer("restore", "--to-time", moment.isoformat(), "--into", f"{shop.name}_then")

    assert shop.rows("SELECT max(id) FROM bookings", dbname=f"{shop.name}_then") == [(200,)]
    listed = shop.answer("list")["backups"][0]
    created = datetime.fromisoformat(listed["created"])
    assert (listed["location"], created) == (told["location"], moment.replace(microsecond=0))
    assert shop.answer("verify", told["location"])["success"] is True
    done = shop.run("restore", told["location"], *YES)
    assert done.returncode == 0, done.stderr
    assert shop.rows("SELECT max(id) FROM bookings") == [(200,)]


@pytest.mark.parametrize(
    ("ago", "said"), [(timedelta(days=400), "the oldest base backup ended"), (timedelta(days=-1), "has not come yet")]
)
def test_a_moment_out_of_reach_is_told(shop: Shop, ago: timedelta, said: str) -> None:
    """In one line, before anything is done."""
    done = shop.run("restore", "--to-time", (now(shop) - ago).isoformat(), "--tables", "bookings", "--beside")
    assert (done.returncode, said in done.stderr, len(done.stderr.splitlines())) == (3, True, 1), done.stderr


def test_a_gap_in_the_archive_is_told(shop: Shop, tmp_path: Path) -> None:
    """By the moment that it ends at; nothing is left running, and no backup is visible."""
    listed = shop.answer("list")
    shop.sql("INSERT INTO bookings VALUES (300, 'open')")
    moment = now(shop)
    ((name,),) = shop.rows("SELECT pg_walfile_name(pg_switch_wal())")
    segment = Path(shop.environ["POINT_IN_TIME_ARCHIVE"]) / "wal" / str(name)
    until(segment.is_file)
    segment.rename(tmp_path / segment.name)
    try:
        done = shop.run("restore", "--to-time", moment.isoformat(), "--tables", "bookings", "--beside")
        assert (done.returncode, "the archive ends before" in done.stderr) == (1, True), done.stderr
        assert past_servers() == []
        assert shop.answer("list") == listed
    finally:
        (tmp_path / segment.name).rename(segment)  # the same file: it belongs to the server


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name one of both"),
        (("beautycort-backup-x", "--to-time", "2026-11-28T14:00+03:00"), "name one of both"),
        (("--to-time", "yesterday"), "write it like"),
        (("--to-time", "2026-11-28T14:00"), "names no time zone"),
    ],
)
def test_words_that_are_no_good_are_named(shop: Shop, words: tuple[str, ...], said: str) -> None:
    """Before anything is connected to."""
    done = shop.run("restore", *words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_an_archive_that_is_not_here_is_told(shop: Shop, tmp_path: Path) -> None:
    """Not set, no folder, and another server's folder."""
    moment = now(shop).isoformat()
    for value, said in (("", "is not set"), (str(tmp_path), "is no folder of this machine")):
        done = shop.run("restore", "--to-time", moment, "--into", "x", POINT_IN_TIME_ARCHIVE=value)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    (tmp_path / "wal").mkdir()
    done = shop.run("base-backup", POINT_IN_TIME_ARCHIVE=str(tmp_path))
    assert (done.returncode, "archives elsewhere" in done.stderr) == (3, True), done.stderr
    assert list((tmp_path / "base").iterdir()) == []


def test_a_role_that_may_not_let_the_server_archive_is_told_how(shop: Shop) -> None:
    """The WAL of the last minutes is not there yet; with that right in the database `postgres` it is."""
    shop.sql("CREATE ROLE plain LOGIN CREATEDB PASSWORD 'plain-word'", dbname="postgres")
    known, owner = shop.environ, shop.environ["PGUSER"]
    url = f"postgres://plain:plain-word@{known['PGHOST']}:{known['PGPORT']}/{shop.name}"
    shop.sql("ALTER TABLE bookings OWNER TO plain", dbname=shop.name)
    shop.sql(f"ALTER DATABASE {shop.name} OWNER TO plain", dbname="postgres")
    try:
        shop.sql("INSERT INTO bookings VALUES (400, 'open')")
        words = ("restore", "--to-time", now(shop).isoformat(), "--tables", "bookings", "--beside")
        done = shop.run(*words, DATABASE_URL=url)
        assert (done.returncode, "GRANT EXECUTE ON FUNCTION pg_switch_wal()" in done.stderr) == (1, True), done.stderr
        shop.sql("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO plain", dbname="postgres")
        done = shop.run(*words, DATABASE_URL=url)
        assert (done.returncode, "pg_switch_wal" in done.stderr) == (0, False), done.stderr
    finally:
        shop.sql(f"ALTER DATABASE {shop.name} OWNER TO {owner}", dbname="postgres")
        shop.sql(f"REASSIGN OWNED BY plain TO {owner}; DROP OWNED BY plain")
        shop.sql("DROP OWNED BY plain; DROP ROLE plain", dbname="postgres")


def test_a_vendor_that_keeps_the_wal_is_named(shop: Shop) -> None:
    """Supabase's own way is told, and how its copy's rows come back."""
    shop.sql("CREATE ROLE supabase_admin", dbname="postgres")
    try:
        done = shop.run("restore", "--to-time", now(shop).isoformat(), "--tables", "bookings", "--beside")
    finally:
        shop.sql("DROP ROLE supabase_admin", dbname="postgres")
    assert (done.returncode, "Supabase keeps the WAL itself" in done.stderr) == (3, True), done.stderr


def test_a_server_that_archives_nothing_is_told(shop: Shop) -> None:
    """Debian's, as it comes."""
    with debian_postgres() as debian:
        done = shop.run("base-backup", DATABASE_URL=debian.url())
    assert (done.returncode, "archives no WAL" in done.stderr) == (3, True), done.stderr


def test_a_role_that_may_not_copy_the_cluster_is_told(shop: Shop) -> None:
    """Before the copy."""
    shop.sql("CREATE ROLE poor LOGIN PASSWORD 'poor-word'", dbname="postgres")
    known = shop.environ
    url = f"postgres://poor:poor-word@{known['PGHOST']}:{known['PGPORT']}/{shop.name}"
    try:
        done = shop.run("base-backup", DATABASE_URL=url)
    finally:
        shop.sql("DROP ROLE poor", dbname="postgres")
    assert (done.returncode, "a role with REPLICATION" in done.stderr) == (3, True), done.stderr
