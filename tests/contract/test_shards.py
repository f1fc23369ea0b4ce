"""Shards 1/2 and 2/2 of the library, merged, are the whole, apart from times."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_second_company import PROJECT, runs

OF_A_RUN = {"started", "duration_s", "run", "stdout", "stderr"}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The library's project."""
    root = tmp_path / "project"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__", "build", "site"))
    return root


def without_times(file: Path) -> list[dict[str, Any]]:
    """The scenarios of an evidence file, without what is another in each run."""

    def plain(entry: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in entry.items() if name not in OF_A_RUN}

    found = json.loads(file.read_text())["scenarios"]
    return [{**plain(entry), "steps": [plain(step) for step in entry["steps"]]} for entry in found]


def test_the_parts_are_the_whole(library: Path) -> None:
    """Neither part is empty, and a wrong part is refused."""
    prove = ("pytest", "features", "-q", "-p", "no:cacheprovider", "--evidence-dir")
    whole = runs(library, *prove, "whole")
    assert "3 passed on branch" in whole.stdout, whole.stdout
    parts = [runs(library, *prove, f"part-{number}", "--shard", f"{number}/2") for number in (1, 2)]
    assert [("1 passed on branch" in p.stdout, "2 passed on branch" in p.stdout) for p in parts] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )
    files = ["part-1/branch.json", "part-2/branch.json"]
    merged = runs(library, "runbooks", "evidence", "merge", *files, "--out", "merged/branch.json")
    assert merged.returncode == 0, merged.stderr
    assert without_times(library / "merged/branch.json") == without_times(library / "whole/branch.json")
    again = runs(library, "runbooks", "evidence", "merge", *files, files[0], "--out", "again/branch.json", "--whole")
    assert (again.returncode, f"1: {files[0]} and 3: {files[0]} hold the same" in again.stderr) == (0, True)
    lonely = runs(library, "runbooks", "evidence", "merge", files[0], "--out", "lonely/branch.json", "--whole")
    assert "of 3 scenarios did not run on" in lonely.stderr
    assert (lonely.returncode != 0, (library / "lonely/branch.json").exists()) == (True, False)
    refused = runs(library, *prove, "whole", "--shard", "3/2")
    assert (refused.returncode, "like 2/4" in refused.stdout + refused.stderr) == (4, True)


def test_a_part_of_nothing_is_no_failure(library: Path) -> None:
    """More machines than scenarios: a part that is empty ends well, and its file joins the others."""
    prove = ("pytest", "features", "-q", "-p", "no:cacheprovider", "--evidence-dir")
    parts = [runs(library, *prove, f"part-{number}", "--shard", f"{number}/4") for number in range(1, 4)]
    parts += [runs(library, *prove, "part-4", "--shard", "4/4", "-n", "2")]
    assert [part.returncode for part in parts] == [0] * 4, [part.stdout for part in parts]
    files = [f"part-{number}/branch.json" for number in range(1, 5)]
    merged = runs(library, "runbooks", "evidence", "merge", *files, "--out", "merged/branch.json", "--whole")
    assert (merged.returncode, merged.stderr.count("holds no scenario")) == (0, 1), merged.stderr
    (kept,) = (library / "merged/history/branch").glob("*.json")
    assert len(json.loads(kept.read_text())["outcomes"]) == 3  # one run, not four quarters
