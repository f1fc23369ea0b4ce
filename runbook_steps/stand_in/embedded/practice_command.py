"""`runbooks target break` and `heal`: any fault by name on a kept target, for practice; never on a live one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from runbook_steps.engine.cli.options import Format, TextFormat
from runbook_steps.engine.errors import RefusedError
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.engine.text.terminal import printable
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.binaries import python
from runbook_steps.stand_in.embedded.kept import Name, ours
from runbook_steps.stand_in.embedded.wire import ask

__all__ = ["register"]

_HEAL_S = 90.0


def register(target_app: typer.Typer) -> None:
    """Adds the commands."""
    target_app.command("break")(break_it)
    target_app.command()(heal)


def break_it(
    fault: Annotated[str, typer.Argument(help="its name, or words of it; without one all are listed")] = "",
    name: Name = "embedded",
    every: Annotated[bool, typer.Option("--list", help="all faults, and the runbook that practises each")] = False,
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Break something on a target of `target up`, for practice, until `runbooks target heal`.

    `runbooks target break --list` names every fault; `runbooks target break "nginx is down"` breaks one.

    It is healed as well when what holds it is killed. Exit codes: 0 it is broken, 1 it could not be, 2 no such
    fault, 3 refused, 4 no target.
    """
    if every or not fault:
        _list(format)
        return
    _refuse_live(name)
    _break(ours(name), fault, name, format)


def heal(
    name: Name = "embedded",
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Undo what `runbooks target break` broke; what does not heal is made anew. Exit 0 when nothing is broken."""
    _heal(ours(name), name, format)


def _list(format: TextFormat) -> None:  # noqa: A002 - the option's name
    from runbook_steps.engine.guided.practice import practice_faults  # noqa: PLC0415 - reads all features
    from runbook_steps.engine.project.project import load_project  # noqa: PLC0415

    faults = practice_faults(load_project(find_root(Path.cwd())))
    if format is TextFormat.JSON:
        rows = [{"fault": each.name, "runbook": each.runbook, "scenario": each.scenario} for each in faults]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    runbook = ""
    for each in faults:
        if each.runbook != runbook:
            runbook = each.runbook
            typer.echo(printable(f"{runbook}:"))
        typer.echo(printable(f"  {each.name}"))


def _refuse_live(name: str) -> None:
    """A name that stands for a live target is never broken, whatever is up under it."""
    settings = load_settings(find_root(Path.cwd()))
    live = {*settings.entry_points.get("runbooks.targets", {}), *settings.targets} - set(settings.drills)
    if name in live:
        raise RefusedError(f"{name} is live: only a target of `runbooks target up` is broken for practice")


def _break(target: EmbeddedTarget, fault: str, name: str, format: TextFormat) -> None:  # noqa: A002
    from runbook_steps.engine.guided.practice import named_fault, practice_faults  # noqa: PLC0415 - reads all features
    from runbook_steps.engine.project.project import load_project  # noqa: PLC0415

    found = named_fault(practice_faults(load_project(find_root(Path.cwd()))), fault)
    socket = target.layout.control_socket
    if held := ask(socket, "broken"):
        raise RefusedError(f"“{held['fault']}” is broken already: `runbooks target heal{_option(name)}` first")
    told = _held(target, found.name, name)
    if problem := told.get("problem"):
        typer.echo(printable(f"error: “{found.name}” could not be broken, and is healed: {problem}"), err=True)
        raise typer.Exit(int(told.get("code", 1)))
    if format is TextFormat.JSON:
        typer.echo(
            json.dumps({"target": name, "fault": found.name, "seen": told["seen"]}, ensure_ascii=False, indent=1)
        )
        return
    typer.echo(printable(f"broken on {name}: {found.name}"))
    for each in told["seen"]:
        typer.echo(printable(f"  {each}"))
    typer.echo(
        f"  practised in {found.runbook}\n"
        f'  use it    eval "$(runbooks target env{_option(name)})"\n'
        f"  heal      runbooks target heal{_option(name)}"
    )


def _option(name: str) -> str:
    return "" if name == "embedded" else f" --name {name}"


def _held(target: EmbeddedTarget, fault: str, name: str) -> dict[str, Any]:
    """What the process that holds it says, once it is broken or could not be. It stays when this one ends."""
    reading, writing = os.pipe()
    with target.layout.service_log("practice").open("ab") as log:
        holder = subprocess.Popen(
            [python(), "-m", "runbook_steps.stand_in.embedded.breaking", name, fault, "--tell-fd", str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            start_new_session=True,
        )
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="utf-8") as told:
            line = told.readline()
    except KeyboardInterrupt:
        holder.send_signal(signal.SIGTERM)
        holder.wait()
        raise
    if not line:
        log_file = target.layout.service_log("practice")
        return {"problem": f"what holds it ended with {holder.wait()}; see {log_file}"}
    said: dict[str, Any] = json.loads(line)
    if "problem" in said:
        holder.wait()
    return said


def _heal(target: EmbeddedTarget, name: str, format: TextFormat) -> None:  # noqa: A002 - the option's name
    socket = target.layout.control_socket
    held = ask(socket, "broken")
    if held:
        with contextlib.suppress(ProcessLookupError):  # the keeper sees that as well, and makes everything anew
            os.kill(int(held["pid"]), signal.SIGTERM)
        end = time.monotonic() + _HEAL_S
        while ask(socket, "broken") and time.monotonic() < end:
            time.sleep(0.1)
        if ask(socket, "broken"):
            ask(socket, "reset")
    if format is TextFormat.JSON:
        typer.echo(json.dumps({"target": name, "healed": held["fault"] if held else None}, ensure_ascii=False))
    else:
        typer.echo(printable(f"healed on {name}: {held['fault']}" if held else f"nothing is broken on {name}"))
