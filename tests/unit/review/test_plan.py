"""`runbooks review plan`: what changed and what ran since the last review, from git and from journals."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import app
from runbook_steps.engine.git import Repository
from runbook_steps.engine.model import Outcome, Role, StepRecord
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.proof.evidence_file import Journal
from runbook_steps.engine.review.due import reviews
from runbook_steps.engine.review.plan import ReviewPlan, make_plan
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.sources.python_steps import load_catalog
from runbook_steps.engine.text.redact import Redactor
from tests.unit.git_project import git, make_project
from tests.unit.records import LOOKED, scenario_record

STEPS = """\
from pytest_bdd import then

from runbook_steps.faults.dark import Dark


@then("it is known")
def known() -> None:
    Dark()
"""
OTHER = """\
from pytest_bdd import then


@then("nobody says this")
def said() -> None:
    pass
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`database/slow` was reviewed on 2026-06-01; since then its page and fault changed, and what it does not use."""
    monkeypatch.chdir(tmp_path)
    make_project(tmp_path)
    change(
        tmp_path,
        "Write steps",
        **{"steps/known.py": STEPS, "steps/other.py": OTHER, "faults/dark.py": "class Dark: pass\n"},
    )
    page = tmp_path / "docs/database/slow.md"
    page.write_text(re.sub(r"reviewed: .*", "reviewed: 2026-06-01", page.read_text("utf-8")), encoding="utf-8")
    change(tmp_path, "Review database/slow")
    page.write_text(page.read_text("utf-8").replace("All.", "Some."), encoding="utf-8")
    change(tmp_path, "Narrow the *impact*")
    change(tmp_path, "Say another thing", **{"steps/other.py": OTHER + "\n"})
    change(tmp_path, "Darken", **{"faults/dark.py": "class Dark:\n    x = 1\n", "steps/known.py": STEPS + "\n"})
    return tmp_path


def change(root: Path, subject: str, **files: str) -> None:
    """Commits those files of the package, and whatever else changed."""
    for path, text in files.items():
        file = root / "runbook_steps" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", subject)


def ran(root: Path, day: str, target: str, outcome: Outcome, feature: str = "features/database/slow.feature") -> None:
    """Leaves the journal of a run of one scenario."""
    record = scenario_record(
        feature, "S", outcome=outcome, started=f"{day}T10:00:00Z", duration_s=3.0, target=target, steps=(LOOKED,)
    )
    journal = Journal(root / f"build/journal/{day}-{target}.jsonl", Redactor(frozenset()))
    journal.write("scenario finished", record=asdict(record))
    journal.close()


def planned(root: Path) -> ReviewPlan:
    """The plan for `database/slow`."""
    review = next(each for each in reviews(load_project(root), dt.date(2026, 11, 23)) if each.id == "slow")
    return make_plan(Repository(root), load_catalog(load_settings(root)), review, load_settings(root))


def test_what_changed_since_the_review_is_listed(root: Path) -> None:
    """The runbook's own files and those it reaches, the newest first; not what it does not use."""
    made = planned(root)

    assert "the review of 2026-06-01" == made.since
    assert [("Darken", ("steps", "faults")), ("Narrow the *impact*", ("page",))] == [
        (each.subject, each.kinds) for each in made.changes
    ]
    assert ("runbook_steps/faults/dark.py", "runbook_steps/steps/known.py") == made.files[2:]


def test_before_the_first_review_everything_is_listed(root: Path) -> None:
    """From the commit that began it."""
    page = root / "docs/database/slow.md"
    page.write_text(page.read_text("utf-8").replace("reviewed: 2026-06-01", 'reviewed: ""'), encoding="utf-8")
    made = planned(root)

    assert ("it was begun", "Begin") == (made.since, made.changes[-1].subject)


def test_runs_since_the_review_are_drills_or_incidents(root: Path) -> None:
    """Those before it, of other runbooks, and damaged journals are not shown; the last are counted."""
    ran(root, "2026-05-31", "embedded", Outcome.FAILED)
    ran(root, "2026-07-01", "embedded", Outcome.PASSED)
    ran(root, "2026-08-01", "production", Outcome.TIMED_OUT)
    ran(root, "2026-09-01", "staging", Outcome.PASSED, feature="features/database/down.feature")
    (root / "build/journal/damaged.jsonl").write_text("no\nno\n", encoding="utf-8")
    made = planned(root)

    assert [("2026-07-01T10:00:00Z", (("passed", 1),))] == [(run.day, run.outcomes) for run in made.drills]
    assert [("production", (("timed out", 1),))] == [(run.target, run.outcomes) for run in made.incidents]
    assert 1 == made.unreadable


def test_the_body_of_an_issue_is_markdown(root: Path) -> None:
    """With boxes to tick, and with nothing of a commit's subject taken for Markdown."""
    ran(root, "2026-08-01", "production", Outcome.PASSED)
    said = CliRunner().invoke(app, ["review", "plan", "database/slow", "--issue-body"])

    assert 0 == said.exit_code
    assert "Narrow the \\*impact\\*" in said.stdout
    assert "- 2026-08-01 10:00 on production: 1 passed, longest 3 s (2026-08-01-production.jsonl)" in said.stdout
    assert [
        "- [ ] The proof is green again, now it is missing: “The cause is found” never proven",
        "- [ ] The page says what the changes above did",
        "- [ ] What the runs on live targets showed stands on the page",
    ] == [line for line in said.stdout.split("\n") if line.startswith("- [ ]")][:3]
    assert said.stdout.endswith('- [ ] Signed: `runbooks review sign slow --by "DevOps Lead"`\n')


@pytest.mark.usefixtures("root")
def test_what_is_not_resolved_is_listed_to_be_ticked() -> None:
    """Of this runbook, whenever it was said, and with nothing in it taken for Markdown or obeyed by a terminal."""
    for name, text in (("slow", "**no** [x](y) \x1b[31m"), ("down", "other"), ("slow", "resolved")):
        CliRunner().invoke(app, ["feedback", "add", name, "--by", "DevOps Lead", text])
    CliRunner().invoke(app, ["feedback", "resolve", "3", "--by", "DevOps Lead"])
    day = dt.datetime.now(dt.UTC).date()
    text = CliRunner().invoke(app, ["review", "plan", "slow"]).stdout
    issue = CliRunner().invoke(app, ["review", "plan", "slow", "--issue-body"]).stdout

    assert (
        "Feedback that is not resolved\n"
        f"  [ ] 1 ({day}, DevOps Lead): **no** [x](y)\n"
        '  each, when it is dealt with: runbooks feedback resolve 1 --by "DevOps Lead"\n\n'
    ) in text
    assert (
        "### Feedback that is not resolved\n\n"
        f"- [ ] 1 \\({day.isoformat().replace('-', chr(92) + '-')}, DevOps Lead\\): "
        "\\*\\*no\\*\\* \\[x\\]\\(y\\)\n"
        '- each, when it is dealt with: `runbooks feedback resolve 1 --by "DevOps Lead"`\n\n'
    ) in issue


@pytest.mark.usefixtures("root")
def test_without_feedback_the_plan_says_so() -> None:
    """Nobody wonders whether it was forgotten."""
    assert "Feedback that is not resolved\n  none\n" in CliRunner().invoke(app, ["review", "plan", "slow"]).stdout


def test_what_a_person_did_otherwise_in_a_guided_run_is_listed(root: Path) -> None:
    """Skipped, or gone on where the situation was not there; not what the engine noted, nor notes of a drill."""
    notes = ("67 bytes used", "skipped by CTO at 10:00", "not there; CTO went on at 10:01", "attested by CTO at 10:02")
    steps = tuple(StepRecord(Role.WHEN, "When", "I look:", 3, Outcome.NOT_REACHED, notes=(note,)) for note in notes)
    ran(root, "2026-08-01", "production", Outcome.NOT_REACHED)
    file = root / "build/journal/2026-08-01-production.jsonl"
    event = json.loads(file.read_text("utf-8"))
    event["record"]["steps"] = [asdict(step) for step in steps]
    lines = {"guided": {"event": "run started", "guided": {"by": "CTO"}}, "drill": {"event": "run started"}}
    for name, first in lines.items():
        text = "\n".join(json.dumps(each) for each in (first, event)) + "\n"
        file.with_name(f"{name}.jsonl").write_text(text, encoding="utf-8")
    file.unlink()

    assert (
        "What people did otherwise in guided runs\n"
        "  2026-08-01 on production: “When I look” skipped by CTO at 10:00\n"
        "  2026-08-01 on production: “When I look” not there; CTO went on at 10:01\n\n"
    ) in CliRunner().invoke(app, ["review", "plan", "slow"]).stdout
