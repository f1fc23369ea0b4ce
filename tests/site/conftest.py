"""A small project to build a site from: the real settings, styles and data, and one demo runbook."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook_steps.model import Evidence, Outcome, Role, ScenarioRecord, Step, StepRecord
from runbook_steps.parse import parse_feature, procedure_hash
from runbook_steps.record import write_evidence

collect_ignore = ["demo_project"]  # its feature is there to be read, not to be followed
ROOT = Path(__file__).parents[2]
DEMO = Path(__file__).parent / "demo_project"
FEATURE = "features/database/connections-exhausted.feature"
PAGE = "docs/database/connections-exhausted.md"
OUTPUT = " state               | sessions\n---------------------+---------\n idle in transaction |       20\n"
STARTED = "2026-11-23T15:00:00.000Z"


@dataclass(frozen=True)
class Built:
    """A build of the site: where it is, how it ended, what it said."""

    site: Path
    exit_code: int
    said: str

    def page(self, stem: str) -> str:
        """The HTML of a page."""
        return (self.site / stem / "index.html").read_text("utf-8")


@dataclass(frozen=True)
class DemoProject:
    """A project in a folder of its own."""

    root: Path

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces text in a file; the old text must be there."""
        file = self.root / path
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def prove(self, change: Callable[[ScenarioRecord], ScenarioRecord] = lambda record: record) -> None:
        """Writes evidence as a run would have, each record changed as the test wants it."""
        runbook = parse_feature((self.root / FEATURE).read_text("utf-8"), FEATURE)
        records: dict[str, ScenarioRecord] = {}
        for procedure in runbook.procedures:
            rows = [f"[{'-'.join(row)}]" for row in procedure.examples[1:]] or [""]
            for row in rows:
                record = change(
                    ScenarioRecord(
                        id=f"{FEATURE}::{procedure.name}{row}",
                        feature=FEATURE,
                        scenario=procedure.name,
                        risk=procedure.risk,
                        outcome=Outcome.PASSED,
                        started=STARTED,
                        duration_s=4.2,
                        commit="abc1234def5678abc1234def5678abc1234def56",
                        dirty=False,
                        target="embedded",
                        emulated={"aws": "moto"},
                        tools={"postgres": "18.6"},
                        steps=tuple(_passed(step) for step in procedure.steps),
                        text_hash=procedure_hash(procedure),
                    )
                )
                records[record.id] = record
        write_evidence(
            self.root / "build/evidence/embedded.json",
            Evidence("embedded", "2026-11-23T15:01:00.000Z", records),
        )

    def build(self, environ: Mapping[str, str] = os.environ) -> Built:
        """Builds the site as `make` does."""
        site = self.root / "site"
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
            cwd=self.root,
            env={**environ, "NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Built(site, done.returncode, done.stdout + done.stderr)


def _passed(step: Step) -> StepRecord:
    command = step.command
    return StepRecord(
        role=step.role,
        keyword=step.keyword,
        text=step.text,
        line=step.position.line,
        outcome=Outcome.NOT_RUNNABLE if step.manual else Outcome.PASSED,
        duration_s=0.4 if step.role is Role.WHEN else 0.0,
        command=command.text if command else None,
        media_type=command.media_type if command else None,
        exit_code=0 if command else None,
        stdout=OUTPUT if command else "",
    )


@pytest.fixture
def project_at() -> Callable[[Path], DemoProject]:
    """Makes a project of a folder that is filled already."""
    return DemoProject


@pytest.fixture
def demo(tmp_path: Path) -> DemoProject:
    """The demo project, copied to where a test may change it."""
    root = tmp_path / "project"
    shutil.copytree(DEMO, root)
    shutil.copy(ROOT / "mkdocs.yml", root)
    (root / "pyproject.toml").write_text('[project]\nname = "demo"\n', encoding="utf-8")
    for path in ("index.md", "contributing.md", "assets", "data", "reference/evidence-schema.md"):
        source, target = ROOT / "docs" / path, root / "docs" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    home = (root / "docs/index.md").read_text("utf-8").splitlines(keepends=True)
    of_this_project = ("(emergency/", "(reference/contacts")  # pages that the demo does not have
    kept = [line for line in home if not any(link in line for link in of_this_project)]
    (root / "docs/index.md").write_text("".join(kept), encoding="utf-8")
    return DemoProject(root)
