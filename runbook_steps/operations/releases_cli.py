"""`beautycort releases list|record`."""

from __future__ import annotations

import getpass
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.releases import Releases, plain_version
from runbook_steps.operations.rollback_slots import Slot
from runbook_steps.operations.settings import required
from runbook_steps.operations.spans import seconds

__all__ = ["register"]

PAUSE_S = 0.5


def register(app: typer.Typer) -> None:
    """Adds `releases` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="What was deployed when, and by whom. Examples: `releases list`, `releases record 1.2.0 --commit abc`, "
        "`releases wait 1.2.0`.",
    )
    group.command("list")(list_releases)
    group.command("record")(record)
    group.command("wait")(wait)
    app.add_typer(group, name="releases")


def list_releases(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """List the deployments, the newest first, and what `current` is. Only reads."""
    releases = Releases.from_environ(os.environ)
    current, rows = releases.current(), releases.deployed()
    if format is Format.JSON:
        typer.echo(json.dumps({"current": current, "releases": [asdict(row) for row in rows]}, indent=1))
        return
    typer.echo(f"current: {current}")
    for row in rows:
        typer.echo(f"{row.time}  {row.version:<12}{row.commit[:12]:<14}{row.by}")


def record(
    version: Annotated[str, typer.Argument(help="the version that was deployed, like 1.2.0")],
    commit: Annotated[str, typer.Option(help="the commit that it was built from")] = "",
    by: Annotated[str, typer.Option(help="who deployed; the user, if not given")] = "",
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Record a deployment, so that a rollback knows the way. Recording the newest again changes nothing."""
    env_file = os.environ.get("API_ENV_FILE")
    release = Releases.from_environ(os.environ).record(
        version, commit, by or _user(), Path(env_file) if env_file else None
    )
    if format is Format.JSON:
        typer.echo(json.dumps(asdict(release)))
    else:
        typer.echo(f"recorded {release.version}, deployed {release.time} by {release.by}")


def wait(
    version: Annotated[str, typer.Argument(help="the version that every slot shall run")],
    within: Annotated[str, typer.Option(help="how long to wait at most")] = "10m",
) -> None:
    """Wait until every slot is healthy and runs the version. Only reads. Exit 1 at the deadline, with what runs."""
    wanted, limit = plain_version(version), seconds(within, "--within")
    urls = required(os.environ, "API_SLOTS")["API_SLOTS"].split()
    slots = [Slot(number, url.rstrip("/")) for number, url in enumerate(urls, start=1)]
    end = time.monotonic() + limit
    while True:
        found = {f"api_{slot.number}": slot.version() or "does not answer" for slot in slots}
        if set(found.values()) == {wanted} and all(slot.healthy() for slot in slots):
            typer.echo(f"{wanted} runs, healthy, on {', '.join(found)}")
            return
        if time.monotonic() > end:
            said = ", ".join(f"{slot}: {said}" for slot, said in found.items())
            raise OperationError(f"not every slot is healthy on {wanted} after {within}; {said}")
        time.sleep(min(PAUSE_S, limit / 20))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return f"uid {os.getuid()}"
