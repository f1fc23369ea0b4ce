"""What the shims share: the run they belong to, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from runbook_steps.engine.errors import RunbookError, TargetError
from runbook_steps.stand_in.embedded.control import EmbeddedControl
from runbook_steps.stand_in.embedded.layout import Layout, read_layout
from runbook_steps.stand_in.embedded.wire import ask

__all__ = ["RUN_DIR", "err", "out", "own_control", "own_layout", "run"]

RUN_DIR = "RUNBOOKS_RUN_DIR"  # set by the script in the target's bin folder


def own_layout() -> Layout:
    """The run whose command this is. Raises TargetError outside of one."""
    directory = os.environ.get(RUN_DIR)
    if not directory:
        raise TargetError("this command belongs to an embedded target: use it from the target's PATH")
    return read_layout(Path(directory))


def own_control() -> EmbeddedControl:
    """Hands on the services of that run."""
    return EmbeddedControl(partial(ask, own_layout().control_socket))


def out(text: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{text}\n")


def err(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"{text}\n")


def run(name: str, main: Callable[[list[str]], int]) -> NoReturn:
    """Ends the process with what `main` gives for the arguments; errors are told in one line."""
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except RunbookError as error:
        err(f"{name}: {error}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has gone: nothing to flush at the end
        code = 141
    sys.exit(code)
