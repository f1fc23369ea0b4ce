"""`systemctl status|start|stop|restart|reload|is-active UNIT…` on the supervised services of the run.

An exporter that watches the run is a unit too: it can be read and started anew.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from runbook_steps.stand_in.embedded.control import EmbeddedControl
from runbook_steps.stand_in.embedded.shims.common import err, out, own_control, run
from runbook_steps.stand_in.monitoring.units import pid_of, restart, units_in

__all__ = ["main"]

UNITS: Mapping[str, str] = {
    "nginx": "nginx",
    "redis": "redis",
    "redis-server": "redis",
    "valkey": "redis",
    "postgresql": "postgres",
}
_INACTIVE = 3  # systemctl's own exit codes, from LSB
_NO_SUCH_UNIT = 4
_USAGE = 1


def main(arguments: list[str]) -> int:
    """Gives the exit code that systemctl gives."""
    words = [word for word in arguments if not word.startswith("-")]
    quiet = any(word in ("-q", "--quiet") for word in arguments)
    verbs: dict[str, Callable[[EmbeddedControl, str, bool], int]] = {
        "status": _status,
        "is-active": _is_active,
        "start": lambda control, service, _: _do(control.start, service),
        "stop": lambda control, service, _: _do(control.stop, service),
        "restart": lambda control, service, _: _do(control.restart, service),
        "reload": lambda control, service, _: _reload(control, service),
    }
    if len(words) < 2 or words[0] not in verbs:  # noqa: PLR2004 - a verb and a unit
        err(f"systemctl (shim of the embedded target): use {'|'.join(verbs)} UNIT")
        return _USAGE
    control, worst, watching = own_control(), 0, units_in()
    for unit in (word.removesuffix(".service") for word in words[1:]):
        service = UNITS.get(unit)
        if service is None and watching is not None and (watching / unit).is_file():
            worst = max(worst, _exporter(watching, words[0], unit))
            continue
        if service is None:
            err(f"Unit {unit} could not be found; the embedded target has {', '.join(UNITS)}.")
            worst = max(worst, _NO_SUCH_UNIT)
            continue
        worst = max(worst, verbs[words[0]](control, service, quiet))
    return worst


def _exporter(folder: Path, verb: str, unit: str) -> int:
    if verb in ("start", "restart"):
        restart(folder, unit)
        return 0
    if verb != "status":
        err(f"systemctl (shim of the embedded target): of {unit} use status|start|restart")
        return _USAGE
    return _told(unit, pid_of(folder, unit))


def _do(change: Callable[[str], None], service: str) -> int:
    change(service)
    return 0


def _status(control: EmbeddedControl, service: str, _quiet: bool) -> int:
    return _told(service, control.pid(service))


def _told(unit: str, pid: int | None) -> int:
    out(f"● {unit}.service - {unit} of the embedded target")
    if pid is None:
        out("     Active: inactive (dead)")
        return _INACTIVE
    out(f"     Active: active (running)\n   Main PID: {pid}")
    return 0


def _is_active(control: EmbeddedControl, service: str, quiet: bool) -> int:
    active = control.pid(service) is not None
    if not quiet:
        out("active" if active else "inactive")
    return 0 if active else _INACTIVE


def _reload(control: EmbeddedControl, service: str) -> int:
    pid = control.pid(service)
    if pid is None:
        err(f"{service}.service is not active, cannot reload.")
        return 1
    os.kill(pid, signal.SIGHUP)
    return 0


if __name__ == "__main__":
    run("systemctl", main)
