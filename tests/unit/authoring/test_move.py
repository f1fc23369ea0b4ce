"""`runbooks move` in a real repository: everything that leads to a runbook follows it, or nothing happens."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.build.short_addresses import short_links, write_redirects
from tests.unit.git_project import FILES, git, make_project


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runbooks in a clean repository, the current folder."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def move(old: str, new: str) -> Result:
    """What the command does."""
    return CliRunner().invoke(app, ["move", old, new])


def text(root: Path, path: str) -> str:
    """A file of the project."""
    return (root / path).read_text("utf-8")


def test_a_move_is_one_commit_with_renames(root: Path) -> None:
    """History follows the files, the tree is clean, no rule is broken."""
    assert 0 == move("database/slow", "health/slow-database").exit_code
    shown = git(root, "show", "--name-status", "--find-renames=50%", "--format=%s", "HEAD").split("\n")

    assert "2" == git(root, "rev-list", "--count", "HEAD").strip()
    assert "Move database/slow to health/slow-database" == shown[0]
    assert ["docs/database/slow.md\tdocs/health/slow-database.md"] == [
        line.partition("\t")[2] for line in shown if line.startswith("R") and ".md" in line
    ]
    assert ("", []) == (git(root, "status", "--porcelain"), [str(p) for p in check_project(load_project(root))])


def test_links_follow_in_both_directions(root: Path) -> None:
    """Those to the page, its own, and those of the data files; look-alikes stay."""
    move("database/slow", "health/slow-database")
    moved = text(root, "docs/health/slow-database.md")

    assert "[Slow](../health/slow-database.md#impact)" in text(root, "docs/database/index.md")
    assert "[Slow](../health/slow-database.md#use-this-when)" in text(root, "docs/database/down.md")
    assert "[Down](../database/down.md#use-this-when)" in moved
    assert "[the index](../database/index.md) and ![a picture](../data/a.png)" in moved
    assert (
        "SlowDatabase: {runbook: health/slow-database, see: database/slow-disk}\n"
        'annotations: {runbook_url: "https://runbooks.example/health/slow-database/#impact"}\n'
        'ask: "https://api.example/database/slow/"\n'
    ) == text(root, "docs/data/rules.yml")
    readme = "Run `pytest features/health/slow-database.feature`, see docs/health/slow-database.md.\n"
    assert readme == text(root, "README.md")


def test_commands_are_never_touched(root: Path) -> None:
    """Even when they say the very name."""
    move("database/slow", "health/slow-database")
    assert FILES["features/database/slow.feature"] == text(root, "features/health/slow-database.feature")
    assert FILES["features/database/down.feature"] == text(root, "features/database/down.feature")


def test_former_names_are_kept_and_lead_on(root: Path) -> None:
    """Two moves leave two names, the way back leaves none that is taken."""
    move("database/slow", "database/slower")
    move("database/slower", "health/slow")
    assert "\nmoved_from: [database/slow, database/slower]\n---\n" in text(root, "docs/health/slow.md")
    site = root / "build/site"
    write_redirects(load_project(root).runbooks, site, folders=True)
    first = (site / "database/slow/index.html").read_text("utf-8")
    assert ['content="0; url=../../health/slow/index.html"', "<title>Slow</title>"] == [
        words for words in ('content="0; url=../../health/slow/index.html"', "<title>Slow</title>") if words in first
    ]
    assert (site / "database/slower/index.html").is_file()

    move("health/slow", "database/slow")
    assert "\nmoved_from: [database/slower, health/slow]\n---\n" in text(root, "docs/database/slow.md")


@pytest.mark.parametrize("given", ["id: slow\n", ""], ids=["an id that is written", "an id from the name"])
def test_the_id_stays_and_so_does_the_short_address(root: Path, given: str) -> None:
    """It is in alerts: a new name changes neither."""
    page = text(root, "docs/database/slow.md")
    assert "id: slow\n" in page
    (root / "docs/database/slow.md").write_text(page.replace("id: slow\n", given), encoding="utf-8")
    git(root, "commit", "--quiet", "--all", "--allow-empty", "--message", "x")
    moved = move("database/slow", "health/late")
    links = {link.id: link.stem for link in short_links(load_project(root).runbooks)}

    assert (0, "health/late") == (moved.exit_code, links["slow"])
    assert text(root, "docs/health/late.md").count("\nid: slow\n") == 1


def test_a_former_name_is_given_to_nobody_else(root: Path) -> None:
    """Its address is in alerts and bookmarks: it leads to the runbook that had it."""
    move("database/slow", "database/slower")
    said = "database/slow is a former name of database/slower, and leads there; choose another name"

    assert said == str(move("database/down", "database/slow").exception)
    assert said == str(CliRunner().invoke(app, ["new", "database/slow"]).exception)
    assert "2" == git(root, "rev-list", "--count", "HEAD").strip()


def test_a_dirty_tree_is_refused(root: Path) -> None:
    """Also when it is only a new file: what was moved must be what is committed."""
    (root / "new.txt").write_text("x", encoding="utf-8")
    refused = move("database/slow", "health/slow")

    assert isinstance(refused.exception, RefusedError)
    assert "uncommitted changes (new.txt)" in str(refused.exception)
    assert (root / "docs/database/slow.md").is_file()


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ("database/slwow", "health/slow", ConfigurationError, "did you mean “database/slow”?"),
        ("database/index", "health/slow", ConfigurationError, "there is no runbook"),
        ("database/slow", "database/down", RefusedError, "docs/database/down.md exists"),
        ("database/slow", "../slow", ConfigurationError, "is no good name"),
        ("database/slow", "nowhere/slow", ConfigurationError, "no domain “nowhere”"),
    ],
)
def test_a_bad_name_changes_nothing(root: Path, old: str, new: str, error: type[Exception], said: str) -> None:
    """Neither of what is moved nor of where to."""
    refused = move(old, new)
    assert (error, True) == (type(refused.exception), said in str(refused.exception))
    assert "1" == git(root, "rev-list", "--count", "HEAD").strip()


def test_a_commit_that_is_refused_leaves_the_tree_as_it_was(root: Path) -> None:
    """A hook says no: no file is moved, nothing is staged, what git ignores stays."""
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    (root / "build").mkdir()
    (root / "build/kept").write_text("x", encoding="utf-8")
    refused = move("database/slow", "health/slow")

    assert "git commit: not today" == str(refused.exception)
    assert "" == git(root, "status", "--porcelain")
    assert FILES["docs/database/slow.md"] == text(root, "docs/database/slow.md")
    assert (root / "build/kept").is_file()
    assert not (root / "docs/health/slow.md").exists()


def test_a_former_name_that_lives_is_told(root: Path) -> None:
    """It would hide a page, or lead to two."""
    for path in ("docs/database/slow.md", "docs/database/down.md"):
        page = root / path
        head = 'moved_from: [database/index, old/name]\nreviewed: ""'
        page.write_text(page.read_text("utf-8").replace('reviewed: ""', head), encoding="utf-8")
    said = {problem.message for problem in check_project(load_project(root))}

    assert {
        "moved_from names “database/index”, but docs/database/index.md exists",
        "moved_from names “old/name”, and so does docs/database/down.md",
    } == said
