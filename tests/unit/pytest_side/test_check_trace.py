"""Whether a step evaluated a check is told from the lines that ran, not from its text."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from types import ModuleType

import pytest

from runbook_steps.engine.pytest_side.check_trace import CheckTrace
from runbook_steps.engine.pytest_side.trying import Hung, _at_most

STEPS = """\
def asserts(): assert len("a") == 1
def loops_over_nothing():
    for row in []:
        assert row
def loops():
    for row in ["a"]:
        assert row
def waits():
    for _ in range(3):
        if True:
            return
    raise TimeoutError
def waits_until():
    while len("a") > 1:
        assert False
def decides():
    if True:
        return 1
    return 2
def delegates():
    asserts()
def expects():
    import pytest
    with pytest.raises(ValueError):
        int("a")
def nothing():
    return 1 + 1
def never_reached():
    return 1
    assert True
"""


@pytest.fixture
def steps(tmp_path: Path) -> ModuleType:
    """A module of steps below the folder that is watched."""
    file = tmp_path / "traced_steps.py"
    file.write_text(STEPS)
    spec = importlib.util.spec_from_file_location("traced_steps", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "checked"),
    [
        ("asserts", True),
        ("loops", True),
        ("waits", True),
        ("waits_until", True),
        ("delegates", True),
        ("expects", True),
        ("loops_over_nothing", False),
        ("decides", False),
        ("nothing", False),
        ("never_reached", False),
    ],
)
def test_a_check_counts_when_it_was_evaluated(steps: ModuleType, tmp_path: Path, name: str, checked: bool) -> None:
    """Its own, of what it calls, of a wait that may raise; not one that was never reached."""
    trace = CheckTrace((tmp_path,))
    trace.begin()
    getattr(steps, name)()
    assert trace.end() is checked


def test_what_lies_elsewhere_does_not_count(steps: ModuleType, tmp_path: Path) -> None:
    """An assertion of a library checks nothing of ours."""
    trace = CheckTrace((tmp_path / "elsewhere",))
    trace.begin()
    steps.asserts()
    assert trace.end() is False


def test_what_hangs_is_ended() -> None:
    """Also where a step takes every exception for its own."""
    slept = 0
    with pytest.raises(Hung), _at_most(0.2) as ended:  # noqa: PT012 - the loop is what hangs
        while True:
            try:
                time.sleep(60)
                slept += 1
            except Exception:  # noqa: S112 - as a step may
                continue
    assert ended.hung
    assert slept == 0
