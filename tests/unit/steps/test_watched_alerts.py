"""How long a drill waits for an alert."""

from __future__ import annotations

from pathlib import Path

from runbook_steps.engine.project.project import load_project
from runbook_steps.steps.monitoring import grows_s

ALERTS = load_project(Path(__file__).parents[3]).alerts


def test_an_age_is_given_the_time_in_which_it_grows_and_nothing_else_is() -> None:
    """The threshold is never shortened, so a drill waits for the minute of the replica."""
    assert {name: grows_s(alert) for name, alert in ALERTS.items() if grows_s(alert)} == {"ReplicaLagging": 60.0}
