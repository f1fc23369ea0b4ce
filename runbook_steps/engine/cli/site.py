"""`runbooks build` and `runbooks serve`: the site, and its preview while it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.project.project import find_root

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(build)
    app.command()(serve)


def build(
    site_dir: Annotated[
        Path | None, typer.Option(help="the folder of the site; `site` of the project if left out")
    ] = None,
) -> None:
    """Build the site; a build that fails leaves the one before as it was. `runbooks build --site-dir /srv/www`."""
    from runbook_steps.engine.site.build.build import build_site  # noqa: PLC0415 - only this command needs it

    root = find_root(Path.cwd())
    raise typer.Exit(build_site(root, (site_dir or root / "site").resolve()))


def serve(
    address: Annotated[str, typer.Option(help="host and port")] = "127.0.0.1:8000",
) -> None:
    """Preview the site while it is written; a save shows within a second. `runbooks serve --address 127.0.0.1:8001`.

    A mistake is shown in the page and here, with file and line; the preview goes on.
    """
    from runbook_steps.engine.site.build.preview import serve_preview  # noqa: PLC0415 - only this command needs it

    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()):
        raise ConfigurationError(f"--address must be host:port, like 127.0.0.1:8000, not “{address}”")
    serve_preview(find_root(Path.cwd()), host, int(port))
