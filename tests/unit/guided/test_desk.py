"""What every part of a guided run says of its end."""

from __future__ import annotations

from typing import Any, cast

import pytest

from runbook_steps.engine.guided.brief import Brief
from runbook_steps.engine.guided.desk import Desk
from runbook_steps.engine.guided.screen import Screen


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("", "stopped by DevOps Lead; what ran stands in the journal"),
        ("the terminal is gone", "the terminal is gone; what ran stands in the journal"),
    ],
)
def test_who_stops_a_run_is_the_person_and_never_a_terminal(why: str, said: str) -> None:
    """A terminal that goes is nobody's doing."""
    desk = Desk(cast("Brief", None), Screen(), "DevOps Lead", None, None)
    ended: Any = desk.stopped(why)
    assert (ended.msg, ended.returncode) == (said, 130)
