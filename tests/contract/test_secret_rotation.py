"""Rotation refuses what it cannot do, leaves everything as it was then, and tells no secret."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Shell

ROLE, OLD = "contract_rotated", "known-to-somebody-else"
SETTINGS = "# kept\nJWT_EXPIRES_IN=15m\nJWT_SECRET=former\nTAP_API_KEY=kept\n"


@pytest.fixture
def settings(tmp_path: Path, embedded: EmbeddedTarget) -> Path:
    """An env file with a former secret."""
    embedded.start({"postgres"})
    file = tmp_path / "api.env"
    file.write_text(SETTINGS, "utf-8")
    file.chmod(0o644)
    return file


@pytest.fixture
def role(embedded: EmbeddedTarget) -> Iterator[str]:
    """A role with a password that leaked; gives the address it signs in with."""
    embedded.start({"postgres"})
    address = embedded.environment()["DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f"DROP ROLE IF EXISTS {ROLE}")
        admin.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{OLD}'")
        yield psycopg.conninfo.make_conninfo(address, user=ROLE, password=OLD)
        admin.execute(f"DROP ROLE {ROLE}")


def lets_in(address: str) -> bool:
    """Whether the server takes the password."""
    try:
        psycopg.connect(address, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_only_the_named_setting_is_new(settings: Path, shell: Shell) -> None:
    """The others stay in their order; the file is for its owner only; the output holds no secret."""
    answer = shell('beautycort secrets rotate JWT_SECRET --yes "$RUNBOOKS_TARGET"', API_ENV_FILE=str(settings))
    lines = settings.read_text("utf-8").splitlines()
    fresh = lines[-1].removeprefix("JWT_SECRET=")
    assert answer.returncode == 0
    assert lines[:-1] == ["# kept", "JWT_EXPIRES_IN=15m", "TAP_API_KEY=kept"]
    assert (len(fresh), fresh in answer.stdout + answer.stderr) == (96, False)
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("JWT_SECRET", 3),
        ("JWT_SECRET --yes another-target", 3),
        ("DATABASE_URL --yes embedded", 2),
        ("TAP_API_KEY --yes embedded", 2),
        ("TWILIO_AUTH_TOKEN --yes embedded", 2),
        ("SUPABASE_SERVICE_KEY --yes embedded", 2),
    ],
)
def test_a_refused_rotation_changes_nothing(settings: Path, shell: Shell, arguments: str, code: int) -> None:
    """Neither the file nor the folder that it stands in."""
    answer = shell(f"beautycort secrets rotate {arguments}", API_ENV_FILE=str(settings))
    assert answer.returncode == code
    assert settings.read_text("utf-8") == SETTINGS
    assert list(settings.parent.iterdir()) == [settings]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, embedded: EmbeddedTarget, shell: Shell) -> None:
    """Exit code 1, and nothing is made."""
    embedded.start({"postgres"})
    missing = tmp_path / "none" / "api.env"
    answer = shell("beautycort secrets rotate JWT_SECRET --yes embedded", API_ENV_FILE=str(missing))
    assert (answer.returncode, "nothing was changed" in answer.stderr) == (1, True)
    assert not missing.parent.exists()


def test_a_new_password_replaces_the_old_one(role: str, shell: Shell, tmp_path: Path) -> None:
    """It stands in the file, for its owner only, and in no output."""
    answer = shell(f"beautycort secrets rotate-role {ROLE} --out new --yes embedded")
    file = tmp_path / "new"
    fresh = file.read_text("utf-8").strip()
    assert answer.returncode == 0
    assert (lets_in(role), lets_in(psycopg.conninfo.make_conninfo(role, password=fresh))) == (False, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert fresh not in answer.stdout + answer.stderr


def test_a_file_that_is_there_is_not_overwritten(role: str, shell: Shell, tmp_path: Path) -> None:
    """It may hold the password of another role: exit code 1, the old password stays."""
    (tmp_path / "new").write_text("of another role\n", "utf-8")
    answer = shell(f"beautycort secrets rotate-role {ROLE} --out new --yes embedded")
    assert (answer.returncode, lets_in(role)) == (1, True)
    assert (tmp_path / "new").read_text("utf-8") == "of another role\n"


@pytest.mark.parametrize(
    ("name", "code"), [("postgres", 2), ("pg_monitor", 2), ("'a; DROP ROLE b'", 2), ("nobody_of_that_name", 1)]
)
def test_a_role_that_cannot_be_rotated_leaves_no_file(
    role: str, shell: Shell, tmp_path: Path, name: str, code: int
) -> None:
    """Neither a role of the system nor one that is not there."""
    answer = shell(f"beautycort secrets rotate-role {name} --out new --yes embedded")
    assert (answer.returncode, lets_in(role)) == (code, True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_leaves_no_file(embedded: EmbeddedTarget, shell: Shell, tmp_path: Path) -> None:
    """Exit code 4, and the message holds no password."""
    embedded.start({"postgres"})
    gone = "postgres://someone:hidden@127.0.0.1:1/none"
    answer = shell(f"beautycort secrets rotate-role {ROLE} --out new --yes embedded", DATABASE_URL=gone)
    assert (answer.returncode, "hidden" in answer.stderr) == (4, False)
    assert list(tmp_path.iterdir()) == []
