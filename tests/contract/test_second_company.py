"""A second company, of another domain, with the engine alone: proved, built, led through, reviewed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.person import Person

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "tests/second_company"
BIN = Path(sys.executable).parent
LIMIT_S = 240.0


def runs(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of this environment in the library's folder."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's project in a repository of its own, every scenario proved."""
    root = tmp_path_factory.mktemp("library") / "project"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__", "build", "site"))
    (root / ".gitignore").write_text("build/\nsite/\n__pycache__/\n")
    who = ["-c", "user.name=A Person", "-c", "user.email=person@example.com"]
    for command in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message", "Begin"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    subprocess.run(["git", "config", "user.name", "A Person"], cwd=root, check=True)
    subprocess.run(["git", "config", "user.email", "person@example.com"], cwd=root, check=True)
    proved = runs(root, "pytest", "features", "-q", "-p", "no:cacheprovider")
    assert "3 passed on branch" in proved.stdout, proved.stdout + proved.stderr
    return root


def test_it_keeps_the_rules_and_each_proof_stands(library: Path) -> None:
    """Nothing breaks a rule, nothing is stale, and the evidence is the library's own."""
    checked, status = runs(library, "runbooks", "check"), runs(library, "runbooks", "status", "--target", "branch")
    records = json.loads((library / "build/evidence/branch.json").read_text())["scenarios"]

    assert (checked.returncode, status.returncode) == (0, 0), checked.stdout + status.stdout
    assert {record["outcome"] for record in records} == {"passed"}
    sources = {name for record in records for name in record["sources"]}
    assert {"lending/faults.py", "lending/service.py"} <= sources
    assert not [name for name in sources if name.startswith("runbook_steps/") and "/engine/" not in name]


def test_its_site_is_built_with_its_own_time(library: Path) -> None:
    """Page, proof, time zone."""
    built = runs(library, "runbooks", "build")
    page = (library / "site/lending/overdue-loans/index.html").read_text()

    assert built.returncode == 0, built.stdout + built.stderr
    assert "The book comes back" in page
    assert "(Europe/Lisbon)" in page
    assert "Proven" in page
    assert "nobody has broken this procedure on purpose yet" in page
    assert "BeautyCort" not in page


def test_a_person_is_led_through(library: Path) -> None:
    """On a branch of its own; what went through is a proof. Its last word tells why the end takes a moment."""
    arguments = ["run", "overdue-loans", "--scenario", "The book comes back", "--as", "Librarian"]
    with Person([str(BIN / "runbooks"), *arguments], dict(os.environ), library) as person:
        person.answers("[q] stop", "r")
        assert person.ends(LIMIT_S) == 0, person.seen
    assert "branch" in person.seen
    assert person.seen.rstrip().endswith("Clearing up …")


def test_a_practice_run_is_not_resumed(library: Path) -> None:
    """Its target went with it: on a new one, broken anew, what was made before would count as made."""
    arguments = [str(BIN / "runbooks"), "run", "overdue-loans"]
    with Person([*arguments, "--scenario", "The book comes back"], dict(os.environ), library) as person:
        person.answers("[q] stop", "q")
        assert person.ends(LIMIT_S) == 130, person.seen
    journal = max((library / "build/journal").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    with Person([*arguments, "--resume", str(journal)], dict(os.environ), library) as person:
        person.waits_for("the target that it practised on went with it; start it anew")
        assert person.ends(LIMIT_S) == 3, person.seen


def test_a_runbook_is_reviewed(library: Path) -> None:
    """The plan names what it rests on; the signature is a commit."""
    planned = runs(library, "runbooks", "review", "plan", "overdue-loans")
    signed = runs(library, "runbooks", "review", "sign", "overdue-loans", "--by", "Librarian")

    assert planned.returncode == 0, planned.stderr
    assert "Begin" in planned.stdout
    assert "steps" in planned.stdout
    assert signed.returncode == 0, signed.stdout + signed.stderr
    assert "Librarian" in (library / "docs/about/change-log.md").read_text()


def test_it_imports_nothing_of_the_house(library: Path) -> None:
    """The import contract of its own pyproject.toml holds, and would not with one import of the house."""
    kept = subprocess.run(
        [str(BIN / "lint-imports"), "--no-cache"],
        cwd=library,
        env={**os.environ, "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    service = library / "lending/service.py"
    text = service.read_text()
    service.write_text("from runbook_steps.stand_in.embedded import EmbeddedTarget  # noqa\n" + text)
    try:
        broken = subprocess.run(
            [str(BIN / "lint-imports"), "--no-cache"],
            cwd=library,
            env={**os.environ, "PYTHONPATH": str(library)},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        service.write_text(text)
    assert "1 kept, 0 broken" in kept.stdout, kept.stdout + kept.stderr
    assert "lending.service -> runbook_steps.stand_in.embedded" in broken.stdout
