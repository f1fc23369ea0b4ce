"""`beautycort validate data`."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import psycopg
import typer

from runbook_steps.operations.data_validation import Finding, validate
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.settings import Unreachable, database_url

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds `validate` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Validate the data against its integrity rules.")
    group.callback()(_group)
    group.command("data")(data)
    app.add_typer(group, name="validate")


def _group() -> None:
    """Keeps `data` a command of its own, although it is the only one."""


def data(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Ask every integrity rule. Only reads. Exit 1 when one is broken, or no row is there, 4 without a database."""
    url = database_url(os.environ)
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=5, application_name="beautycort validate"
        ) as connection:
            findings = tuple(validate(connection))
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        raise Unreachable(f"cannot reach the database: {said}; `beautycort health-checks health` tells more") from error
    typer.echo(json.dumps(report(findings), indent=1) if format is Format.JSON else table(findings))
    raise typer.Exit(0 if report(findings)["status"] == "valid" else 1)


def report(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The findings for machines."""
    broken = sum(not finding.holds for finding in findings)
    return {
        "status": "broken" if broken else "valid" if any(each.rows for each in findings) else "nothing to judge",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "rules": [_row(finding) for finding in findings],
        "summary": {"total": len(findings), "valid": len(findings) - broken, "broken": broken},
    }


def _row(finding: Finding) -> dict[str, Any]:
    row = {
        "name": finding.rule.name,
        "table": finding.rule.table,
        "rule": finding.rule.says,
        "status": "valid" if finding.holds else "broken",
        "count": finding.count,
        "samples": list(finding.samples),
        "rows": finding.rows,
    }
    return {**row, "error": finding.error} if finding.error else row


def table(findings: tuple[Finding, ...]) -> str:
    """The findings for people: a line for each rule, and what is broken with its ids."""
    width = max(len(finding.rule.name) for finding in findings)
    lines = []
    for finding in findings:
        state = "valid " if finding.holds else "BROKEN"
        none = "" if finding.rows or finding.error else " (it has no row)"
        lines.append(f"{state}  {finding.rule.name:<{width}}  {finding.rule.table}: {finding.rule.says}{none}")
        if finding.error:
            lines.append(f"        could not be asked: {finding.error}")
        elif not finding.holds:
            lines.append(f"        {finding.count} rows, for example {', '.join(finding.samples)}")
    broken = sum(not finding.holds for finding in findings)
    if not any(finding.rows for finding in findings):
        lines.append("nothing to judge: no table has a row. Is this the right database?")
    else:
        lines.append(f"{broken} of {len(findings)} rules broken" if broken else f"all {len(findings)} rules hold")
    return "\n".join(lines)
