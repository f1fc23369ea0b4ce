"""`runbooks links` and `runbooks coverage` from a shell: what they print, and how they end."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import add_extensions, app
from runbook_steps.engine.project.project import load_project
from runbook_steps.version_1.command import data_problems
from runbook_steps.version_1.coverage import COVERAGE_PAGE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pages and features of this project in a folder of their own, which is the current one."""
    for folder in ("docs", "features", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("mkdocs.yml", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    add_extensions()
    return tmp_path


def test_external_addresses_are_listed_and_a_broken_link_is_an_error(tmp_path: Path) -> None:
    """The list on standard output, what is wrong on standard error."""
    (tmp_path / "index.html").write_text('<a href="https://a.com/">A</a>')
    good = CliRunner().invoke(app, ["links", str(tmp_path)])
    (tmp_path / "index.html").write_text('<a href="https://a.com/">A</a> <a href="#no">x</a>')
    bad = CliRunner().invoke(app, ["links", str(tmp_path)])

    assert (0, "https://a.com/\n") == (good.exit_code, good.stdout)
    assert (1, "https://a.com/\n") == (bad.exit_code, bad.stdout)
    assert "index.html: #no: there is no anchor “no” on that page" in bad.stderr


def test_a_page_of_the_coverage_that_was_edited_is_told(copy: Path) -> None:
    """It is made from its data, and from nothing else."""
    page = copy / COVERAGE_PAGE
    page.write_text(page.read_text("utf-8") + "more\n", encoding="utf-8")
    said = [str(problem) for problem in data_problems(load_project(copy))]

    assert [f"{COVERAGE_PAGE}:1: is not what its data says; make it with `runbooks coverage --write`"] == said
    assert 0 == CliRunner().invoke(app, ["coverage", "--write"]).exit_code
    assert page.read_text("utf-8") == (ROOT / COVERAGE_PAGE).read_text("utf-8")


def test_nothing_of_version_1_is_lost() -> None:
    """Every heading and command has its row, and every row leads to a page and a scenario that exist."""
    assert [] == [str(problem) for problem in data_problems(load_project(ROOT))]


def test_a_scenario_that_was_renamed_is_told(copy: Path) -> None:
    """By `runbooks check`, before anything is built."""
    feature = copy / "features/health/daily-check.feature"
    feature.write_text(feature.read_text("utf-8").replace("The platform is healthy", "The platform is well"), "utf-8")
    checked = CliRunner().invoke(app, ["check"])

    assert 1 == checked.exit_code
    assert "no scenario “The platform is healthy” in features/health/daily-check.feature" in checked.stdout
