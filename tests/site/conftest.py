"""What the tests of the site share.

A small project to build from, with the real settings, styles and data and one demo runbook, for tests that change it;
and the real site, built once for all tests that only read it, served, with a browser to read it in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from runbook_steps.engine.model import Evidence, Outcome, Procedure, Role, ScenarioRecord, Step, StepRecord
from runbook_steps.engine.proof.evidence_file import write_evidence
from runbook_steps.engine.proof.rests_on import source_index
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.site.build.archive import ARCHIVE, write_archive
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.house import ENTRY_POINTS, HOUSE
from tests.site.browser import ARGUMENTS, chromium, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

collect_ignore = ["demo_project"]  # its feature is there to be read, not to be followed
ROOT = Path(__file__).parents[2]
DEMO = Path(__file__).parent / "demo_project"
FEATURE = "features/database/connections-exhausted.feature"
OF_THIS_PROJECT = ("feedback.yml", "search.yml")  # data about runbooks that a small project does not have
PAGE = "docs/database/connections-exhausted.md"
OUTPUT = " state               | sessions\n---------------------+---------\n idle in transaction |       20\n"
STARTED = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="milliseconds")  # a proof runs out
ALERTS = """\
alerts:
  - alert: DatabaseConnectionsHigh
    means: Few connections are left
    severity: MEDIUM
    runbook: connections-exhausted
    called: [of the connections]
    above: 80
    unit: "%"
    source: a drill
    for: 3m
    expr: 100 * sum(pg_stat_activity_count) / max(pg_settings_max_connections) > 80
"""


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
        """Writes evidence of every feature as a run would have, each record changed as the test wants it."""
        records: dict[str, ScenarioRecord] = {}
        sources = source_index(load_settings(self.root))
        for file in sorted((self.root / "features").rglob("*.feature")):
            feature = file.relative_to(self.root).as_posix()
            for procedure in parse_feature(file.read_text("utf-8"), feature).procedures:
                for each in procedure.runs:
                    own = sources.of(each, feature.removeprefix("features/").removesuffix(".feature"))
                    record = change(replace(_proven(each, feature), sources=own))
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
            timeout=120,
            check=False,
        )
        return Built(site, done.returncode, done.stdout + done.stderr)


def _proven(procedure: Procedure, feature: str) -> ScenarioRecord:
    return ScenarioRecord(
        id=procedure.id_in(feature),
        feature=feature,
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
        text_hash=procedure.text_hash,
    )


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
    (root / "pyproject.toml").write_text(f'[project]\nname = "demo"\n{HOUSE}{ENTRY_POINTS}', encoding="utf-8")
    for path in (
        "index.md",
        "contributing.md",
        "assets",
        "data",
        "alerts",
        "reference/evidence-schema.md",
        "reference/monitoring.md",
    ):
        source, target = ROOT / "docs" / path, root / "docs" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    (root / "docs/data/alerts.yml").write_text(ALERTS, encoding="utf-8")
    for file in OF_THIS_PROJECT:
        (root / "docs/data" / file).unlink(missing_ok=True)
    home = (root / "docs/index.md").read_text("utf-8").splitlines(keepends=True)
    of_this_project = ("(emergency/", "(reference/contacts", "(reference/before-")  # pages that the demo does not have
    kept = [line for line in home if not any(link in line for link in of_this_project)]
    (root / "docs/index.md").write_text("".join(kept), encoding="utf-8")
    return DemoProject(root)


def copy_of_this_project(root: Path) -> DemoProject:
    """The project's own pages, features and settings, as a fresh clone has them."""
    for folder in ("docs", "features"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in ("mkdocs.yml", "pyproject.toml"):
        shutil.copy(ROOT / file, root)
    return DemoProject(root)


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The real site with evidence of every scenario, built once for all workers; tests read it, none may change it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # a worker has a folder of its own below the one of the run
    root = shared / "real-site"
    with FileLock(shared / "real-site.lock", timeout=300):
        said = root / "said.txt"
        if not said.exists():
            root.mkdir()
            project = copy_of_this_project(root)
            project.prove()
            built = project.build()
            write_archive(root / "site", root / "site" / ARCHIVE)
            said.write_text(f"{built.exit_code}\n{built.said}", encoding="utf-8")
    code, _, text = said.read_text("utf-8").partition("\n")
    assert code == "0", text
    return Built(root / "site", int(code), text)


@pytest.fixture(scope="session")
def served_site(built_site: Built) -> Iterator[str]:
    """The address of the real site, below a sub-path and with a slash at its end."""
    with serving(built_site.site) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window; skips where there is none.

    One for each module, not for the session: while it runs, this thread has an event loop, and a test of another
    module that calls `asyncio.run` would be refused.
    """
    found = chromium()
    if found is None:
        pytest.skip("no Chromium on the PATH: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS), headless=True)
        yield browser
        browser.close()
