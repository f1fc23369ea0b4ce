"""Commands that destroy ask on the terminal; what was pasted along with them is no answer."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

BEAUTYCORT = str(Path(sys.executable).with_name("beautycort"))
LIMIT_S = 60.0
Dialogue = Callable[[bytes, bytes], tuple[int, str]]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The API's settings."""
    file = tmp_path / "api.env"
    file.write_text("JWT_SECRET=old\n", "utf-8")
    return file


@pytest.fixture
def dialogue(settings: Path) -> Dialogue:
    """Rotates the secret on a terminal: bytes typed before the question, bytes typed after it → exit code, screen."""

    def run(before: bytes, after: bytes) -> tuple[int, str]:
        mine, its = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "API_ENV_FILE": str(settings), "RUNBOOKS_TARGET": "staging"}
        os.write(mine, before)
        with subprocess.Popen(
            [BEAUTYCORT, "secrets", "rotate", "JWT_SECRET"], stdin=its, stdout=its, stderr=its, env=environment
        ) as asked:
            os.close(its)
            screen, answered, end = "", False, time.monotonic() + LIMIT_S
            while time.monotonic() < end:
                if select.select([mine], [], [], 0.1)[0]:
                    try:
                        screen += os.read(mine, 4096).decode(errors="replace")
                    except OSError:
                        break
                if "Type the name" in screen and not answered:
                    os.write(mine, after)
                    answered = True
                if asked.poll() is not None and not select.select([mine], [], [], 0)[0]:
                    break
            code = asked.wait(timeout=LIMIT_S)
        os.close(mine)
        return code, screen

    return run


def test_the_typed_name_of_the_target_goes_on(dialogue: Dialogue, settings: Path) -> None:
    """It is asked for with what is replaced."""
    code, screen = dialogue(b"", b"staging\n")
    assert "this replaces JWT_SECRET on staging." in screen
    assert (code, "JWT_SECRET=old" in settings.read_text("utf-8")) == (0, False)


@pytest.mark.parametrize(("before", "after"), [(b"", b"\n"), (b"", b"production\n"), (b"staging\n", b"\n")])
def test_anything_else_changes_nothing(dialogue: Dialogue, settings: Path, before: bytes, after: bytes) -> None:
    """Nothing, another target, and the right name that was pasted before the question."""
    code, screen = dialogue(before, after)
    assert (code, "nothing was done" in screen) == (3, True)
    assert settings.read_text("utf-8") == "JWT_SECRET=old\n"
