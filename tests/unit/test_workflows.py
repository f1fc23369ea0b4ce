"""The workflow files: pinned actions, minimal permissions, no secret where anybody can start a run."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import app
from runbook_steps.engine.text.shell import simple_commands

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def read(file: Path) -> dict[str, Any]:
    """The file's content."""
    document: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return document


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_by_hash(file: Path) -> None:
    """A tag can be moved; a hash cannot."""
    uses = [step["uses"] for job in read(file)["jobs"].values() for step in job["steps"] if "uses" in step]
    assert uses
    assert [each for each in uses if not PINNED.fullmatch(each)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_permissions_are_said_and_only_read_the_code(file: Path) -> None:
    """What a job writes is pages, by OIDC."""
    document = read(file)
    assert document["permissions"] == {"contents": "read"}
    for job in document["jobs"].values():
        writes = {name for name, right in job.get("permissions", {}).items() if right == "write"}
        assert writes <= {"id-token", "pages"}
        assert job["timeout-minutes"] <= 60


def test_a_push_sees_no_secret() -> None:
    """Anybody may open a pull request."""
    assert "secrets." not in (FOLDER / "verify.yml").read_text("utf-8")


def test_staging_is_only_read() -> None:
    """No --allow in a run that nobody watches, and no key that is stored."""
    text = (FOLDER / "nightly.yml").read_text("utf-8")
    assert "--allow" not in text
    assert "secrets.AWS" not in text
    assert "role-to-assume" in text


# ── what they run is there ───────────────────────────────────────────────────────────────────────

ROOT = Path(__file__).parents[2]
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def steps_of(file: Path) -> list[dict[str, Any]]:
    """Of all its jobs, in order."""
    return [step for job in read(file)["jobs"].values() for step in job["steps"]]


def commands(file: Path) -> list[tuple[str, ...]]:
    """What it runs of this project: `runbooks`, `pytest`, `make` and `.ci/run`."""
    texts = [EXPRESSION.sub("1", step["run"]) for step in steps_of(file) if "run" in step]
    found = [each.words for text in texts for each in simple_commands(text)]
    return [words for words in found if words[0].startswith((".venv/", ".ci/")) or words[0] == "make"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_command_and_option_of_it_exists(file: Path) -> None:
    """A workflow that names what is gone fails at night, where nobody looks."""
    found = commands(file)
    assert found
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for program, *words in found:
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        if program == "make":
            assert words[0] in targets
        elif program == ".venv/bin/pytest":
            asked = [sys.executable, "-m", "pytest", "--help"]
            helped = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
            assert [each for each in options if f"{each}=" not in helped and f"{each} " not in helped] == []
        elif program == ".venv/bin/runbooks":
            path = list(itertools.takewhile(re.compile("[a-z-]+").fullmatch, words))
            done = CliRunner().invoke(app, [*known(path), "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
            assert done.exit_code == 0, done.output
            assert [each for each in options if each not in done.output] == []
        else:
            assert (ROOT / program).is_file()


def known(words: list[str]) -> list[str]:
    """As many of them as name a command."""
    command, found = get_command(app), []
    for word in words:
        below = getattr(command, "commands", {})
        if not below:
            break
        assert word in below, f"{word!r} is no command: {sorted(below)}"
        command = below[word]
        found.append(word)
    return found


def test_the_parts_of_the_night_are_a_whole() -> None:
    """Each machine of the matrix has its part, no part is left out, and a part that is missing is refused."""
    nightly = FOLDER / "nightly.yml"
    jobs = read(nightly)["jobs"]
    parts = jobs["drill"]["strategy"]["matrix"]["part"]
    (shard,) = re.findall(r"--shard \$\{\{ matrix\.part \}\}/(\d+)", nightly.read_text("utf-8"))
    assert parts == list(range(1, int(shard) + 1))
    assert jobs["prove"]["needs"] == "drill"
    merged = next(words for words in commands(nightly) if words[1:3] == ("evidence", "merge"))
    assert "--whole" in merged
    assert merged[merged.index("--out") + 1] == "build/evidence/embedded.json"


def test_what_is_published_was_joined_and_signed_before() -> None:
    """In this order; the key is a secret of the environment, and no file of it is left behind."""
    names = [step.get("run", step.get("uses", "")) for step in read(FOLDER / "nightly.yml")["jobs"]["prove"]["steps"]]
    order = ["evidence merge", "--target staging", "evidence sign", "actions/cache/save", "make site", "pages-artifact"]
    places = [next(number for number, text in enumerate(names) if words in text) for words in order]
    assert places == sorted(places)
    (sign,) = [text for text in names if "evidence sign" in text]
    assert "secrets." not in sign  # by its environment, not in the text of a command
    assert sign.rstrip().endswith('rm "$RUNNER_TEMP/evidence.pem"')
