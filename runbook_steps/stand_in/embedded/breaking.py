"""The process that holds a fault for practice: breaks it on a kept target, waits, heals it.

`python -m runbook_steps.stand_in.embedded.breaking TARGET FAULT --tell-fd FD`

The target's keeper watches it: when it is killed, the keeper makes everything anew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from runbook_steps.engine.errors import RunbookError, TargetError
from runbook_steps.engine.guided.practice import Practice, arguments_of, named_fault, practice_faults
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.settings import find_root
from runbook_steps.stand_in.embedded.target import EmbeddedTarget
from runbook_steps.stand_in.embedded.wire import ask

__all__ = ["main"]


class _Borrowed(EmbeddedTarget):
    """A kept target that outlives this process."""

    def close(self) -> None:
        """It is not ours to end."""


_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop(number: int, frame: FrameType | None) -> None:
    """Once: nothing interrupts the healing."""
    del number, frame
    for each in _ENDS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _break(name: str, words: str, tell_fd: int) -> int:
    """The exit code: 0 when it was broken, and healed in the end."""
    root = find_root(Path.cwd())
    fault = named_fault(practice_faults(load_project(root)), words)
    target = _Borrowed.attach(name)
    socket = target.layout.control_socket
    ask(socket, "hold", pid=os.getpid(), fault=fault.name)

    def hold(seen: list[str]) -> None:
        os.write(tell_fd, json.dumps({"seen": seen}).encode() + b"\n")  # raises when nobody listens: then it is healed
        os.close(tell_fd)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()

    practice = Practice(fault, target, hold)
    pytest.main(arguments_of(fault, str(root), str(target.layout.directory / "practice")), plugins=[practice])
    ask(socket, "reset" if practice.left else "healed")
    if practice.problem:
        with contextlib.suppress(OSError):
            os.write(tell_fd, json.dumps({"problem": practice.problem}).encode() + b"\n")
    return 1 if practice.problem else 0


def main() -> int:
    """Breaks, holds and heals."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("fault")
    parser.add_argument("--tell-fd", type=int, required=True)
    said = parser.parse_args()
    for number in _ENDS:
        signal.signal(number, _stop)
    try:
        return _break(said.target, said.fault, said.tell_fd)
    except (RunbookError, KeyboardInterrupt) as error:
        problem = str(error) or "stopped before it was broken"
        code = 4 if isinstance(error, TargetError) else 1
        with contextlib.suppress(OSError):
            os.write(said.tell_fd, json.dumps({"problem": problem, "code": code}).encode() + b"\n")
        return code


if __name__ == "__main__":
    sys.exit(main())
