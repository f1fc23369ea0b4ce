"""`runbooks check --drift`: what comes apart is told, and breaks nothing."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.checks.drift import (
    alert_drift,
    mention_drift,
    registered_alerts,
    step_drift,
    tool_drift,
    tools_of,
)
from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import Position
from runbook_steps.engine.model import Command
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.sources.python_steps import load_catalog
from tests.unit.git_project import make_project

PAGE = "docs/database/slow.md"
FEATURE = "features/database/slow.feature"
STEPS = """\
from pytest_bdd import given, parsers, then


@then("it is known")
def known(): ...


@then(parsers.parse("it {what}"))
def anything(what): ...


@given("nobody says this")
@then("nobody says that")
def nobody(): ...
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runbooks, the current folder."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def edit(root: Path, path: str, old: str, new: str) -> None:
    """Replaces a text that is there."""
    text = (root / path).read_text("utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_steps_that_nobody_uses_and_lines_with_two_steps(root: Path) -> None:
    """A step with two patterns is unused when both are; a line is told once."""
    file = root / "runbook_steps/steps/known.py"
    file.parent.mkdir(parents=True)
    file.write_text(STEPS, encoding="utf-8")
    said = [str(each) for each in step_drift(load_project(root), load_catalog(load_settings(root)))]

    where = "runbook_steps/steps/known.py"
    assert [
        f"features/database/down.feature:3: two Python steps match “it is known”: {where}:4 and {where}:8",
        f"{where}:12: no scenario uses the step “nobody says this”; remove it",
    ] == said


def test_alerts_and_pages_that_miss_each_other(root: Path) -> None:
    """In both directions, and an alert that no scenario proves."""
    edit(root, PAGE, "alerts: []", "alerts: [SlowQuery]")
    registered = registered_alerts('markers = [\n  "alert_SlowQuery: x",\n  "alert_Lost: x",\n  "slow: x",\n]\n')
    said = [str(each) for each in alert_drift(load_project(root), registered)]

    assert [
        "pyproject.toml:3: the alert Lost leads to no runbook: no page has it in its `alerts`",
        "docs/database/down.md:7: no alert leads here: only its symptoms do",
        f"{PAGE}:7: no scenario of {FEATURE} has @alert_SlowQuery",
    ] == said


def test_a_tool_that_the_target_lacks(root: Path) -> None:
    """Unless the scenario says that it needs it."""
    edit(root, FEATURE, "echo", "dig +short db.internal | sort; echo")
    tools = frozenset({"sort"})
    said = [str(each) for each in tool_drift(load_project(root), "staging", tools)]
    edit(root, FEATURE, "@risk_readonly", "@risk_readonly @requires_dig")

    assert [f"{FEATURE}:5: dig is not on the PATH of staging; tag the scenario @requires_dig"] == said
    assert [] == list(tool_drift(load_project(root), "staging", tools))


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        ("NAME=x LANG=C psql -c 'dig; nmap' # nc", {"psql"}),
        ("if ! curl -f x; then docker ps; fi && cd /tmp", {"curl", "docker"}),
        ("for i in 1 2; do grep a b; done || exit 1", {"grep"}),
        ("a=$(df -P /) ; (nproc) | xargs -r -n 100 redis-cli unlink", {"df", "nproc", "redis-cli"}),
        ("timeout 5 nginx -t \\\n  -q", {"nginx"}),
        ("python3 - <<'END'\nnmap\ndig\nEND\nwc -l", {"python3", "wc"}),
        ("ask() { curl -f x; }\nask", {"curl"}),
        ('"$TOOL" x; ./script.sh; $OTHER', set()),
    ],
)
def test_the_tools_of_a_command(text: str, tools: set[str]) -> None:
    """Programs by name: neither builtins nor functions, nothing in quotes or comments."""
    assert tools == tools_of(Command(text, "bash", "x", Position("x", 1), 30.0))


def test_the_tool_of_sql_is_psql() -> None:
    """It is what runs it."""
    assert {"psql"} == tools_of(Command("SELECT 1", "sql", "x", Position("x", 1), 30.0))


def test_a_command_in_prose_that_nothing_runs(root: Path) -> None:
    """What is warned of, what is past, names of files and tools alone are not told; nor what a scenario runs."""
    edit(root, FEATURE, "echo", "psql \\\n        -c x; echo")
    prose = (
        "Run `psql  -c x`, `beautycort notify`, `curl`, `docs/a b`.\n"
        "Never `kill -9` it.\n\n## Rollback\n\n`git revert HEAD`\n"
    )
    edit(root, PAGE, "None.", "x")
    edit(root, PAGE, "## Rollback\n", prose)
    edit(root, PAGE, "    Because.", "    Once it was `nginx -s stop`.")
    said = [str(each) for each in mention_drift(load_project(root))]

    assert [
        f"{PAGE}:39: “Verification” mentions `beautycort notify`, which no scenario of {FEATURE} runs",
        f"{PAGE}:46: “Rollback” mentions `git revert HEAD`, which no scenario of {FEATURE} runs",
    ] == said


def test_drift_breaks_nothing(root: Path) -> None:
    """It is told when it is asked for, the check ends as it would without."""
    edit(root, FEATURE, "echo", "no-such-tool; echo")
    plain = CliRunner().invoke(app, ["check"])
    told = CliRunner().invoke(app, ["check", "--drift", "--format", "json"])

    assert (0, "") == (plain.exit_code, plain.stdout)
    rows = [row for row in json.loads(told.stdout) if row["file"] == FEATURE]
    assert (0, [("drift", 5)]) == (told.exit_code, [(row["kind"], row["line"]) for row in rows])
    assert "no-such-tool is not on the PATH of embedded" in rows[0]["message"]
