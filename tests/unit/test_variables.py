"""The variables of the pages: each is explained, each page shows its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.project.project import load_project
from runbook_steps.variables import VARIABLES, load_variables, page_variables, used_by, variable_problems
from tests.unit.planted import copied, planted

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Pages and features of this project, to plant a mistake in."""
    return copied(tmp_path)


def said_of(copy: Path, file: str, old: str, new: str) -> list[str]:
    """What is said about the copy after that change."""
    return [str(problem) for problem in variable_problems(planted(copy, file, old, new))]


def test_every_variable_of_this_project_is_explained() -> None:
    """And every page shows those that its commands read."""
    assert [str(problem) for problem in variable_problems(load_project(ROOT))] == []


def test_a_variable_that_nobody_explains_is_told(copy: Path) -> None:
    """At its command."""
    feature = "features/infrastructure/load-balancer.feature"
    said = said_of(copy, feature, "$ALB_TARGET_GROUP_ARN", "$ALB_TARGET_ARN")
    assert len(said) == 1
    assert said[0].startswith(feature)
    assert "$ALB_TARGET_ARN stands neither in" in said[0]


def test_a_variable_that_a_command_sets_itself_needs_no_explanation(copy: Path) -> None:
    """It comes from nowhere else."""
    old = 'curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/metrics"'
    new = 'METRICS="$API_BASE_URL/api/metrics"\n      curl --fail-with-body -sS --max-time 10 "$METRICS"'
    assert said_of(copy, "features/maintenance/weekly-maintenance.feature", old, new) == []


def test_a_variable_that_no_command_reads_is_told(copy: Path) -> None:
    """The list does not outlive what it lists."""
    said = said_of(copy, VARIABLES, "name: REPLICA_URL", "name: REPLICA_ADDRESS")
    assert any("no command reads $REPLICA_ADDRESS" in each for each in said)
    assert any("$REPLICA_URL stands neither in" in each for each in said)


def test_a_page_that_hides_its_variables_is_told(copy: Path) -> None:
    """With its name."""
    said = said_of(copy, "docs/infrastructure/nginx.md", "{{ variables() }}", "")
    assert said == ["docs/infrastructure/nginx.md:1: its commands read variables: show them with `{{ variables() }}`"]


def test_what_a_command_reads_without_naming_it_is_shown() -> None:
    """Psql reads PGHOST, `beautycort notify` its webhook; a value that the page asks for is not the target's."""
    project, known = load_project(ROOT), load_variables(ROOT)
    shown = {
        stem: {each.name for each in used_by(runbook, known)}
        for stem in ("database/blocked-queries", "emergency/escalation", "infrastructure/cpu")
        if (runbook := project.runbook(stem))
    }
    assert {"PGHOST", "PGPASSWORD"} <= shown["database/blocked-queries"]
    assert "BLOCKER" not in shown["database/blocked-queries"]
    assert "SLACK_WEBHOOK_ALERTS_CRITICAL" in shown["emergency/escalation"]
    assert shown["infrastructure/cpu"] >= {"HOST_IS_HERE"}
    assert "SUSPECT" not in shown["infrastructure/cpu"]


def test_a_page_names_its_variables_and_where_they_come_from() -> None:
    """The optional ones apart."""
    said = page_variables(load_project(ROOT), "docs/health/daily-check.md")
    assert "`API_BASE_URL`" in said.split("Optional:")[0]
    assert "`CDN_URL`" in said.split("Optional:")[1]
    assert "(../reference/variables.md)" in said


@pytest.mark.parametrize(
    ("page", "needed"),
    [
        ("database/daily-check", "Health of each part"),
        ("application/jwt-issues", "Whether a token is revoked"),
        ("application/high-error-rate", "The version of an instance"),
        ("weekly-maintenance", "Requests of the last 24 hours"),
        ("application/database-connections", "Settings of the connection pool"),
        ("application/high-response-time", "How long the application waits for a third party"),
    ],
)
def test_a_page_says_what_its_commands_need_of_the_platform(page: str, needed: str) -> None:
    """A route or a setting that this platform lacks, with the way round, before the night on which it is missed."""
    project = load_project(ROOT)
    full = page if "/" in page else f"maintenance/{page}"
    (row,) = [line for line in page_variables(project, f"docs/{full}.md").splitlines() if f"| {needed} |" in line]
    assert all(cell.strip() for cell in row.strip(" |").split(" | "))
