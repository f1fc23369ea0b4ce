"""redis-cli on a live target is signed in as the URL says: user, database, TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import Risk
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.engine.targets.live_settings import split_url
from runbook_steps.live.settings import PlatformSettings, platform_environment
from runbook_steps.live.target import PlatformTarget

URL = "rediss://team%40shop:p%2Fw@cache.example:6380/3"


def test_the_url_is_said_in_variables() -> None:
    """Each decoded; a password is in one that redis-cli reads itself."""
    said = platform_environment(PlatformSettings(redis_url=URL))  # type: ignore[arg-type]
    assert {name: value for name, value in said.items() if name.startswith("REDIS") and name != "REDIS_URL"} == {
        "REDIS_HOST": "cache.example",
        "REDIS_PORT": "6380",
        "REDISCLI_AUTH": "p/w",
        "REDIS_USER": "team@shop",
        "REDIS_DATABASE": "3",
        "REDIS_TLS": "yes",
    }


def test_a_socket_of_redis_is_a_place() -> None:
    """As the guard reads it."""
    url = "unix://ops:p%2Fw@/run/redis.sock?db=3"
    said = platform_environment(PlatformSettings(redis_url=url))  # type: ignore[arg-type]
    assert {name: value for name, value in said.items() if name.startswith("REDIS") and name != "REDIS_URL"} == {
        "REDIS_HOST": "/run/redis.sock",
        "REDIS_PORT": "0",
        "REDISCLI_AUTH": "p/w",
        "REDIS_USER": "ops",
        "REDIS_DATABASE": "3",
    }


DATABASES: dict[str, tuple[str, dict[str, str]]] = {
    "plain": ("postgres://u:p%40w@db.example/salon", {"PGHOST": "db.example", "PGPASSWORD": "p@w"}),
    "several parameters": (
        "postgresql://u:p@db.example:5433/salon?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=9",
        {"PGPORT": "5433", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/etc/ca.pem", "PGCONNECT_TIMEOUT": "9"},
    ),
    "another schema": ("postgres://u:p@db.example/salon?schema=shop", {"PGOPTIONS": "-c search_path=shop"}),
    "options": ("postgres://u:p@db.example/salon?options=-csearch_path%3Dshop", {"PGOPTIONS": "-csearch_path=shop"}),
    "what an ORM adds": ("postgresql://u:p@db.example/salon?connection_limit=5&pool_timeout=2", {"PGUSER": "u"}),
    "a socket": ("postgresql://u:p@/salon?host=/var/run/postgresql", {"PGHOST": "/var/run/postgresql"}),
    "words": ("host=db.example user=u password=p dbname=salon", {"PGHOST": "db.example", "PGDATABASE": "salon"}),
}


@pytest.mark.parametrize("kind", DATABASES)
def test_psql_gets_all_that_the_address_says(kind: str) -> None:
    """However somebody writes it; the port and the patience are ours where it says none."""
    url, expected = DATABASES[kind]
    said = platform_environment(PlatformSettings(database_url=url))  # type: ignore[arg-type]
    assert expected == {name: said.get(name) for name in expected}
    assert {"PGPORT", "PGCONNECT_TIMEOUT", "PGUSER", "PGPASSWORD", "PGDATABASE"} <= said.keys()


def test_blanks_are_no_setting() -> None:
    """A variable that holds nothing is not there."""
    assert "API_SLOTS" not in platform_environment(PlatformSettings(api_slots="  "))


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="no redis-cli on this machine")
def test_redis_cli_gets_what_it_has_no_variable_for(tmp_path: Path) -> None:
    """Before the command's own arguments, which win; the password is in none."""
    said = PlatformSettings(redis_url=URL)  # type: ignore[arg-type]
    target = PlatformTarget("staging", said, load_settings(find_root(Path.cwd())), Risk.DESTRUCTIVE)
    try:
        environment = dict(target.environment())
        first = Path(environment["PATH"].split(":")[0])
        script = (first / "redis-cli").read_text()
        told = tmp_path / "told"
        told.write_text('#!/bin/sh\nprintf "%s " "$@"\n')
        told.chmod(0o700)
        (first / "redis-cli").write_text(script.replace(str(shutil.which("redis-cli")), str(told)))
        done = subprocess.run(
            ["/bin/sh", "-c", "redis-cli -n 5 ping"], env=environment, capture_output=True, text=True, check=True
        )
    finally:
        target.close()
    assert done.stdout == "--user team@shop -n 3 --tls -n 5 ping "


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a run that lives stays, and so does what only looks like one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen(["true"])
    dead.wait()
    left, living = tmp_path / f"runbooks-live-{dead.pid}-x1", tmp_path / f"runbooks-live-{os.getppid()}-x2"
    other = tmp_path / "runbooks-live-notes"
    for folder in (left, living, other):
        (folder / "home").mkdir(parents=True)
    said = PlatformSettings(redis_url=URL)  # type: ignore[arg-type]
    target = PlatformTarget("staging", said, load_settings(find_root(Path.cwd())), Risk.READONLY)
    try:
        home = Path(target.environment()["HOME"])
        assert [folder.exists() for folder in (left, living, other)] == [False, True, True]
        assert home.parent.name.startswith(f"runbooks-live-{os.getpid()}-")
    finally:
        target.close()
    assert not home.exists()


@pytest.mark.parametrize(
    ("password", "said"), [("w/geheim", "/ as %2F"), ("geheim#w", "# as %23"), ("w[geheim", "[ as %5B")]
)
def test_a_url_whose_password_is_not_quoted_says_how_to_write_it(password: str, said: str) -> None:
    """The sign and how it is written, never the password."""
    with pytest.raises(ConfigurationError) as caught:
        split_url(f"redis://app:{password}@h:6379/0", "REDIS_URL")
    assert said in str(caught.value)
    assert "geheim" not in str(caught.value)
