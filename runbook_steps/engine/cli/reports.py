"""`runbooks coverage` and `runbooks links`: what became of version 1.0, and whether every link leads somewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import SourceError
from runbook_steps.engine.project.project import Project, find_root, load_project
from runbook_steps.engine.run.failure_story import plain
from runbook_steps.engine.settings import load_settings

__all__ = ["data_problems", "drift_of", "register", "remake_coverage", "without_undo"]

FETCH_DEADLINE_S = 10.0


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(coverage)
    app.command()(links)


def coverage(
    write: Annotated[bool, typer.Option("--write", help="make docs/about/coverage.md anew")] = False,
) -> None:
    """Check that nothing of version 1.0 is lost; exit 1 when something is, or the page is not up to date."""
    root = find_root(Path.cwd())
    if write:
        remake_coverage(root)
    _tell([str(problem) for problem in data_problems(load_project(root))])


def remake_coverage(root: Path) -> set[str]:
    """Makes the page anew from its data, and gives its path; nothing in a project that has no such data."""
    from runbook_steps.version_1.coverage import COVERAGE_PAGE, DOCUMENT, coverage_page, load_coverage  # noqa: PLC0415

    if not (root / DOCUMENT).is_file():
        return set()
    (root / COVERAGE_PAGE).write_text(coverage_page(load_project(root), load_coverage(root)), encoding="utf-8")
    return {COVERAGE_PAGE}


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
        typer.echo(plain(url))
    if fetch:
        bad += unreachable(external, _ask)
    typer.echo(f"{sum(map(len, found.links.values()))} links, {len(external)} external addresses", err=True)
    _tell([str(problem) for problem in bad])


def data_problems(project: Project, *, page: bool = True) -> list[SourceError]:
    """What is wrong with the data about version 1.0, and (with `page`) whether the page made of it is up to date.

    A project without that data has nothing to check.
    """
    from runbook_steps.engine.errors import PageError, Position  # noqa: PLC0415
    from runbook_steps.version_1 import corrections, coverage  # noqa: PLC0415 - only the check needs them

    if not (project.root / coverage.DOCUMENT).is_file():
        return []
    try:
        known = coverage.load_coverage(project.root)
        found = list(coverage.coverage_problems(project, known))
        found += corrections.correction_problems(project, corrections.load_corrections(project.root), known.pending)
    except SourceError as error:
        return [error]
    written = project.root / coverage.COVERAGE_PAGE
    made = coverage.coverage_page(project, known)
    if page and (not written.is_file() or written.read_text("utf-8") != made):
        at = Position(coverage.COVERAGE_PAGE, 1)
        found.append(PageError(at, "is not what its data says; make it with `runbooks coverage --write`"))
    return found


def drift_of(project: Project, target: str) -> list[SourceError]:
    """What comes apart, in order of file and line; `target` is the one whose tools the commands need.

    Raises ConfigurationError for a target that is not known.
    """
    from runbook_steps.engine.checks import drift  # noqa: PLC0415 - only `runbooks check --drift` needs it
    from runbook_steps.engine.checks.thresholds import threshold_drift  # noqa: PLC0415
    from runbook_steps.engine.sources.python_steps import load_catalog  # noqa: PLC0415
    from runbook_steps.engine.targets.by_name import make_target  # noqa: PLC0415

    tools = make_target(target, load_settings(project.root), None).facts.tools
    settings = project.root / drift.SETTINGS
    registered = drift.registered_alerts(settings.read_text("utf-8") if settings.is_file() else "")
    found = [
        *drift.step_drift(project, load_catalog(project.root)),
        *drift.alert_drift(project, registered),
        *drift.tool_drift(project, target, tools),
        *drift.mention_drift(project),
        *threshold_drift(project),
    ]
    return sorted(found, key=lambda problem: (problem.position.path, problem.position.line))


def without_undo(project: Project) -> list[SourceError]:
    """The changes that nothing takes back, each with its place; none of them breaks a rule."""
    from runbook_steps.engine.errors import FeatureError  # noqa: PLC0415 - only the check needs them
    from runbook_steps.engine.site.blocks.no_undo import points_of_no_return  # noqa: PLC0415

    return [FeatureError(p.position, f"{p.name} ({p.risk})") for _, p in points_of_no_return(project.runbooks)]


def _ask(url: str) -> str:
    import httpx  # noqa: PLC0415 - only when something is fetched

    try:
        code = httpx.get(url, timeout=FETCH_DEADLINE_S, follow_redirects=True).status_code
    except httpx.HTTPError as error:
        return f"does not answer: {type(error).__name__}"
    # a page behind a sign-in is there
    return "" if code < httpx.codes.BAD_REQUEST or code in {401, 403, 405, 429} else f"answers {code}"


def _tell(problems: list[str]) -> None:
    for problem in problems:
        typer.echo(plain(problem), err=True)
    typer.echo(f"{len(problems)} problems" if problems else "no problems", err=True)
    raise typer.Exit(1 if problems else 0)
