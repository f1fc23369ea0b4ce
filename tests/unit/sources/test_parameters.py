"""What a person must give a page: found in its steps and its head, and never a secret."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook_steps.engine.checks.references import parameter_problems
from runbook_steps.engine.model import Command, FrontMatter, Position, Runbook
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_file import parse_page
from runbook_steps.engine.sources.parameters import Parameter, parameters, variables_of

FEATURE = '''\
@risk_readonly
Feature: Sessions

  Scenario: A session is ended
    When I find it:
      """bash
      psql -c 'select 1' "$DATABASE_URL"
      """
    And I take rows[0].pid from the answer as BLOCKER
    And I take name from the answer as UNUSED
    And I end it, and note since when:
      """sql
      \\getenv blocker BLOCKER
      SELECT pg_terminate_backend(:'blocker'::int)
      """
    And I count:
      """bash
      beautycort traffic --since "${ALERT_BEGAN:-15m}"
      """
    Then it ends with exit code 0
'''
HEAD = (
    "---\nkind: runbook\ntitle: T\nid: t\nowner: DevOps Lead\nseverity: HIGH\nalerts: []\nservices: []\nsymptoms: []\n"
)
TAIL = 'reviewed: ""\nreview_every: 90d\nexpected_minutes: 5\n---\n# T\n'


def runbook(declared: tuple[tuple[str, str], ...] = ()) -> Runbook:
    """The feature, with that in its page's head."""
    front = FrontMatter("T", "O", "HIGH", (), (), "", 90, 5, "t", parameters=declared)
    return replace(parse_feature(FEATURE, "features/a/sessions.feature"), front_matter=front)


def test_what_a_step_takes_and_a_command_uses_is_a_parameter() -> None:
    """Variables of the target are none, nor is what nobody uses."""
    assert (Parameter("BLOCKER", "rows[0].pid, from the answer of “find it”"),) == parameters(runbook())


def test_what_the_page_declares_comes_first() -> None:
    """With the page's own words."""
    assert ("ALERT_BEGAN", "BLOCKER") == tuple(p.name for p in parameters(runbook((("ALERT_BEGAN", "since when"),))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('echo "$ONE" ${TWO:-2} $ONE', ("ONE", "TWO")),
        ("\\getenv name THREE", ("THREE",)),
        ("os.environ[\"FOUR\"], os.environ.get('FIVE')", ("FOUR", "FIVE")),
        ("$lower $$ $1 THREE ${MIXed}", ()),
    ],
)
def test_variables_are_read_in_the_ways_commands_read_them(text: str, expected: tuple[str, ...]) -> None:
    """In a shell, in psql, in Python."""
    assert expected == variables_of(Command(text, "bash", "p", Position("f", 1), 30.0))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("parameters:\n  ALERT_BEGAN: since when\n", []),
        ("parameters:\n  ALERT_BEGUN: since when\n", ["no command of features/a/sessions.feature uses $ALERT_BEGUN"]),
    ],
)
def test_a_declared_parameter_that_no_command_uses_is_a_problem(lines: str, expected: list[str]) -> None:
    """Whoever fills it in would fill it in for nothing."""
    page = parse_page(HEAD + lines + TAIL, "docs/a/sessions.md")
    assert expected == [problem.message for problem in parameter_problems(page, runbook())]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("parameters: [ALERT_BEGAN]\n", "must be lines like"),
        ("parameters:\n  began: since when\n", "which is no variable in capitals"),
        ("parameters:\n  NEW_REDIS_PASSWORD: the new one\n", "a secret is never typed there"),
        ("parameters:\n  API_KEY: the key\n", "a secret is never typed there"),
    ],
)
def test_parameters_that_are_none_are_refused_where_they_stand(lines: str, expected: str) -> None:
    """A page remembers what is typed: a secret may not be asked for."""
    front, problems = parse_page(HEAD + lines + TAIL, "docs/a/sessions.md").front_matter()
    assert front is None
    assert [10] == [problem.position.line for problem in problems]
    assert expected in problems[0].message
