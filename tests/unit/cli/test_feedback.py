"""`runbooks feedback` from a shell: said, listed, resolved, and carried along when a runbook moves."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError, PageError
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.sources.feedback_file import FEEDBACK, Remark, change_feedback, load_feedback
from tests.unit.git_project import git, make_project


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runbooks in a clean repository, the current folder; nobody said anything yet."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def feedback(*arguments: str) -> Result:
    """What the command does."""
    return CliRunner().invoke(app, ["feedback", *arguments])


def add(text: str = "step 3 needs sudo", name: str = "slow", role: str = "DevOps Lead") -> Result:
    """Says that."""
    return feedback("add", name, "--by", role, text)


def listed(*arguments: str) -> list[dict[str, object]]:
    """What a program is told."""
    rows: list[dict[str, object]] = json.loads(feedback("list", "--format", "json", *arguments).stdout)
    return rows


def test_what_is_said_is_written_and_listed(root: Path) -> None:
    """By id or by name; the file is for everybody to read."""
    said = [add().stdout, add("it is down", "database/down").stdout]

    assert "remark 1 on slow: step 3 needs sudo\nwritten to docs/data/feedback.yml; commit it\n" == said[0]
    assert [(1, "slow", "database/slow", None), (2, "down", "database/down", None)] == [
        (row["id"], row["runbook"], row["stem"], row["resolved"]) for row in listed()
    ]
    assert [2] == [row["id"] for row in listed("--runbook", "database/down")]
    assert 0o644 == (root / FEEDBACK).stat().st_mode & 0o777
    assert [] == [str(problem) for problem in check_project(load_project(root))]


@pytest.mark.usefixtures("root")
def test_the_list_for_people_is_what_is_left() -> None:
    """The count on standard error; with `--all` also what was resolved."""
    empty = feedback("list")
    add()
    day = listed()[0]["date"]
    few = feedback("list")
    feedback("resolve", "1", "--by", "DevOps Lead")

    assert (0, "", "0 not resolved\n") == (empty.exit_code, empty.stdout, empty.stderr)
    assert (f"1  {day}  slow  DevOps Lead: step 3 needs sudo\n", "1 not resolved\n") == (few.stdout, few.stderr)
    assert "" == feedback("list").stdout
    assert f"\n    resolved {day} by DevOps Lead, commit " in feedback("list", "--all").stdout


def test_a_remark_is_resolved_once_in_a_commit(root: Path) -> None:
    """The newest, or the one that is named; a second time there is nothing to do."""
    add()
    add()
    head = git(root, "rev-parse", "--short", "HEAD").strip()
    done = feedback("resolve", "1", "--by", "DevOps Lead")
    before = (root / FEEDBACK).read_bytes()
    again = feedback("resolve", "1", "--by", "DevOps Lead")

    assert f"remark 1 on slow resolved by DevOps Lead, commit {head}: step 3 needs sudo" in done.stdout
    assert (0, True) == (again.exit_code, "nothing to do: remark 1 was resolved" in again.stdout)
    assert before == (root / FEEDBACK).read_bytes()
    assert [2] == [row["id"] for row in listed()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "sloww", "--by", "DevOps Lead", "x"], "there is no runbook 'sloww'; did you mean “slow”?"),
        (["add", "slow", "--by", "DevOps Leed", "x"], "is no role of docs/data/contacts.yml; did you mean “DevOps Le"),
        (["add", "slow", "--by", "DevOps Lead", " "], "say what is wrong, in words"),
        (["resolve", "7", "--by", "DevOps Lead"], "there is no remark 7; not resolved: 1"),
        (["resolve", "1", "--by", "nobody"], "known: DevOps Lead"),
        (["resolve", "1", "--by", "DevOps Lead", "--commit", "--all"], "git rev-parse"),
        (["list", "--runbook", "sloww"], "there is no runbook 'sloww'"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_written(root: Path, arguments: list[str], said: str) -> None:
    """In one line."""
    add()
    before = (root / FEEDBACK).read_bytes()
    refused = feedback(*arguments)

    assert (ConfigurationError, True) == (type(refused.exception), said in str(refused.exception))
    assert before == (root / FEEDBACK).read_bytes()


def test_a_broken_file_is_refused_everywhere_and_kept(root: Path) -> None:
    """Nobody takes it for an empty one; the check names it."""
    (root / FEEDBACK).write_text("feedback:\n  - id: x\n", encoding="utf-8")
    commands = [
        ["feedback", "add", "slow", "--by", "DevOps Lead", "x"],
        ["feedback", "list"],
        ["feedback", "resolve", "1", "--by", "DevOps Lead"],
        ["review", "plan", "slow"],
    ]
    refused = [CliRunner().invoke(app, command).exception for command in commands]

    assert [PageError] * 4 == [type(each) for each in refused]
    assert {"docs/data/feedback.yml:2: needs `id:`, a number from 1"} == {str(each) for each in refused}
    assert "feedback:\n  - id: x\n" == (root / FEEDBACK).read_text("utf-8")
    assert ["docs/data/feedback.yml:2: needs `id:`, a number from 1"] == [
        str(problem) for problem in check_project(load_project(root))
    ]


def test_a_remark_on_nothing_or_by_nobody_is_a_mistake(root: Path) -> None:
    """While it is open; what was resolved is history."""
    add()
    text = (root / FEEDBACK).read_text("utf-8").replace('"slow"', '"slowly"').replace("DevOps Lead", "DevOps Leed")
    (root / FEEDBACK).write_text(text, encoding="utf-8")
    at = "docs/data/feedback.yml:3: remark 1: "

    assert [
        f"{at}no runbook has the id “slowly”; did you mean “slow”?",
        f"{at}“DevOps Leed” is no role of docs/data/contacts.yml; did you mean “DevOps Lead”?",
    ] == [str(problem) for problem in check_project(load_project(root))]
    feedback("resolve", "1", "--by", "DevOps Lead")
    assert () == check_project(load_project(root))


def test_a_secret_of_this_shell_is_not_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People paste what they see."""
    monkeypatch.setenv("REDIS_URL", "redis://:S3cr3t-in-URL@localhost/0")
    add("it says redis://:S3cr3t-in-URL@localhost/0 is refused")

    assert "S3cr3t" not in (root / FEEDBACK).read_text("utf-8")
    assert "is refused" in str(listed()[0]["text"])


def test_a_moved_runbook_keeps_its_feedback(root: Path) -> None:
    """It is bound to the id; not a letter of it changes."""
    add("docs/database/slow.md does not say that database/slow is slow")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Say it")
    before = (root / FEEDBACK).read_bytes()
    moved = CliRunner().invoke(app, ["move", "database/slow", "health/slow-database"])

    assert (0, before) == (moved.exit_code, (root / FEEDBACK).read_bytes())
    assert [("slow", "health/slow-database")] == [(row["runbook"], row["stem"]) for row in listed()]


def test_two_at_once_lose_nothing(root: Path) -> None:
    """Each gets a number of its own."""

    def say() -> None:
        for _ in range(5):
            change_feedback(root, lambda found: Remark(max(found, default=0) + 1, "2026-11-24", "CTO", "slow", "x"))

    threads = [threading.Thread(target=say) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert list(range(1, 21)) == list(load_feedback(root))
