"""The project → `runbooks.json`: every runbook with its procedures and their proof state, for machines. Pure.

The document is what `schemas/runbooks-1.schema.json` says. Times are ISO 8601 in UTC, ages in days, limits in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from runbook_steps.engine.model import Evidence, FrontMatter, Outcome, Procedure, Role, Runbook, ScenarioRecord, Step
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.proof.standing import Standing, standings, verdict
from runbook_steps.engine.sources.page_file import Page
from runbook_steps.engine.text.html_text import slug

__all__ = ["RUNBOOKS_SCHEMA", "address", "catalog", "catalog_schema", "published"]

RUNBOOKS_SCHEMA = "schemas/runbooks-1.schema.json"
"""Where a site publishes the schema, below its own address."""
"""The address of the schema, which the built site holds; its number changes when a reader must."""
_DAY_S = 86_400.0


def catalog_schema() -> dict[str, Any]:
    """The JSON Schema of `runbooks.json`."""
    text = resources.files("runbook_steps.engine.proof.schemas").joinpath("runbooks-1.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def catalog(project: Project, site_url: str, now: datetime) -> dict[str, Any]:
    """The whole document; `site_url` ends with a slash, `now` is aware and what ages are counted to."""
    entries = [_entry(project, runbook, front, site_url, now) for runbook, front in published(project)]
    return {"schema": RUNBOOKS_SCHEMA, "version": 1, "site": site_url, "written": now.isoformat(), "runbooks": entries}


def published(project: Project) -> Iterator[tuple[Runbook, FrontMatter]]:
    """The runbooks that have a page with a good head: those the site shows."""
    for runbook in project.runbooks:
        if runbook.front_matter is not None and runbook.page_path is not None:
            yield runbook, runbook.front_matter


def address(site_url: str, stem: str, *, markdown: bool = False) -> str:
    """Where a page is: `…/redis/full/`; its Markdown version is `…/redis/full/index.md`."""
    folder = "" if stem == "index" else f"{stem.removesuffix('/index')}/"
    return f"{site_url}{folder}{'index.md' if markdown else ''}"


def _entry(project: Project, runbook: Runbook, front: FrontMatter, site_url: str, now: datetime) -> dict[str, Any]:
    page = project.page(runbook.stem)
    use = page.section("Use this when") if page else None
    return {
        "id": front.id,
        "stem": runbook.stem,
        "title": front.title,
        "url": address(site_url, runbook.stem),
        "short_url": f"{site_url}r/{front.id}/",
        "markdown_url": address(site_url, runbook.stem, markdown=True),
        "owner": front.owner,
        "severity": front.severity,
        "alerts": list(front.alerts),
        "services": list(front.services),
        "symptoms": list(front.symptoms),
        "situation": use.text if use else "",
        "expected_minutes": front.expected_minutes,
        "reviewed": front.reviewed or None,
        "review_every_days": front.review_every_days,
        "proof": [_verdict(standing, now) for standing in standings(runbook, project.evidence)],
        "procedures": [
            {
                **_procedure(procedure, page, address(site_url, runbook.stem)),
                "proof": _proofs(procedure, runbook.feature_path, project.evidence, now),
            }
            for procedure in runbook.procedures
        ],
    }


def _verdict(standing: Standing, now: datetime) -> dict[str, Any]:
    return {
        "target": standing.target or None,
        "verdict": standing.headline,
        "proven": standing.proven,
        "total": standing.total,
        "oldest": standing.started or None,
        "age_days": _age_days(standing.started, now),
        "commits": list(standing.commits),
        "uncommitted_changes": standing.dirty,
        "emulated": dict(standing.emulated),
        "reasons": list(standing.reasons),
    }


def _procedure(procedure: Procedure, page: Page | None, url: str) -> dict[str, Any]:
    """One scenario: its role on the page, its risk, its steps with their checks."""
    given = [_said(step) for step in procedure.steps if step.role is Role.GIVEN]
    return {
        "name": procedure.name,
        "section": _section(page, procedure),
        "url": f"{url}#{slug(procedure.name)}",
        "source": str(procedure.position),
        "description": procedure.description,
        "risk": str(procedure.risk),
        "manual": "manual" in procedure.tags,
        "needs": list(procedure.tagged("needs_")),
        "requires": list(procedure.tagged("requires_")),
        "situation": given,
        "steps": list(_steps(procedure.steps)),
        "examples": [list(row) for row in procedure.examples],
    }


def _section(page: Page | None, procedure: Procedure) -> str | None:
    calls = page.calls if page else ()
    return next((c.section for c in calls if c.macro == "procedure" and c.argument == procedure.name), None)


def _steps(steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """Every When with the Thens that follow it."""
    entry: dict[str, Any] | None = None
    for step in steps:
        if step.role is Role.WHEN:
            if entry is not None:
                yield entry
            entry = {**_action(step), "table": [list(row) for row in step.table], "checks": []}
        elif step.role is Role.THEN:
            if entry is None:
                entry = {"kind": "check", "purpose": "", "table": [], "checks": []}
            entry["checks"].append(_said(step))
    if entry is not None:
        yield entry


def _action(step: Step) -> dict[str, Any]:
    command = step.command
    if command is None:
        return {"kind": "person" if step.manual else "action", "purpose": step.text}
    return {
        "kind": "command",
        "purpose": command.purpose,
        "language": command.media_type,
        "command": command.text,
        "time_limit_s": command.timeout_s,
        "may_fail": command.may_fail,
        "undo": command.undo,
        "ends_undo": command.ends_undo,
    }


def _said(step: Step) -> str:
    rows = "".join("\n| " + " | ".join(row) + " |" for row in step.table)
    return step.text + (f"\n{step.said}" if step.said else "") + rows


def _proofs(procedure: Procedure, feature: str, evidence: Sequence[Evidence], now: datetime) -> list[dict[str, Any]]:
    """The proof of a scenario on each target; one entry without a target when there is no evidence at all."""
    if not evidence:
        return [_proof(None, None, "no run has followed it yet", now)]
    return [_on_target(procedure, feature, each, now) for each in evidence]


def _on_target(procedure: Procedure, feature: str, evidence: Evidence, now: datetime) -> dict[str, Any]:
    known = verdict(procedure, feature, evidence)
    weakest = known.weakest
    if weakest is None or known.outcome is Outcome.NEVER_PROVEN:
        why = f"{known.missing} of its rows were never run" if weakest else ""
        return _proof(evidence.target, None, why, now)
    return _proof(evidence.target, weakest, weakest.reason, now)


def _proof(target: str | None, record: ScenarioRecord | None, reason: str, now: datetime) -> dict[str, Any]:
    found: Mapping[str, Any] = {
        "target": target,
        "outcome": str(record.outcome if record else Outcome.NEVER_PROVEN),
        "started": record.started if record else None,
        "age_days": _age_days(record.started, now) if record else None,
        "duration_s": record.duration_s if record else None,
        "commit": record.commit if record else None,
        "uncommitted_changes": record.dirty if record else None,
        "reason": reason,
    }
    return dict(found)


def _age_days(started: str, now: datetime) -> float | None:
    try:
        at = datetime.fromisoformat(started)
    except ValueError:
        return None
    return round(max(0.0, (now - at).total_seconds()) / _DAY_S, 2) if at.tzinfo else None
