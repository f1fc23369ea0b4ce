"""Commands as version 1.0 had them are refused; what replaced them is not."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.checks.habits import bad_habits
from runbook_steps.engine.model import Command, Position, Risk
from runbook_steps.engine.project.project import load_project


def said(text: str, media_type: str = "bash", *, may_fail: bool = False, risk: Risk = Risk.READONLY) -> list[str]:
    """What is wrong with a command, in its first words."""
    command = Command(text, media_type, "look", Position("a.feature", 1), 30.0, may_fail=may_fail)
    return [problem.split()[0] for problem in bad_habits(command, risk)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl -s https://api.beautycort.com/api/health", ["curl"]),
        ("sleep 60  # Wait for deployment to complete\nbeautycort health-checks smoke", ["sleep"]),
        ("redis-cli -e flushall", ["flushall"]),
        ("redis-cli -e FLUSHDB", ["flushall"]),
        ("redis-cli config set maxmemory 0", ["redis-cli"]),
        ("redis-cli -e --scan | xargs -r redis-cli unlink", ["redis-cli"]),
        ("docker compose up -d --no-deps api", ["docker"]),
        ("docker compose up -d --no-deps --scale api=3 api", []),
        ("curl --fail-with-body -sS -o /dev/null --retry 5 https://a", ["curl"]),
        ("curl --fail -sS -o /dev/null --retry 5 https://a", []),
        ("docker compose start redis", []),
        ('for n in 1 2; do curl -fsS "$API_BASE_URL/a"; done', ["curl"]),
        ('for n in 1 2; do curl -fsS --retry 9 "$API_BASE_URL/a"; done', []),
        ('for slot in $(echo "$API_SLOTS"); do curl -fsS "$slot/a"; done', []),
        ("for slot in $API_SLOTS; do echo $slot; done", ["$API_SLOTS"]),
        ('for slot in $(echo "$API_SLOTS"); do echo "$slot"; done', []),
        ('tool ${OTHER:+--other "$OTHER"}', ["${OTHER:+--other"]),
        ('tool ${OTHER:+--other="$OTHER"}', []),
        ('x=$(curl -sS "$API_BASE_URL/a?b=1&c=2")', ["curl"]),
        ("if curl -s http://a; then true; fi", ["curl"]),
        ('echo "is $(curl -s http://a)"', ["curl"]),
        ("curl --fail-with-body -sS --max-time 10 \\\n  https://a", []),
        ("curl -fsS https://a", []),
        ("curl -sS -o /dev/null -w '%{http_code}' https://a", []),
        ("timeout 100 bash -c 'until beautycort health-checks health; do sleep 1; done'", []),
        ("until curl -fsS https://a; do sleep 1; done", []),
        ("echo 'curl -s https://a; sleep 60'", []),
        ("grep -c flushing log", []),
    ],
)
def test_a_habit_of_version_1_is_told(text: str, expected: list[str]) -> None:
    """And a text that only speaks of it is not."""
    assert expected == said(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl -fsS https://a | python3 -c 'print(1)'", ["pipe"]),
        ("(\n  set -eu -o pipefail\n  curl -fsS https://a | jq .\n)", []),
        ("curl -fsS https://a || echo down", []),
        ("grep 'a|b' log", []),
        ("count=$(docker ps -q $(name) | wc -l)\ntest $count = 2", []),
    ],
)
def test_an_exit_code_that_counts_gets_through_a_pipe(text: str, expected: list[str]) -> None:
    """A drill sets pipefail; the shell of the person who pastes it does not."""
    assert expected == said(text, may_fail=True)
    assert [] == said(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('kill -TERM "$PID"', ["$PID"]),
        ('kill -TERM "${PID:?}"', []),
        ('kill -TERM "${PID:?}" && echo "$PID is gone"', []),
        ("mv a b\nnginx -s reload", ["block"]),
        ("mv a b && nginx -s reload", []),
        ('(\n  set -eu\n  mv "$FILE" b\n  nginx -s reload\n)', []),
        ('FILE=a; rm "$FILE"', ["block"]),
    ],
)
@pytest.mark.parametrize("risk", [Risk.MUTATING, Risk.DESTRUCTIVE])
def test_what_changes_something_stops_where_it_is_pasted(text: str, expected: list[str], risk: Risk) -> None:
    """After a failure, and at a variable that nobody has set; what only reads may go on."""
    assert expected == said(text, risk=risk)
    assert [] == said(text)


def test_sql_has_other_habits() -> None:
    """It is not looked at."""
    assert [] == said("SELECT 1; -- curl -s", "sql")


def test_no_scenario_of_this_project_has_one() -> None:
    """Looked at all of them."""
    project = load_project(Path(__file__).parents[3])
    found = {
        str(command.position): said
        for runbook in project.runbooks
        for procedure in runbook.procedures
        for command in procedure.commands
        if (said := list(bad_habits(command, procedure.risk)))
    }
    assert {} == found
