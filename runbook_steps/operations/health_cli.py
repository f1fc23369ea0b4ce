"""`beautycort health-checks health|smoke|all`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.health_checks import run_health_checks
from runbook_steps.operations.health_report import health_document
from runbook_steps.operations.health_settings import HealthSettings
from runbook_steps.operations.smoke_report import SmokeTest, smoke_document
from runbook_steps.operations.smoke_tests import run_smoke_tests

__all__ = ["register"]


ToFile = Annotated[Path | None, typer.Option("--output", help="write the report to this file, as JSON")]
_SIGNS = {"healthy": "✓", "passed": "✓", "degraded": "!", "skipped": "-", "unhealthy": "✗", "failed": "✗",
          "not configured": "-"}  # fmt: skip
_WORDS = {"notConfigured": "not configured"}
_COLOURS = {
    "✓": typer.colors.GREEN,
    "!": typer.colors.YELLOW,
    "-": typer.colors.YELLOW,
    "✗": typer.colors.RED,
}


def register(app: typer.Typer) -> None:
    """Adds `health-checks` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Is the platform healthy? Examples: `health-checks health`, `health-checks all --format json`.",
    )
    group.command("health")(health)
    group.command("smoke")(smoke)
    group.command("all")(everything)
    app.add_typer(group, name="health-checks")


def health(format: AsFormat = Format.CONSOLE, output: ToFile = None) -> None:  # noqa: A002 - the option's name
    """Run the ten health checks. Only reads. Exit 0 when healthy, 1 when not."""
    report = _health()
    _write(report, format, output)
    raise typer.Exit(0 if report["status"] == "healthy" else 1)


def smoke(format: AsFormat = Format.CONSOLE, output: ToFile = None) -> None:  # noqa: A002 - the option's name
    """Run the twelve smoke tests as a test customer, who books, pays and cancels. Exit 0 when all passed."""
    report = _smoke(quiet=format is Format.JSON)
    _write(report, format, output)
    raise typer.Exit(0 if report["status"] == "passed" else 1)


def everything(format: AsFormat = Format.CONSOLE, output: ToFile = None) -> None:  # noqa: A002 - as above
    """Run health checks and smoke tests. Exit 0 only when healthy and passed."""
    report = {"health": _health(), "smoke": _smoke(quiet=format is Format.JSON)}
    _write(report, format, output)
    good = report["health"]["status"] == "healthy" and report["smoke"]["status"] == "passed"
    raise typer.Exit(0 if good else 1)


def _health() -> dict[str, Any]:
    return health_document(asyncio.run(run_health_checks(HealthSettings.from_environ(os.environ))))


def _smoke(*, quiet: bool) -> dict[str, Any]:
    settings = HealthSettings.from_environ(os.environ)

    def tell(test: SmokeTest) -> None:
        if not quiet and sys.stderr.isatty():
            typer.echo(f"  {_SIGNS[test.status]} {test.name}", err=True)

    return smoke_document(asyncio.run(run_smoke_tests(os.environ, settings.tls(), tell)))


def _write(report: Mapping[str, Any], form: Format, output: Path | None) -> None:
    text = json.dumps(report, ensure_ascii=False, indent=2)
    if output is not None:
        try:
            output.write_text(text + "\n", "utf-8")
        except OSError as error:
            raise ConfigurationError(f"cannot write {output}: {error.strerror}") from error
    if form is Format.JSON:
        typer.echo(text)
    else:
        for part in [report[key] for key in ("health", "smoke") if key in report] or [report]:
            _console(part)


def _console(report: Mapping[str, Any]) -> None:
    rows = report.get("checks") or report.get("tests") or []
    for row in rows:
        sign = _SIGNS[row["status"]]
        name, took = row.get("name") or row["testName"], row.get("responseTime", row.get("duration", 0))
        line = f"{sign} {row['status']:<15}{name:<24}{took:>8.0f} ms"
        _echo(f"{line}  {row.get('error', '')}".rstrip(), _COLOURS[sign])
    counts = [(count, _WORDS.get(word, word)) for word, count in report["summary"].items() if word != "total"]
    summary = ", ".join(f"{count} {word}" for count, word in counts if count)
    good = report["status"] in {"healthy", "passed"}
    _echo(f"{report['status'].upper()}: {summary}", _COLOURS["✓" if good else "✗"])
    if not good:
        typer.echo("next: the runbook of the first part that is not well, from the top of the list")


def _echo(text: str, colour: str) -> None:
    plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    typer.echo(text if plain else typer.style(text, fg=colour))
