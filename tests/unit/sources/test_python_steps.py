"""The Python steps, read without running them, are those that pytest-bdd would take."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from pathlib import Path

from runbook_steps.engine.model import Role
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.sources.python_steps import lines_of, load_catalog
from tests.house import HOUSE

ROOT = Path(__file__).parents[3]
STEPS = """\
import os

from pytest_bdd import given, parsers, then, when

from runbook_steps.faults import dark
from runbook_steps.operations.light import on

LIMIT = "no more than {count:d} are left"
MADE = os.environ.get("X", "")
raise SystemExit("this file is never run")


@given("it is dark")
@when("it is dark")
def darkness(): ...


@then(parsers.parse(LIMIT))
def limit(count): ...


@then(parsers.re(r"it (?P<how>shines|glows)"))
def shines(how): ...


@then(MADE)
def made(): ...
"""


def test_patterns_are_read_without_running_the_file(tmp_path: Path) -> None:
    """Words, formats, expressions and constants; what is made at run time is known to be unknown."""
    for path, text in {
        "steps/light.py": STEPS,
        "steps/broken.py": "def",
        "faults/dark.py": "",
        "operations/light.py": "",
    }.items():
        (tmp_path / "runbook_steps" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "runbook_steps" / path).write_text(text, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(HOUSE, encoding="utf-8")
    catalog = load_catalog(load_settings(tmp_path))

    def found(role: Role, text: str) -> list[str]:
        return [step.function.rpartition(":")[2] for step in catalog.of(role, text)]

    assert [["darkness"], ["darkness"], [], ["limit"], [], ["shines"], []] == [
        found(Role.GIVEN, "it is dark"),
        found(Role.WHEN, "it is dark"),
        found(Role.THEN, "it is dark"),
        found(Role.THEN, "no more than 3 are left"),
        found(Role.THEN, "no more than three are left"),
        found(Role.THEN, "it glows"),
        found(Role.THEN, "it glows red"),
    ]
    assert ["MADE"] == [step.text for step in catalog.steps if not step.readable]
    used = catalog.imports["runbook_steps/steps/light.py"]
    assert {"runbook_steps/faults/dark.py", "runbook_steps/operations/light.py"} == used


def test_every_line_of_this_project_has_exactly_one_step() -> None:
    """Also the rows of outlines: what a run would find, is found."""
    catalog = load_catalog(load_settings(ROOT))
    lines = {
        line for each in load_project(ROOT).runbooks for procedure in each.procedures for line in lines_of(procedure)
    }
    wrong = {line: len({step.function for step in catalog.of(*line)}) for line in lines}

    assert {} == {line: count for line, count in wrong.items() if count != 1}


def test_an_operation_that_a_command_calls_is_reached() -> None:
    """By the name of the command, and what it imports."""
    runbook = load_project(ROOT).runbook("database/backup-and-restore")
    assert runbook is not None
    reached = load_catalog(load_settings(ROOT)).reach(runbook)

    assert {"runbook_steps/operations/backup_cli.py", "runbook_steps/operations/backup_restore.py"} <= set(reached)
    assert "runbook_steps/operations/host.py" not in reached
