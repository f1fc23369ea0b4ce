"""What the lock does not ask about, because the kernel has decided it, and what it does not load before a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runbook_steps.engine.guards.kernel import lockdown
from tests.gate import NEEDS_LOCK
from tests.unit.guards.kernel.test_lockdown import Done, locked

pytestmark = NEEDS_LOCK
ROOT = Path(lockdown.__file__).parents[4]


@pytest.mark.parametrize("flags", ["os.O_DIRECTORY", "os.O_DIRECTORY | os.O_NONBLOCK", "os.O_DIRECTORY | os.O_PATH"])
def test_a_pipe_that_is_opened_as_a_folder_is_not_drained(tmp_path: Path, flags: str) -> None:
    """Nobody looks at it: the kernel opens folders alone by that flag."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(held, b"for you")
        program = f"try:\n    os.read(os.open({str(pipe)!r}, {flags}), 9)\nexcept OSError as e:\n    print(e.errno)"
        assert locked(tmp_path, program) == Done("20", [])  # ENOTDIR
        assert os.read(held, 20) == b"for you"
    finally:
        os.close(held)


@pytest.mark.parametrize("flags", ["os.O_TMPFILE | os.O_RDWR", "os.O_TMPFILE | os.O_WRONLY | os.O_EXCL"])
def test_a_file_without_a_name_is_not_made_in_a_folder_of_others(tmp_path: Path, flags: str) -> None:
    """It is asked for with the flag of a folder as well."""
    others = tmp_path / "others"
    others.mkdir()
    program = f"try:\n    os.open({str(others)!r}, {flags})\nexcept OSError as e:\n    print(e.errno)"
    assert locked(tmp_path, program) == Done("13", [f"opening {others} for writing"])


def test_a_folder_is_listed_and_a_lease_on_it_is_refused(tmp_path: Path) -> None:
    """Its descriptor is looked at like any other."""
    others = tmp_path / "others"
    (others / "in it").mkdir(parents=True)
    program = (
        f"d = os.open({str(others)!r}, os.O_DIRECTORY)\nprint(os.listdir(d))\n"
        "with contextlib.suppress(OSError):\n    fcntl.fcntl(d, 1026, 2); print('told')"
    )
    assert locked(tmp_path, program) == Done("['in it']", [f"being told of changes in {others}"])


def test_the_lock_loads_little() -> None:
    """It is started before every command: what takes longest to load is done without."""
    program = (
        f"import sys\nsys.path.append({str(ROOT)!r})\nbefore = set(sys.modules)\n"
        f"import {lockdown.__name__}\nprint(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    assert f"{lockdown.__name__}" in loaded
    assert not {"ast", "dataclasses", "inspect", "platform", "subprocess", "asyncio", "logging"} & {*loaded}
