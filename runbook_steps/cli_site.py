"""`runbooks build` and `runbooks serve`: the site, and its preview while it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.project import find_root

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(build)


def build(
    site_dir: Annotated[
        Path | None, typer.Option(help="the folder of the site; `site` of the project if left out")
    ] = None,
) -> None:
    """Build the site; a build that fails leaves the one before as it was. `runbooks build --site-dir /srv/www`."""
    from runbook_steps.site_build import build_site  # noqa: PLC0415 - only this command needs it

    root = find_root(Path.cwd())
    raise typer.Exit(build_site(root, (site_dir or root / "site").resolve()))
