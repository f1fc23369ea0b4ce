"""A command of a guided run that is stopped: what never began is not to be undone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from runbook_steps.engine.errors import Position
from runbook_steps.engine.guided.commands import GuidedCommands
from runbook_steps.engine.guided.desk import Desk
from runbook_steps.engine.model import Command, Risk

CHANGE = Command("touch it", "bash", "change it", Position("a.feature", 1), 10.0)


@pytest.mark.parametrize("begins", [True, False])
def test_what_is_stopped_before_its_command_began_changed_nothing(begins: bool) -> None:
    """Between the answer and the first word of the command there are moments too."""
    recorder = SimpleNamespace(commands_begun=4, last_result=None)
    brief = SimpleNamespace(procedure=SimpleNamespace(risk=Risk.MUTATING), readers=())
    screen = SimpleNamespace(say=lambda *_: None)
    desk = Desk(*cast("Any", (brief, screen, "operator", None, SimpleNamespace(recorder=recorder))))

    def stopped() -> None:
        recorder.commands_begun += begins
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        GuidedCommands(desk)._once(CHANGE, stopped)
    assert (desk.changed, desk.running) == (begins, begins)
