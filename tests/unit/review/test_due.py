"""`runbooks review`: what is due and why, and that nobody signs what is not proven."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.model import Evidence, Outcome
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.proof.evidence_file import write_evidence
from runbook_steps.engine.review.due import calendar, reviews
from tests.unit.git_project import git, make_project
from tests.unit.records import proof_of

TODAY = dt.datetime.now(dt.UTC).date()
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
PAGE = "docs/database/slow.md"
LOG = "docs/about/change-log.md"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runbooks in a clean repository, the current folder; nothing is proven."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def prove(root: Path, *, outcome: Outcome = Outcome.PASSED, days_ago: int = 0, target: str = "embedded") -> None:
    """Writes what a run of `database/slow` would have left."""
    procedure = load_project(root).runbook("database/slow").procedures[0]  # type: ignore[union-attr]
    record = proof_of(
        root, procedure, "database/slow", outcome=outcome, target=target,
        started=f"{TODAY - dt.timedelta(days_ago)}T10:00:00Z", commit="abcdef1234567",
        reason="" if outcome is Outcome.PASSED else "the cause is hidden",
    )  # fmt: skip
    path = root / f"build/evidence/{target}.json"
    write_evidence(path, Evidence(target, "2026-11-23T10:00:00Z", {record.id: record}))


def review_date(root: Path, day: dt.date) -> None:
    """Commits a page that was reviewed that day."""
    page = root / PAGE
    page.write_text(re.sub(r"reviewed: .*", f"reviewed: {day}", page.read_text("utf-8")), encoding="utf-8")
    git(root, "commit", "--quiet", "--all", "--message", "Review long ago")


def sign(name: str = "slow", role: str = "DevOps Lead") -> Result:
    """What the command does."""
    return CliRunner().invoke(app, ["review", "sign", name, "--by", role])


def commits(root: Path) -> int:
    """How many there are."""
    return int(git(root, "rev-list", "--count", "HEAD"))


# ── what is due ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("root")
def test_what_is_due_has_its_owner_and_its_reasons() -> None:
    """Never reviewed and never proven are two reasons."""
    said = CliRunner().invoke(app, ["review", "--format", "json"])
    row = next(row for row in json.loads(said.stdout) if row["id"] == "slow")

    assert (1, "DevOps Lead", None, "missing") == (said.exit_code, row["owner"], row["due"], row["proof"])
    assert ["never reviewed", "proof missing: “The cause is found” never proven"] == row["reasons"]


@pytest.mark.parametrize(
    ("reviewed_days_ago", "proven_days_ago", "reasons"),
    [
        (89, 0, []),
        (90, 0, ["reviewed {reviewed}, to be reviewed every 90 days"]),
        (1, 90, []),
        (1, 91, ["proof stale: “The cause is found”: proven {proven}, longer ago than 90 days (review_every)"]),
    ],
)
def test_a_review_and_a_proof_run_out(
    root: Path, reviewed_days_ago: int, proven_days_ago: int, reasons: list[str]
) -> None:
    """A review is due on its day; a proof holds through its last day."""
    reviewed, proven = TODAY - dt.timedelta(reviewed_days_ago), TODAY - dt.timedelta(proven_days_ago)
    review_date(root, reviewed)
    prove(root, days_ago=proven_days_ago)
    review = next(review for review in reviews(load_project(root), TODAY) if review.id == "slow")

    assert [reason.format(reviewed=reviewed, proven=proven) for reason in reasons] == list(review.reasons)


def test_a_failure_on_one_target_outweighs_a_proof_on_another(root: Path) -> None:
    """What fails on staging is not proven by the drill."""
    prove(root)
    prove(root, outcome=Outcome.FAILED, target="staging")
    review = next(review for review in reviews(load_project(root), TODAY) if review.id == "slow")

    assert "proof red: “The cause is found” failed on staging: the cause is hidden" == review.reasons[1]


def test_the_calendar_is_one_event_for_each_runbook(root: Path) -> None:
    """On the day it is due, escaped, in lines of at most 75 octets that end with CRLF."""
    review_date(root, dt.date(2026, 10, 1))
    found = [
        replace(review, title="Ä long, long title; “so long” that no line of a calendar could ever hold it")
        for review in reviews(load_project(root), NOW.date())
    ]
    text = calendar(found, NOW, "runbooks.example")
    lines = text.split("\r\n")
    whole = text.replace("\r\n ", "").split("\r\n")

    assert (2, "") == (whole.count("BEGIN:VEVENT"), lines.pop())
    assert [] == [line for line in lines if len(line.encode()) > 75 or "\n" in line]
    assert ["DTSTART;VALUE=DATE:20261123", "DTSTART;VALUE=DATE:20261230"] == [
        line for line in whole if line.startswith("DTSTART")
    ]
    assert (
        "SUMMARY:Review the runbook Ä long\\, long title\\; “so long” that no line of a calendar could ever hold it"
        in (whole)
    )
    printed = CliRunner().invoke(app, ["review", "--ics"])
    assert (0, b"BEGIN:VCALENDAR\r\n") == (printed.exit_code, printed.stdout_bytes[:17])


# ── signing ──────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_proven_is_not_signed(root: Path) -> None:
    """Missing, red, stale by its age, stale by its text: each refused with its own reason, nothing written."""
    said = [str(sign().exception)]
    prove(root, outcome=Outcome.FAILED)
    said.append(str(sign().exception))
    prove(root, days_ago=100)
    said.append(str(sign().exception))
    prove(root)
    feature = root / "features/database/slow.feature"
    feature.write_text(feature.read_text("utf-8").replace("echo", "printf"), encoding="utf-8")
    git(root, "commit", "--quiet", "--all", "--message", "Print")
    refused = sign()
    said.append(str(refused.exception))
    end = "pytest features/database/slow.feature; then sign"

    assert [
        f"the proof of database/slow is missing: “The cause is found” never proven. Prove it first: {end}",
        (
            "the proof of database/slow is red: “The cause is found” failed on embedded: the cause is hidden. "
            f"Repair it and prove it: {end}"
        ),
        (
            f"the proof of database/slow is stale: “The cause is found”: proven {TODAY - dt.timedelta(100)}, "
            f"longer ago than 90 days (review_every). Prove it again: {end}"
        ),
        (
            "the proof of database/slow is stale: “The cause is found”: the scenario has changed since it was proven. "
            f"Prove it again: {end}"
        ),
    ] == said
    assert (RefusedError, 3) == (type(refused.exception), RefusedError.exit_code)
    assert (2, "") == (commits(root), git(root, "status", "--porcelain"))


@pytest.mark.parametrize("name", ["slow", "database/slow"])
def test_a_signature_is_one_commit_of_two_files(root: Path, name: str) -> None:
    """Whatever else is changed or staged stays as it was; no rule is broken."""
    prove(root)
    (root / "README.md").write_text("changed", encoding="utf-8")
    (root / "mine.txt").write_text("x", encoding="utf-8")
    git(root, "add", "mine.txt")

    assert 0 == sign(name).exit_code
    assert f"{LOG}\n{PAGE}\n" == git(root, "show", "--name-only", "--format=", "HEAD")
    assert (2, " M README.md\nA  mine.txt\n") == (commits(root), git(root, "status", "--porcelain"))
    assert f"\nreviewed: {TODAY}\n" in (root / PAGE).read_text("utf-8")
    assert (
        (root / LOG)
        .read_text("utf-8")
        .endswith(
            "## Reviews\n\n| Reviewed | Runbook | By | Proof |\n| --- | --- | --- | --- |\n"
            f"| {TODAY} | [Slow](../database/slow.md) | DevOps Lead | {TODAY} on embedded, commit abcdef1234 |\n"
        )
    )
    assert [] == [str(problem) for problem in check_project(load_project(root))]


def test_a_second_signature_finds_nothing_due(root: Path) -> None:
    """It is good, and no commit."""
    prove(root)
    sign()
    again = sign()

    assert (0, 2) == (again.exit_code, commits(root))
    assert f"nothing is due: database/slow was reviewed today, the next review is {TODAY + dt.timedelta(90)}" in (
        again.stdout
    )


def test_a_page_reviewed_lately_is_not_signed_again(root: Path) -> None:
    """Bumping a date is no review."""
    review_date(root, TODAY - dt.timedelta(10))
    prove(root)
    said = sign()

    assert (0, True, 2) == (said.exit_code, "nothing is due" in said.stdout, commits(root))


def test_the_newest_review_stands_first(root: Path) -> None:
    """The table has one head and grows at its top."""
    (root / LOG).write_text(
        (root / LOG).read_text("utf-8") + "\n## Reviews\n\n| Reviewed | Runbook | By | Proof |\n"
        "| --- | --- | --- | --- |\n| 2026-01-01 | old | CTO | x |\n\n## More\n",
        encoding="utf-8",
    )
    git(root, "commit", "--quiet", "--all", "--message", "A review")
    prove(root)
    sign()
    after = (root / LOG).read_text("utf-8").partition("## Reviews")[2].split("\n")

    assert [f"| {TODAY}", "| 2026-01-01"] == [line[:12] for line in after[4:6]]
    assert ["", "## More", ""] == after[6:]


def test_what_people_said_is_resolved_before_a_signature(root: Path) -> None:
    """And committed: the numbers and the command are named, nothing is written; other runbooks do not matter."""
    prove(root)
    for name in ("slow", "down", "slow"):
        CliRunner().invoke(app, ["feedback", "add", name, "--by", "DevOps Lead", "x"])
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Say it")
    said = [sign()]
    for number in ("1", "3"):
        CliRunner().invoke(app, ["feedback", "resolve", number, "--by", "DevOps Lead"])
    said.append(sign())
    git(root, "commit", "--quiet", "--all", "--message", "Resolve it")

    assert [
        (
            "remarks 1, 3 on database/slow are not resolved. Read: runbooks feedback list --runbook slow; deal with it,"
            ' then: runbooks feedback resolve 1 --by "DevOps Lead"; then sign'
        ),
        "not committed yet: docs/data/feedback.yml; commit it first",
    ] == [str(each.exception) for each in said]
    assert [RefusedError] * 2 == [type(each.exception) for each in said]
    assert (0, 4, "") == (sign().exit_code, commits(root), git(root, "status", "--porcelain"))


@pytest.mark.parametrize(
    ("name", "role", "said"),
    [
        ("sloww", "DevOps Lead", "there is no runbook 'sloww'; did you mean “slow”?"),
        ("slow", "DevOps Leed", "is no role of docs/data/contacts.yml; did you mean “DevOps Lead”?"),
        ("slow", "nobody", "known: DevOps Lead"),
    ],
)
def test_who_and_what_must_be_known(root: Path, name: str, role: str, said: str) -> None:
    """Nothing is written."""
    prove(root)
    refused = sign(name, role)

    assert (ConfigurationError, True) == (type(refused.exception), said in str(refused.exception))
    assert 1 == commits(root)


def test_a_page_with_changes_is_not_signed(root: Path) -> None:
    """What is signed is what everybody can read."""
    page = root / PAGE
    page.write_text(page.read_text("utf-8").replace("All.", "Some."), encoding="utf-8")
    prove(root)

    assert f"not committed yet: {PAGE}; commit it first" == str(sign().exception)
    assert 1 == commits(root)


def test_a_commit_that_is_refused_leaves_no_date(root: Path) -> None:
    """A hook says no: both files are as they were, and nothing is staged."""
    prove(root)
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)

    assert "git commit: not today" == str(sign().exception)
    assert (1, "") == (commits(root), git(root, "status", "--porcelain"))
