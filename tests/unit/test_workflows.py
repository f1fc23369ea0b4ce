"""The workflow files: pinned actions, minimal permissions, no secret where anybody can start a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

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
