"""The programs of the monitoring: found, or named when they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.stand_in.monitoring.programs import FOLDER, PROGRAMS, find_programs


def installed(folder: Path) -> Path:
    """A folder with all of them."""
    folder.mkdir()
    for names in PROGRAMS.values():
        (folder / names[-1]).write_text("#!/bin/sh\n", "utf-8")
        (folder / names[-1]).chmod(0o755)
    return folder


def test_they_are_found_on_the_path_or_in_the_folder_that_is_named(tmp_path: Path) -> None:
    """By upstream's name or Debian's."""
    folder = installed(tmp_path / "bin")

    for environ in ({"PATH": str(folder)}, {"PATH": "/nowhere", FOLDER: str(folder)}):
        assert {service: Path(found).parent for service, found in find_programs(environ).items()} == dict.fromkeys(
            PROGRAMS, folder
        )


def test_a_folder_that_is_named_is_the_only_place(tmp_path: Path) -> None:
    """An empty one switches the monitoring off; every program that is missing is named."""
    folder = installed(tmp_path / "bin")

    with pytest.raises(NotRunnableHere, match="no prometheus, alertmanager, postgres_exporter"):
        find_programs({"PATH": str(folder), FOLDER: str(tmp_path)})
