"""`runbooks build`, `serve`, `archive` and `links`: the site, its preview, the site in one file, and its links."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.settings import find_root
from runbook_steps.engine.text.terminal import printable

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(build)
    app.command()(serve)
    app.command()(archive)
    app.command()(links)


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


def archive(
    site: Annotated[Path, typer.Argument(help="the folder of the built site")] = Path("site"),
    folder: Annotated[Path | None, typer.Option(help="also write its files here, to open them right away")] = None,
) -> None:
    """Pack a built site into SITE/site.zip; it works from a disk, search too. `runbooks archive site`."""
    from runbook_steps.engine.site.build.archive import ARCHIVE, write_archive  # noqa: PLC0415 - only when asked

    count = write_archive(site, site / ARCHIVE, folder)
    size = (site / ARCHIVE).stat().st_size / 1e6
    typer.echo(f"{site / ARCHIVE}: {count} files, {size:.1f} MB", err=True)


def links(
    site: Annotated[Path, typer.Argument(help="the folder of the built site")] = Path("site"),
    fetch: Annotated[bool, typer.Option("--fetch", help="also ask every external address")] = False,
) -> None:
    """List the external links of a built site; exit 1 when any link is broken."""
    from runbook_steps.engine.site.build.links import broken_links, read_site, unreachable  # noqa: PLC0415

    found = read_site(site)
    bad = list(broken_links(found))
    external = found.external()
    for url in external:
        typer.echo(printable(url))
    if fetch:
        from runbook_steps.engine.site.build.outside import answers  # noqa: PLC0415 - only when something is fetched

        bad += unreachable(external, answers)
    typer.echo(f"{sum(map(len, found.links.values()))} links, {len(external)} external addresses", err=True)
    _tell([str(problem) for problem in bad])


def _tell(problems: list[str]) -> None:
    for problem in problems:
        typer.echo(printable(problem), err=True)
    typer.echo(f"{len(problems)} problems" if problems else "no problems", err=True)
    raise typer.Exit(1 if problems else 0)
