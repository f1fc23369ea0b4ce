"""The steady state is compared check by check, and silence is never steady."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook_steps.engine.errors import Position
from runbook_steps.engine.model import Command
from runbook_steps.engine.run.steady_state import SteadyState, look_at_steady_state


def look(script: str, folder: Path, limit_s: float = 20.0) -> SteadyState:
    """What a command that prints this is taken for."""
    command = Command(script, "bash", "look", Position("-", 0), limit_s)
    return look_at_steady_state(command, {"PATH": "/usr/bin:/bin"}, folder)


def report(**statuses: str) -> str:
    """The command that reports these."""
    checks = [{"name": name, "status": status, "error": f"{name} said"} for name, status in statuses.items()]
    return f"echo '{json.dumps({'checks': checks})}'; exit 1"


def test_each_check_that_is_red_is_named(tmp_path: Path) -> None:
    """A part that the target does not have is not red."""
    seen = look(report(redis="unhealthy", cdn="not configured", api="healthy"), tmp_path)
    assert seen.wrong == {"redis": "unhealthy redis said"}


@pytest.mark.parametrize("script", ["true", "echo nothing", "echo '{}'", "echo '{\"checks\": []}'", "exit 127"])
def test_no_report_is_not_steady(tmp_path: Path, script: str) -> None:
    """Also with exit code 0."""
    assert look(script, tmp_path).wrong.keys() == {"the health checks"}


def test_a_command_that_hangs_is_not_steady(tmp_path: Path) -> None:
    """It is ended at its limit."""
    assert "did not end within 0.3 s" in str(look("sleep 20", tmp_path, 0.3))


def test_what_was_red_before_forbids_nothing() -> None:
    """Only what is worse counts against a run."""
    before, after = SteadyState({"balancer": "unhealthy"}), SteadyState({"balancer": "unhealthy", "redis": "unhealthy"})
    assert after.worse_than(before).wrong == {"redis": "unhealthy"}
    assert before.worse_than(before).wrong == {}
