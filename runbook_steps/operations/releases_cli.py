"""`beautycort releases list|record`."""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.releases import Releases

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds `releases` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="What was deployed when, and by whom. Examples: `releases list`, `releases record 1.2.0 --commit abc`.",
    )
    group.command("list")(list_releases)
    group.command("record")(record)
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


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return f"uid {os.getuid()}"
