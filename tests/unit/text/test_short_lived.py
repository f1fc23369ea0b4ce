"""A short command: no collection while it loads, none of what is left at its end."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from runbook_steps.engine.text.short_lived import loading

ASKS_LAST = """
import atexit, gc
from runbook_steps.engine.text.short_lived import short_lived
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # runs behind what is registered later
short_lived()
"""


def test_nothing_is_collected_at_the_end() -> None:
    """What is there then belongs to no collection any more."""
    done = subprocess.run([sys.executable, "-c", ASKS_LAST], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "True\n"


def test_collections_go_on_behind_what_was_loaded() -> None:
    """Also when it fails to load."""
    was_on = []

    def fails() -> None:
        with loading():
            was_on.append(gc.isenabled())
            raise ImportError

    with pytest.raises(ImportError):
        fails()
    assert was_on == [False]
    assert gc.isenabled()


def test_who_collects_nothing_is_left_alone() -> None:
    """Somebody else switched it off."""
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
