"""Starts the workers that try the variants, and starts fresh ones where a target was left unfit.

A worker is pytest in a process of its own with a target of its own; what it found is in the notebook.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.mutation.notebook import Ask, Notebook, Told

__all__ = ["Work", "try_variants"]

_LOOK_S = 0.3
_GRACE_S = 90.0  # a worker ends by itself behind the variant that it is at


@dataclass(frozen=True)
class Work:
    """What is to be tried, of which project, on which target, in a folder of its own."""

    root: Path
    target: str
    features: tuple[str, ...]
    ask: Ask
    folder: Path
    workers: int = 1


def try_variants(work: Work, on_finished: Callable[[str, Told], None] = lambda *_: None) -> Mapping[str, Told]:
    """Id → what was found; an id that is not there, or not `finished`, was not reached in time.

    `on_finished` is told each scenario as it is done, once.
    """
    notebook = Notebook(work.folder)
    notebook.ask(work.ask)
    running: list[subprocess.Popen[bytes]] = []
    seen: set[str] = set()
    try:
        while True:
            told = _with_hopeless(notebook, work)
            for key in work.ask.ids:
                if told.get(key, Told()).finished and key not in seen:
                    seen.add(key)
                    on_finished(key, told[key])
            running = [each for each in running if not _ended(each, notebook)]
            left = len(work.ask.ids) - len(seen)
            late = time.time() > work.ask.deadline
            if not left or (late and not running) or time.time() > work.ask.deadline + _GRACE_S:
                return told
            if not late and len(running) < min(work.workers, left):
                running.append(_start(work))
            time.sleep(_LOOK_S)
    finally:
        for each in running:
            each.terminate()
        for each in running:
            each.wait()


def _with_hopeless(notebook: Notebook, work: Work) -> dict[str, Told]:
    """What is told; what was begun again and again without a result is told as such."""
    told = notebook.told()
    for key in work.ask.ids:
        if (each := told.get(key, Told())).hopeless and not each.finished:
            notebook.tell(key, "problem", problem=f"it was begun {each.starts} times and never came to its end")
    return notebook.told()


def _ended(worker: subprocess.Popen[bytes], notebook: Notebook) -> bool:
    if worker.poll() is None:
        return False
    notebook.give_back_all_of(worker.pid)
    return True


def _start(work: Work) -> subprocess.Popen[bytes]:
    folder = work.folder
    command = [
        sys.executable,
        "-m",
        "pytest",
        *work.features,
        "--rootdir",
        str(work.root),
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    command += ["--target", work.target, "--variants", str(folder)]
    command += ["--evidence-dir", str(folder / "evidence"), "--journal-dir", str(folder / "journal")]
    with (folder / "workers.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=work.root,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
