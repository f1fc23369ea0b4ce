"""The contract of the platform: what a command relies on is found, and what nobody knows is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.model import Command
from runbook_steps.engine.run.needs import what_is_missing
from runbook_steps.engine.run.probes import Fit, look_at
from runbook_steps.engine.sources.contract_file import CONTRACT_FILE, load_contract, read_contract

ROOT = Path(__file__).parents[3]
TEXT = """
interfaces:
  - id: metrics
    title: Requests of the last 24 hours
    uses: [/api/metrics]
    needs: [API_BASE_URL]
    probe: {get: /api/metrics, status: "200", fields: [requests_24h]}
    expected: counted requests
    source: here
    missing: Count the lines of the access log.
"""


def command(text: str, kind: str = "bash") -> Command:
    """Of a page."""
    return Command(text, kind, "try it", Position("a.feature", 3), 10.0)


def used(text: str, kind: str = "bash") -> set[str]:
    """The ids of what it relies on, by the project's own contract."""
    return {each.id for each in load_contract(ROOT).used_by(command(text, kind))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('curl -fsS "$API_BASE_URL/api/metrics"', {"health", "metrics", "operations"}),
        ("docker restart beautycort-api-2", {"containers"}),
        ("nginx -t && nginx -s reload", {"proxy"}),
        ("beautycort host cpu --format json", {"readings-of-the-host", "operations"}),
        ("redis-cli --scan --pattern 'session:*'", {"redis", "session-keys"}),
        ("echo docker", set()),
    ],
)
def test_what_a_command_uses_is_found(text: str, expected: set[str]) -> None:
    """By routes, variables, programs and keys."""
    assert expected == used(text)


def test_sql_uses_the_database_and_its_extensions() -> None:
    """Through psql."""
    assert used("SELECT query FROM pg_stat_statements", "sql") == {"database", "statement-statistics"}


def test_what_is_missing_is_said_with_the_way_round() -> None:
    """And nothing of this machine is asked in the place of the platform's host."""
    contract = load_contract(ROOT)
    said = what_is_missing(command("docker restart beautycort-api-2"), contract, {})
    assert said.startswith(
        "“try it” needs Containers of the host (HOST_IS_HERE is not set). Instead: Work on the host."
    )
    assert what_is_missing(command("docker ps"), contract, {"HOST_IS_HERE": "yes"}) == ""


def test_what_a_command_has_another_value_for_is_not_missing() -> None:
    """Who has no administrator goes on as himself where the page says so; where it insists, it cannot run."""
    contract, here = load_contract(ROOT), dict.fromkeys(("DATABASE_URL", "PGHOST", "PGUSER", "PGPASSWORD"), "x")
    signed_in = 'PGUSER="${ADMIN_USER%s}" PGPASSWORD="${ADMIN_PASSWORD%s}" psql -c "SELECT 1"'

    assert what_is_missing(command(signed_in % (":-$PGUSER", ":-$PGPASSWORD")), contract, here) == ""
    assert "ADMIN_USER, ADMIN_PASSWORD is not set" in what_is_missing(command(signed_in % (":?", ":?")), contract, here)
    assert "ADMIN_USER, ADMIN_PASSWORD is not set" in what_is_missing(command(signed_in % (":-", ":-")), contract, here)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("    probe: {get: /x, sql: select 1}", "a probe has one of"),
        ("    probe: {post: /x}", "unknown key `post`"),
        ("    surprise: yes", "unknown key `surprise`"),
    ],
)
def test_a_contract_that_cannot_be_read_says_where(wrong: str, said: str) -> None:
    """File and line."""
    text = TEXT.replace('    probe: {get: /api/metrics, status: "200", fields: [requests_24h]}', wrong)
    with pytest.raises(PageError, match=f"{CONTRACT_FILE}:\\d+: .*{said}"):
        read_contract(text, CONTRACT_FILE)


def test_an_id_stands_once() -> None:
    """Two would be one too many."""
    with pytest.raises(PageError, match="metrics stands twice"):
        read_contract(TEXT + TEXT.removeprefix("\ninterfaces:\n"), CONTRACT_FILE)


def test_nothing_to_ask_with_is_missing_and_nobody_who_answers_is_unknown() -> None:
    """Neither fits."""
    interfaces = read_contract(TEXT, CONTRACT_FILE).interfaces
    (unset,) = look_at(interfaces, {}, host=False)
    (silent,) = look_at(interfaces, {"API_BASE_URL": "http://127.0.0.1:9"}, host=False)
    assert (unset.fit, silent.fit) == (Fit.MISSING, Fit.UNKNOWN)
