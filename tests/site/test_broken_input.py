"""Whatever is broken is told in one line with its file and line, and the site that was there stays as it was."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.errors import RunbookError
from runbook_steps.engine.project.project import load_project
from tests.site.conftest import DemoProject

PAGE = "docs/database/connections-exhausted.md"
FEATURE = "features/database/connections-exhausted.feature"


def build(project: DemoProject) -> subprocess.CompletedProcess[str]:
    """`runbooks build`."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("runbooks")), "build"],
        cwd=project.root,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def files_of(project: DemoProject) -> dict[str, bytes]:
    """Every file of the site, and what it holds."""
    site = project.root / "site"
    return {p.relative_to(site).as_posix(): p.read_bytes() for p in site.rglob("*") if p.is_file()}


def twin(project: DemoProject, **changes: str) -> None:
    """A second runbook like the first, its page changed."""
    text = (project.root / PAGE).read_text("utf-8")
    for old, new in changes.items():
        text = text.replace(f"{old}: connections-exhausted", f"{old}: {new}")
    (project.root / "docs/database/twin.md").write_text(text, encoding="utf-8")
    feature = (project.root / FEATURE).read_text("utf-8")
    (project.root / "features/database/twin.feature").write_text(feature, encoding="utf-8")


def circle(project: DemoProject) -> None:
    """Two runbooks that each say they were the other."""
    twin(project, id="twin")
    project.edit(PAGE, "reviewed:", "moved_from: [database/twin]\nreviewed:")
    project.edit("docs/database/twin.md", "reviewed:", "moved_from: [database/connections-exhausted]\nreviewed:")


BROKEN: dict[str, tuple[Callable[[DemoProject], object], list[str]]] = {
    "front matter that is no YAML": (
        lambda p: p.edit(PAGE, "alerts: [", "alerts: [["),
        [f"{PAGE}:8: not YAML: "],
    ),
    "an id that two have": (twin, ["docs/database/twin.md:4: id “connections-exhausted” is taken by"]),
    "an unknown owner": (
        lambda p: p.edit(PAGE, "owner: Engineering Lead", "owner: Nobody"),
        [f"{PAGE}:5: owner “Nobody” is not in docs/data/contacts.yml"],
    ),
    "an unknown alert": (
        lambda p: p.edit(PAGE, "alerts: [DatabaseConnectionsHigh]", "alerts: [DatabaseConnectionsHigh, Ghost]"),
        [f"{PAGE}:7: ", "Ghost"],
    ),
    "a circle of former names": (
        circle,
        [f"{PAGE}:12: moved_from names “database/twin”", "docs/database/twin.md:12: moved_from names"],
    ),
    "a data file that is gone": (
        lambda p: (p.root / "docs/data/contacts.yml").unlink(),
        ["docs/data/contacts.yml:1: cannot be read: No such file"],
    ),
    "evidence cut in half": (
        lambda p: (p.root / "build/evidence/embedded.json").write_text('{"schema": "'),
        ["embedded.json is not JSON"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_input_is_named_with_file_and_line(demo: DemoProject, name: str) -> None:
    """One line for each thing that is wrong; nothing else is wrong before."""
    demo.prove()
    assert () == check_project(load_project(demo.root))
    change, expected = BROKEN[name]
    change(demo)
    try:
        said = [str(problem) for problem in check_project(load_project(demo.root))]
    except RunbookError as error:
        said = [str(error)]
    missing = [words for words in expected if not any(words in line for line in said)]
    assert [] == missing, said
    assert all("\n" not in line for line in said)


def test_a_failed_build_leaves_the_site_as_it_was(demo: DemoProject) -> None:
    """Also when the fault shows only after pages were written; the next good build takes its place."""
    assert 0 == build(demo).returncode
    before = files_of(demo)

    demo.edit(PAGE, "Full again", "[Full](#nobody) again")  # the builder tells this at its very end
    late = build(demo)
    assert (1, True) == (late.returncode, "contains a link '#nobody'" in late.stdout + late.stderr)
    assert before == files_of(demo)

    demo.edit(PAGE, "[Full](#nobody) again", "Back again")
    demo.edit(PAGE, "owner: Engineering Lead", "owner: Nobody")
    early = build(demo)
    assert (1, 1) == (early.returncode, (early.stdout + early.stderr).count(f"{PAGE}:5: owner “Nobody”"))
    assert "Traceback" not in early.stdout + early.stderr
    assert before == files_of(demo)

    demo.edit(PAGE, "owner: Nobody", "owner: Engineering Lead")
    (demo.root / ".site.999999999.partly").mkdir()  # of a build that was killed
    assert 0 == build(demo).returncode
    assert "Back again" in (demo.root / "site/database/connections-exhausted/index.html").read_text("utf-8")
    assert [] == list(demo.root.glob(".site.*"))


def test_a_folder_that_is_no_site_is_never_replaced(demo: DemoProject) -> None:
    """A mistyped folder keeps what is in it."""
    (demo.root / "site").mkdir()
    (demo.root / "site/thesis.txt").write_text("years of work")
    done = build(demo)
    assert (2, "years of work") == (done.returncode, (demo.root / "site/thesis.txt").read_text())
    assert done.stderr.startswith("error: ")
