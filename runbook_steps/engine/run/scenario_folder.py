"""Private folders in which the commands of a scenario run. What a killed run left is removed by the next."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

__all__ = ["scenario_folder", "sweep"]


@contextlib.contextmanager
def scenario_folder(base: Path, run: str) -> Iterator[Path]:
    """A new empty folder below `base/run`, readable by its owner alone, removed with all it holds."""
    parent = base / run
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix="scenario-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            parent.rmdir()  # refused as long as another worker of the run is in it


def sweep(base: Path) -> tuple[str, ...]:
    """Removes the folders of runs whose process is gone, and names those runs.

    A run is named `<time>-<process id>-<random>`. A process id used again keeps its folder until it ends.
    """
    swept = []
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        _, _, rest = folder.name.partition("-")
        owner = rest.partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
            swept.append(folder.name)
    return tuple(swept)
