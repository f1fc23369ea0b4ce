"""A command that is held may be let write to one more place, and to no other."""

from __future__ import annotations

import json

from runbook_steps.engine.guards.services.guard import also_writing

HELD = ("python", "-I", "lockdown.py", json.dumps({"write": ["/run/own"], "hide": ["/secret"]}))


def test_one_place_more() -> None:
    """Everything else of the lock stays as it was."""
    *before, spec = also_writing(HELD, "/dev/pts/7")

    assert before == list(HELD[:-1])
    assert json.loads(spec) == {"write": ["/run/own", "/dev/pts/7"], "hide": ["/secret"]}


def test_what_nothing_holds_stays_free() -> None:
    """No lock is made up."""
    assert also_writing((), "/dev/pts/7") == ()
