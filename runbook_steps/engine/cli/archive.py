"""`runbooks archive`: the whole site in one file, for the day the network is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(archive)


def archive(
    site: Annotated[Path, typer.Argument(help="the folder of the built site")] = Path("site"),
    folder: Annotated[Path | None, typer.Option(help="also write its files here, to open them right away")] = None,
) -> None:
    """Pack a built site into SITE/site.zip; it works from a disk, search too. `runbooks archive site`."""
    from runbook_steps.engine.site.build.archive import ARCHIVE, write_archive  # noqa: PLC0415 - only when asked

    count = write_archive(site, site / ARCHIVE, folder)
    size = (site / ARCHIVE).stat().st_size / 1e6
    typer.echo(f"{site / ARCHIVE}: {count} files, {size:.1f} MB", err=True)
