"""The exporters as units of a service manager: what a page's `systemctl` reads of them and asks for, in one folder.

A unit is a file with the process id, empty when it does not run; `UNIT.restart` beside it asks to start it anew,
and is gone when that was done.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["UNITS_VARIABLE", "Units", "pid_of", "restart", "units_in"]

UNITS_VARIABLE = "EXPORTER_UNITS"
"""Tells the commands of a drill where the folder is."""
_ASKED = ".restart"
_BETWEEN_S = 0.1
_LIMIT_S = 30.0


class Units:
    """Serves the folder. `units` name → what gives its process id; `again` starts one anew, by its name."""

    def __init__(
        self, folder: Path, units: Mapping[str, Callable[[], int | None]], again: Callable[[str], None]
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self._units = units
        self._again = again
        self._over = threading.Event()
        self._server = threading.Thread(target=self._serve, name="exporter-units", daemon=True)
        self._write()
        self._server.start()

    def close(self) -> None:
        """Ends it; idempotent."""
        self._over.set()
        self._server.join()

    def _serve(self) -> None:
        while not self._over.wait(_BETWEEN_S):
            for unit in self._units:
                asked = self.folder / f"{unit}{_ASKED}"
                if asked.exists():
                    self._again(unit)
                    self._write()
                    asked.unlink()
            self._write()

    def _write(self) -> None:
        for unit, pid in self._units.items():
            made = self.folder / f"{unit}.new"
            made.write_text(str(pid() or ""), "utf-8")
            made.rename(self.folder / unit)


def units_in(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of the drill that a command belongs to; None where nobody watches."""
    named = environ.get(UNITS_VARIABLE)
    return Path(named) if named else None


def pid_of(folder: Path, unit: str) -> int | None:
    """Its process id, None when it does not run. Raises FileNotFoundError for a unit that is none."""
    return int((folder / unit).read_text("utf-8") or 0) or None


def restart(folder: Path, unit: str) -> None:
    """Returns when it was started anew. Raises TimeoutError when nobody does that."""
    asked, end = folder / f"{unit}{_ASKED}", time.monotonic() + _LIMIT_S
    asked.touch()
    while asked.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{unit} was not started within {_LIMIT_S:g} s")
        time.sleep(_BETWEEN_S)
