"""`beautycort host cpu|memory|disk`: what is used up, and by what."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations import host
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.spans import seconds as seconds_of

__all__ = ["register"]

_SHOWN = 10
_TIMES = 5  # that growth is measured
_MIB = 1024 * 1024
Matching = Annotated[str, typer.Option("--matching", help="only processes with this in their command")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.1, max=60, help="how long to measure")]


def register(app: typer.Typer) -> None:
    """Adds `host` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Look at this host. Examples: `host cpu`, `host memory`, `host growth`, `host disk /var/log`.",
    )
    group.command("cpu")(cpu)
    group.command("memory")(memory)
    group.command("growth")(growth)
    group.command("disk")(disk)
    group.command("suspect")(suspect)
    app.add_typer(group, name="host")


def cpu(
    seconds: Seconds = 1.0,
    matching: Matching = "",
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Name the processes that take the processor, measured now, not since they began. Only reads. Exit 1 above 80 %."""
    psutil.cpu_percent()
    found = sorted(_only(host.measure(seconds), matching), key=lambda process: -process.cpu_percent)[:_SHOWN]
    busy = psutil.cpu_percent()
    cores, load = os.cpu_count() or 1, os.getloadavg()
    document = {
        "busyPercent": busy,
        "cores": cores,
        "load": [round(value, 2) for value in load],
        "processes": [asdict(process) for process in found],
    }
    lines = [f"{busy:.0f} % busy, {cores} cores, load {load[0]:.2f} {load[1]:.2f} {load[2]:.2f} (1, 5, 15 minutes)"]
    lines += [f"{process.cpu_percent:7.1f} %  {process.pid:>8}  {process.command}" for process in found]
    _tell(format, document, lines)
    raise typer.Exit(1 if busy > host.CPU_LIMIT_PERCENT else 0)


def memory(
    seconds: Seconds = 1.0,
    matching: Matching = "",
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Name the processes that hold most memory, and those that grow. Only reads. Exit 1 above 85 %."""
    processes = _only(host.measure(seconds), matching)
    biggest = sorted(processes, key=lambda process: -process.memory)[:_SHOWN]
    growing = sorted((p for p in processes if p.growth > 0), key=lambda process: -process.growth)[:_SHOWN]
    now, kills = psutil.virtual_memory(), host.oom_kills()
    document = {
        "usedPercent": now.percent,
        "available": now.available,
        "total": now.total,
        "oomKills": kills,
        "biggest": [asdict(process) for process in biggest],
        "growing": [asdict(process) for process in growing],
    }
    lines = [f"{now.percent:.0f} % used, {now.available // _MIB} of {now.total // _MIB} MiB available"]
    lines += [f"{kills} processes killed for want of memory since the host started"] if kills else []
    lines += ["biggest:", *(f"{p.memory // _MIB:7} MiB  {p.pid:>8}  {p.command}" for p in biggest)]
    lines += (
        ["growing:", *(f"{p.growth / _MIB:7.1f} MiB/s {p.pid:>7}  {p.command}" for p in growing)] if growing else []
    )
    _tell(format, document, lines)
    raise typer.Exit(1 if now.percent > host.MEMORY_LIMIT_PERCENT else 0)


def growth(
    minutes: Annotated[int, typer.Option(min=1, max=60, help="how long")] = 10,
    minute: Annotated[str, typer.Option(help="how long a minute is", envvar="HOST_MINUTE", hidden=True)] = "60s",
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Name the processes that grow each of the five times that they are measured: leaks. Only reads."""
    found = host.growing(seconds_of(minute, "--minute") * minutes / _TIMES, _TIMES)[:_SHOWN]
    lines = [f"{p.growth * 60 / _MIB:7.1f} MiB/min  {p.memory // _MIB:7} MiB  {p.pid:>8}  {p.command}" for p in found]
    _tell(format, {"growing": [asdict(process) for process in found]}, lines or ["nothing grew each time"])


def suspect(
    word: Annotated[str, typer.Argument(help="a part of its command, as `host cpu` shows it")],
    seconds: Seconds = 1.0,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Name the one process that is meant, or refuse: none, several, or one that the platform lives on. Only reads."""
    found = host.suspect(host.measure(seconds), word)
    line = f"{found.pid:>8}  {found.cpu_percent:.1f} %  {found.memory // _MIB} MiB  {found.command}"
    _tell(format, asdict(found), [line])


def disk(
    path: Annotated[Path, typer.Argument(help="a file or folder on the file system to look at")] = Path("/"),
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Tell how full a file system is, its biggest files, deleted ones still open. Only reads. Exit 1 from 90 % on."""
    try:
        found, files, held = host.disk_of(path), host.biggest_files(path, _SHOWN), host.held_files(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    document = {
        **asdict(found),
        "biggest": [{"size": size, "file": file} for size, file in files],
        "held": [asdict(file) for file in held],
    }
    space = f"{found.used_percent:.0f} % used of {found.size // _MIB} MiB, {found.free // _MIB} MiB free"
    lines = [
        f"{space}, {found.inodes_percent:.0f} % of the inodes",
        "biggest:",
        *(f"{size // 1024:9} KiB  {file}" for size, file in files),
    ]
    if held:
        lines += ["deleted, but held open:", *(f"{f.size // 1024:9} KiB  {f.handle}  {f.command}" for f in held)]
    _tell(format, document, lines)
    full = max(found.used_percent, found.inodes_percent) >= host.DISK_LIMIT_PERCENT
    raise typer.Exit(1 if full else 0)


def _only(processes: tuple[host.Process, ...], matching: str) -> list[host.Process]:
    return [process for process in processes if matching in process.command]


def _tell(format: Format, document: dict[str, Any], lines: list[str]) -> None:  # noqa: A002 - the option's name
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False) if format is Format.JSON else "\n".join(lines))
