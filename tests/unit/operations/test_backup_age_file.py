"""The time of the newest backup, for the alert: written whole, readable by the exporter, and never a reason to fail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook_steps.operations.backup_age_file import SERIES, VARIABLE, write_age_file

MADE = datetime(2026, 11, 29, 1, 2, 3, tzinfo=UTC)


def test_the_file_holds_the_series_of_the_alert(tmp_path: Path) -> None:
    """The name that `docs/data/alerts.yml` asks for, the moment of the backup, readable by another user."""
    file = tmp_path / "backup.prom"
    assert write_age_file({VARIABLE: str(file)}, MADE) == ""
    assert file.read_text("utf-8").splitlines()[-1] == f"{SERIES} 1795914123"
    assert file.stat().st_mode & 0o777 == 0o644
    assert SERIES in (Path(__file__).parents[3] / "docs/data/alerts.yml").read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["backup.prom"]


@pytest.mark.parametrize(
    ("name", "why"), [("backup.txt", "must end with .prom"), ("gone/backup.prom", "there is no folder")]
)
def test_what_cannot_be_written_is_told(tmp_path: Path, name: str, why: str) -> None:
    """And nothing is made."""
    assert why in write_age_file({VARIABLE: str(tmp_path / name)}, MADE)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    """With the system's own reason."""
    (tmp_path / "backup.prom").mkdir()
    assert "cannot be written" in write_age_file({VARIABLE: str(tmp_path / "backup.prom")}, MADE)


def test_without_the_variable_nothing_is_written() -> None:
    """Nor told: the status command tells the age as well."""
    assert write_age_file({}, MADE) == ""
