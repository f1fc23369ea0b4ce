"""Exporters as units: what a page's systemctl reads and asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_steps.stand_in.monitoring import units
from runbook_steps.stand_in.monitoring.units import UNITS_VARIABLE, Units, pid_of, restart, units_in


@pytest.fixture
def running() -> dict[str, int | None]:
    """Unit → the process id that the monitoring knows."""
    return {"prometheus-redis-exporter": 4711, "prometheus-node-exporter": None}


@pytest.fixture
def served(tmp_path: Path, running: dict[str, int | None]) -> Iterator[Units]:
    """Units that get another process id when they are started anew."""

    def again(unit: str) -> None:
        running[unit] = (running[unit] or 0) + 1

    made = Units(tmp_path / "units", {unit: lambda unit=unit: running[unit] for unit in running}, again)  # type: ignore[misc]
    yield made
    made.close()


def test_the_process_of_each_unit_is_read(served: Units) -> None:
    """One that does not run has none, and a name that is no unit is no answer."""
    assert pid_of(served.folder, "prometheus-redis-exporter") == 4711
    assert pid_of(served.folder, "prometheus-node-exporter") is None
    with pytest.raises(FileNotFoundError):
        pid_of(served.folder, "nginx")


def test_a_restart_returns_when_the_unit_was_started_anew(served: Units) -> None:
    """Whether it ran or not; the next one asks again."""
    restart(served.folder, "prometheus-redis-exporter")
    assert pid_of(served.folder, "prometheus-redis-exporter") == 4712
    restart(served.folder, "prometheus-redis-exporter")
    restart(served.folder, "prometheus-node-exporter")
    assert [pid_of(served.folder, unit) for unit in ("prometheus-redis-exporter", "prometheus-node-exporter")] == [
        4713,
        1,
    ]


def test_a_restart_that_nobody_makes_is_an_error(served: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is not taken for a start."""
    served.close()
    monkeypatch.setattr(units, "_LIMIT_S", 0.2)
    with pytest.raises(TimeoutError, match="prometheus-node-exporter was not started"):
        restart(served.folder, "prometheus-node-exporter")


def test_the_folder_is_named_by_the_run(tmp_path: Path) -> None:
    """And by nothing else: without it nobody watches."""
    assert units_in({UNITS_VARIABLE: str(tmp_path)}) == tmp_path
    assert units_in({}) is None
    assert units_in({**os.environ, UNITS_VARIABLE: ""}) is None
