"""The one rule of what a runbook's name means, and every command that asks it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import FrontMatter, Runbook
from runbook_steps.engine.project.find import find_runbook
from tests.unit.git_project import make_project
from tests.unit.proof.test_evidence_file import RECORD

ROOT = Path("/srv/runbooks")


def runbook(stem: str, id: str, title: str, *, moved: str = "", was: str = "") -> Runbook:  # noqa: A002 - the field
    """One with a good head; `moved` is its former stem, `was` its former id."""
    front = FrontMatter(
        title=title,
        owner="A",
        severity="HIGH",
        alerts=(),
        services=(),
        reviewed="",
        review_every_days=90,
        expected_minutes=5,
        id=id,
        moved_from=(moved,) if moved else (),
        former_ids=(was,) if was else (),
    )
    return Runbook(stem, f"features/{stem}.feature", title, "", (), f"docs/{stem}.md", front)


RUNBOOKS = (
    runbook("cache/full", "cache-full", "The cache is full", moved="store/evicts", was="full-cache"),
    runbook("disk/full", "disk-full", "The disk is full"),
    runbook("disk/slow", "slow", "Slow", moved="cache/full-disk", was="cache-full-too"),
    runbook("queue/slow", "queue-slow", "slow queue", was="slow"),
    runbook("mail/bounced", "bounced", "Bounced", was="twice"),
    runbook("mail/late", "late", "Late", was="twice"),
)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("cache/full", "cache/full"),
        (" cache/full/ ", "cache/full"),
        ("cache-full", "cache/full"),
        ("store/evicts", "cache/full"),
        ("full-cache", "cache/full"),
        ("evicts", "cache/full"),
        ("the CACHE is full", "cache/full"),
        ("Cache/Full", "cache/full"),
        ("features/cache/full.feature", "cache/full"),
        ("./docs/cache/full.md", "cache/full"),
        ("cache/full.feature", "cache/full"),
        ("docs/store/evicts.md", "cache/full"),
        ("/srv/runbooks/features/cache/full.feature", "cache/full"),
        ("slow", "disk/slow"),  # an id of now goes before a former one, a last part and a title
        ("Slow", "disk/slow"),
        ("bounced", "mail/bounced"),
    ],
)
def test_every_name_of_a_runbook_leads_to_it(name: str, stem: str) -> None:
    """What it is called now goes before what it was called, and both before parts of it."""
    found = find_runbook(RUNBOOKS, name, ROOT)
    assert found is not None
    assert found.stem == stem


@pytest.mark.parametrize(
    ("name", "candidates"), [("full", ["cache/full", "disk/full"]), ("twice", ["mail/bounced", "mail/late"])]
)
def test_a_name_of_several_is_refused_with_all_of_them(name: str, candidates: list[str]) -> None:
    """Nobody is led through a runbook that was guessed, whatever the order of the files."""
    for order in (RUNBOOKS, RUNBOOKS[::-1]):
        with pytest.raises(ConfigurationError, match="is the name of 2 runbooks; say which") as refused:
            find_runbook(order, name, ROOT)
        assert candidates == sorted(str(refused.value).split("\n  ")[1:])


@pytest.mark.parametrize("name", ["", " ", "/", "full.md.md", "cache", "/elsewhere/cache/full.md", "../cache/full"])
def test_what_is_no_name_is_none(name: str) -> None:
    """A folder, a path outside the project and nothing at all lead nowhere."""
    assert find_runbook(RUNBOOKS, name, ROOT) is None


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose `database/slow` and `health/slow` share their last part."""
    monkeypatch.chdir(tmp_path)
    make_project(tmp_path)
    for folder, ending in (("docs", "md"), ("features", "feature")):
        text = (tmp_path / folder / f"database/slow.{ending}").read_text("utf-8")
        (tmp_path / folder / "health").mkdir(exist_ok=True)
        other = text.replace("id: slow", "id: slow-health")
        (tmp_path / folder / f"health/gone.{ending}").write_text(other, encoding="utf-8")
        (tmp_path / folder / f"disk/gone.{ending}").parent.mkdir(exist_ok=True)
        (tmp_path / folder / f"disk/gone.{ending}").write_text(text.replace("id: slow", "id: x"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ["run", "gone", "--dry-run"],
        ["review", "plan", "gone"],
        ["review", "sign", "gone", "--by", "DevOps Lead"],
        ["feedback", "add", "gone", "--by", "DevOps Lead", "x"],
        ["feedback", "list", "--runbook", "gone"],
        ["journal", "gone"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("root")
def test_every_command_refuses_a_name_of_two(command: list[str]) -> None:
    """All of them ask the same rule."""
    error = CliRunner().invoke(app, command).exception
    assert isinstance(error, ConfigurationError)
    assert str(error) == "'gone' is the name of 2 runbooks; say which:\n  disk/gone\n  health/gone"


def test_the_newest_journal_of_a_runbook_is_read_by_its_name(root: Path) -> None:
    """Not the newest of all; and one that no journal tells of is said so."""
    journals = root / "build/journal"
    journals.mkdir(parents=True)
    for number, stem in enumerate(("disk/gone", "database/slow")):
        record = replace(RECORD, id=f"features/{stem}.feature::x", feature=f"features/{stem}.feature")
        event = {"event": "scenario started", "record": asdict(record)}
        (journals / f"{number}.jsonl").write_text(json.dumps(event) + "\n", encoding="utf-8")
        os.utime(journals / f"{number}.jsonl", (number, number))
    runner = CliRunner()
    assert "0.jsonl" in runner.invoke(app, ["journal", "disk/gone"]).output
    assert "1.jsonl" in runner.invoke(app, ["journal", "slow"]).output
    assert "no journal in" in str(runner.invoke(app, ["journal", "health/gone"]).exception)
