"""A small project whose live target is a file that is only written to, and persons who run its procedures.

Every change begins with `begin-…` and ends with its name, so that the file tells what was done, how often, in which
order, and what was cut off.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.contract.person import Person

__all__ = ["KEYS", "Ledger"]

KEYS = "[q] stop"
PYPROJECT = '''\
[project]
name = "ledger"
version = "1"

[project.entry-points."runbooks.targets"]
branch = "branch:make"

[tool.pytest.ini_options]
addopts = ["--strict-markers"]

[tool.runbooks]
default_target = "branch"
parts = ["shelf"]
steady_state = """echo '{"checks": [{"name": "Shelf", "status": "healthy"}]}'"""
'''
BRANCH = "from runbook_steps.engine.targets.live import LiveTarget\n\nmake = LiveTarget.make\n"


@dataclass(frozen=True)
class Ledger:
    """The project of one feature, and its file."""

    root: Path
    program: str
    cache: Path

    @classmethod
    def make(cls, root: Path, feature: str, page: str, program: str, cache: Path, *, settings: str = "") -> Ledger:
        """`program` is `runbooks`; `cache` is where compiled modules are kept, for all runs; `settings` are more."""
        files = {"pyproject.toml": PYPROJECT + settings, "mkdocs.yml": "site_name: x\n", "branch.py": BRANCH}
        for name, text in {**files, "features/notes.feature": feature, "docs/notes.md": page}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
        return cls(root, program, cache)

    @property
    def file(self) -> Path:
        """What is written to."""
        return self.root / "ledger"

    def lines(self) -> list[str]:
        """What was written, in order."""
        return self.file.read_text("utf-8").splitlines() if self.file.exists() else []

    def runs(self, scenario: str, *arguments: str, **variables: str) -> Person:
        """`runbooks run notes …` at a terminal, on the live target."""
        environment = {
            **os.environ,
            "BRANCH_LEDGER": str(self.file),
            "PYTHONPYCACHEPREFIX": str(self.cache),
            "PYTHONDONTWRITEBYTECODE": "",
            **variables,
        }
        said = [self.program, "run", "notes", "--target", "branch", *arguments]
        return Person([*said, "--scenario", scenario] if scenario else said, environment, self.root)

    def journal(self) -> Path:
        """The newest."""
        found = (self.root / "build/journal").glob("*.jsonl")
        return max(found, key=lambda file: file.stat().st_mtime_ns)

    def undos(self) -> list[Path]:
        """Those that are kept ready."""
        return sorted((self.root / "build").rglob("undo/**/*.json"))
