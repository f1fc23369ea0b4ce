"""Each bad input of bad_inputs.yml is refused in one line with its exit code, and nothing is lost.

The commands run in this process, through the same function as their programs: what they let through as an
exception would be the traceback that a user sees, and is one here.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook_steps.engine.cli import main as cli
from runbook_steps.operations import cli as operations_cli
from tests.contract.stand import ROOT
from tests.house import ENTRY_POINTS, HOUSE

TABLE = yaml.safe_load((Path(__file__).parent / "bad_inputs.yml").read_text("utf-8"))
INPUTS: dict[str, Any] = {entry["given"]: entry for entry in TABLE["inputs"]}
PROGRAMS = {"runbooks": cli.main, "beautycort": operations_cli.main}
SECRET = "geheim99"
SYSTEM = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is right as far as the demo page and feature go."""
    root = tmp_path_factory.mktemp("right") / "project"
    shutil.copytree(ROOT / "tests/site/demo_project", root)
    shutil.copy(ROOT / "mkdocs.yml", root)
    shutil.copytree(ROOT / "docs/data", root / "docs/data")
    for of_all_pages in (
        "coverage.yml",
        "corrections.yml",
        "feedback.yml",
        "variables.yml",
        "checks.yml",
    ):  # they name pages that the demo does not have
        (root / "docs/data" / of_all_pages).unlink(missing_ok=True)
    (root / "pyproject.toml").write_text(f'[project]\nname = "demo"\n{HOUSE}{ENTRY_POINTS}')
    return root


def content(given: Any) -> bytes:
    """What the table says of a file, or of a word: text, bytes, or a letter many times."""
    if isinstance(given, Mapping):
        given = given.get("before", "") + given["repeat"] * given["times"] + given.get("then", "")
    return given if isinstance(given, bytes) else str(given).encode()


def tree(root: Path) -> dict[str, str]:
    """Every file's hash."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def prepared(right: Path, root: Path, entry: Mapping[str, Any]) -> list[str]:
    """The project with the one thing wrong; gives the command's words."""
    shutil.copytree(right, root)
    for name, given in entry.get("files", {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content(given))
    for name, old, new in entry.get("edits", ()):
        text = (root / name).read_text("utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    run = entry["run"]
    return shlex.split(run) if isinstance(run, str) else [content(word).decode() for word in run]


def given_environment(entry: Mapping[str, Any]) -> dict[str, str]:
    """The variables of the entry, on top of a named set of them."""
    own = dict(entry.get("env", {}))
    return {**SYSTEM, **TABLE["environments"].get(own.pop("all of", ""), {}), **own}


@pytest.mark.parametrize("given", INPUTS)
def test_a_bad_input_is_refused_in_words(
    right: Path, tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code, the message with its place, no traceback, no secret, no escape, and every file as it was."""
    entry, root = INPUTS[given], tmp_path / "project"
    words = prepared(right, root, entry)
    for name in set(os.environ):
        monkeypatch.delenv(name)
    for name, value in given_environment(entry).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", words)
    before = tree(root)

    with pytest.raises(SystemExit) as ended:
        PROGRAMS[words[0]]()

    said = "".join(capsys.readouterr()).replace(f"{root}/", "").replace(str(root), ".")
    assert ended.value.code == entry["code"]
    expected = " ".join(entry["says"].split())
    assert expected in flat(said)
    for never in ("Traceback", "internal:", SECRET, "\x1b", "\x07"):
        assert never not in said
    assert tree(root) == before


def flat(said: str) -> str:
    """The words, without the frames that the command line puts around its messages."""
    return " ".join(said.replace("│", " ").replace("─", " ").split())


def test_the_project_is_right_without_them(
    right: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a message could be there for another reason than the input."""
    monkeypatch.chdir(right)
    monkeypatch.setattr("sys.argv", ["runbooks", "check"])
    with pytest.raises(SystemExit):
        cli.main()
    said = capsys.readouterr().out
    expected = {entry["says"] for entry in INPUTS.values() if entry["run"] == "runbooks check"}
    assert [message for message in expected if message in said] == []


def test_the_table_is_long_enough() -> None:
    """A hundred at least, of every kind."""
    assert len(INPUTS) == len(TABLE["inputs"]) >= 100
    assert {str(entry["run"]).split()[0] for entry in INPUTS.values()} >= {"runbooks", "beautycort"}
