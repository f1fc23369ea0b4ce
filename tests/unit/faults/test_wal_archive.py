"""A drill removes the archive that it made, and nothing else, whatever a variable says."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runbook_steps.engine.errors import FaultError, NotRunnableHere
from runbook_steps.faults.wal_archive import WalArchived


def fault(tmp_path: Path, **environment: str) -> WalArchived:
    """On a server whose data is in `tmp_path`."""
    said: dict[str, Any] = {"SHOW data_directory": str(tmp_path), "SHOW archive_mode": "on"}
    live = SimpleNamespace(execute=lambda sql: SimpleNamespace(fetchone=lambda: (said[sql],)))
    return WalArchived(lambda: nullcontext(live), environment)


@pytest.mark.parametrize("environment", [{}, {"POINT_IN_TIME_ARCHIVE": ""}, {"POINT_IN_TIME_ARCHIVE": "."}])
def test_an_unset_variable_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """Of the folder that one happens to stand in, above all."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").write_text("of a week", "utf-8")
    archived = fault(tmp_path, **environment)

    with pytest.raises((NotRunnableHere, FaultError)):
        archived.arrange()
    archived.clear()
    assert not archived.observe().present
    assert (tmp_path / "work").read_text("utf-8") == "of a week"


def test_a_real_archive_is_neither_used_nor_removed(tmp_path: Path) -> None:
    """It is somebody's way back."""
    (tmp_path / "archive/wal").mkdir(parents=True)
    archived = fault(tmp_path, POINT_IN_TIME_ARCHIVE=str(tmp_path / "archive"))

    with pytest.raises(FaultError, match="a drill did not make it"):
        archived.arrange()
    archived.clear()
    assert (tmp_path / "archive/wal").is_dir()
    assert archived.observe().present


def test_what_a_drill_made_goes_with_it(tmp_path: Path) -> None:
    """Also when another process clears, after the first was killed, and twice."""
    named = {"POINT_IN_TIME_ARCHIVE": str(tmp_path / "archive")}
    fault(tmp_path, **named).arrange()
    fault(tmp_path, **named).arrange()
    assert fault(tmp_path, **named).observe().present

    fault(tmp_path, **named).clear()
    fault(tmp_path, **named).clear()
    assert not (tmp_path / "archive").exists()
