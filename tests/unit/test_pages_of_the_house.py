"""What the pages of this project must say, beyond the rules that every project has."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.checks.drift import contact_drift
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.blocks.procedure import procedure_block
from runbook_steps.engine.site.blocks.status import status_strip

ROOT = Path(__file__).parents[2]
KNOBS = ("${MINUTE", "HEALTH_PAUSE", "STABILITY_WATCH", "ACME_CA", "leaking-worker", "ROLLBACK_MINUTE")
DIRECT = "never the pooler in transaction mode"


def test_no_page_shows_a_knob_of_the_drill() -> None:
    """What a drill shortens, its target supplies: the page has production's command."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    assert [(c.position, knob) for c in commands for knob in KNOBS if knob in c.text] == []


def test_no_page_restarts_a_container_to_load_a_setting() -> None:
    """Docker keeps the settings of the container's creation: who changes the file creates the instances anew."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    changing = [c for c in commands if "API_ENV_FILE" in c.text and "sed -i" in c.text]
    assert changing
    assert [c.position for c in changing if "docker restart" in c.text or "docker compose up -d" not in c.text] == []


def test_no_page_shows_a_placeholder_of_an_outline() -> None:
    """Words hold every value of the column, a command that of the first row."""
    for runbook in load_project(ROOT).runbooks:
        for procedure in runbook.procedures:
            shown = procedure_block(procedure, runbook.feature_path, ())
            for column in procedure.examples[0] if procedure.examples else ():
                assert f"&lt;{column}&gt;" not in shown, (runbook.stem, procedure.name)


@pytest.mark.parametrize("page", sorted((ROOT / "docs/database").glob("*.md")), ids=lambda page: page.stem)
def test_a_database_page_names_the_direct_address(page: Path) -> None:
    """Through a pooler in transaction mode settings, locks and dumps misbehave."""
    if page.stem in {"index", "backup-and-restore"}:
        pytest.skip("no commands of its own for psql")
    assert DIRECT in page.read_text("utf-8")


def test_a_role_that_nobody_fills_is_red() -> None:
    """In the strip of its pages, and in what drifts."""
    project = load_project(ROOT)
    nobody = [role for role, contact in project.contacts.items() if contact.missing]
    drifted = [str(problem) for problem in contact_drift(project)]
    assert len(drifted) == len(nobody)
    for runbook in project.runbooks:
        if runbook.front_matter and runbook.front_matter.owner in nobody:
            strip = status_strip(runbook, (), project.severities, project.contacts)
            assert "nobody can be reached" in strip
