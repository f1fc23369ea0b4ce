"""A small project of its own, and the embedded target as its staging: reached by URLs, never stopped by a run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.house import ENTRY_POINTS, HOUSE

__all__ = ["LiveProject", "live_variables"]

NOT_HANDED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "TZ", "RUNBOOKS_TARGET")
PYPROJECT = f'[tool.pytest.ini_options]\naddopts = ["--strict-markers"]\n{HOUSE}{ENTRY_POINTS}'


def live_variables(target: EmbeddedTarget, name: str = "staging") -> dict[str, str]:
    """The target's variables, as somebody would set them for a live target of that name."""
    environment = target.environment()
    return {f"{name.upper()}_{key}": value for key, value in environment.items() if key not in NOT_HANDED_ON}


@dataclass(frozen=True)
class LiveProject:
    """The project's folder, and what a run of it gets to see."""

    root: Path
    variables: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def make(cls, root: Path, variables: dict[str, str], files: dict[str, str]) -> LiveProject:
        """Writes the files, and a pyproject.toml."""
        for name, text in {"pyproject.toml": PYPROJECT, "mkdocs.yml": "site_name: x\n", **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return cls(root, variables)

    def environment(self, **more: str) -> dict[str, str]:
        """For a process of its own."""
        return {**os.environ, **self.variables, **more}

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """`pytest … --target staging`, not waited for."""
        command = [sys.executable, "-m", "pytest", "--rootdir", str(self.root), "--target", "staging", "-q"]
        process = subprocess.Popen(
            [*command, "-p", "no:cacheprovider", *arguments],
            cwd=self.root,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def end_all(self) -> None:
        """Kills what a test that failed has left running."""
        for process in self.started:
            process.kill()
            process.communicate(timeout=30)
        self.started.clear()

    def run(self, *arguments: str, **more: str) -> tuple[int, str]:
        """The same, to its end: exit code and everything that was said."""
        process = self.start(*arguments, **more)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said
