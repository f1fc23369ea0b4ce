"""`runbooks prove` with the library: planted scenarios that prove nothing are found, honest ones are not accused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_second_company import PROJECT, runs

PLANTED = '''\
Feature: Planted
  @risk_readonly @needs_desk
  Scenario: A check of nothing
    Given a loan is overdue
    When I ask the desk:
      """bash
      curl --silent --fail "$DESK_URL/overdue"
      """
    Then every late reader is named

  @risk_readonly
  Scenario: A Given that lies
    Given a book is said to be lost
    When I look at the shelf:
      """bash
      echo "$SHELF"
      """
    Then it prints "shelf.db"

  @risk_mutating @needs_desk
  Scenario: A remedy that does nothing
    Given a loan is overdue
    When I take the book back:
      """bash
      echo "taken back"
      """
    Then the desk is there

  @risk_mutating @needs_desk
  Scenario: What is left behind
    Given nobody has a book
    When I lend it:
      """bash
      curl --silent --fail --request POST "$DESK_URL/lend"
      """
    And I take it back:
      """bash
      curl --silent --fail --request POST "$DESK_URL/return"
      """
    Then no loan is overdue

  @risk_mutating @needs_desk
  Scenario: What is declared
    Given a loan is overdue
    # harmless (no-op): the answer is for the person who reads,
    # and changes nothing.
    When I ask whether it is open:
      """bash
      curl --silent --fail "$DESK_URL/health"
      """
    # harmless (no-op): this is not so, and must be told.
    And I take the book back:
      """bash
      curl --silent --fail --request POST "$DESK_URL/return"
      """
    Then no loan is overdue
'''
STEPS = '''\
"""Steps that prove nothing."""

from pytest_bdd import given, then

from lending.service import overdue
from runbook_steps.engine.run.situation import Observation


class SaidToBeLost:
    name = "a book is said to be lost"

    def arrange(self):
        """Nothing."""

    def observe(self):
        return Observation(True, "so they say")

    def clear(self):
        self.observe = lambda: Observation(False, "found")


@given("a book is said to be lost")
def said_to_be_lost(situation):
    situation.arrange(SaidToBeLost())


@given("nobody has a book")
def nobody(target):
    assert overdue(target.environment()["SHELF"]) == []


@then("every late reader is named")
def named(target):
    for reader in []:
        assert reader


@then("the desk is there")
def there(target):
    assert target.answers()
'''
Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's project, with planted scenarios."""
    root = tmp_path_factory.mktemp("library") / "project"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__", "build", "site"))
    (root / "features/lending/planted.feature").write_text(PLANTED)
    (root / "lending/steps/planted.py").write_text(STEPS)
    return root


def prove(root: Path, *arguments: str) -> tuple[int, Found, str]:
    """Exit code, scenario → what was found, and what was said beside it."""
    done = runs(root, "runbooks", "prove", "--format", "json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, {row["id"].partition("::")[2]: row for row in json.loads(done.stdout)}, done.stderr


@pytest.fixture(scope="module")
def first(library: Path) -> tuple[int, Found, str]:
    """Everything, tried for the first time, two at a time."""
    return prove(library, "-n", "2")


def missed(row: dict[str, Any]) -> list[str]:
    """The ways that nobody noticed."""
    return sorted(each["way"].partition("@")[0] for each in row["unnoticed"])


def test_honest_scenarios_are_not_accused(first: tuple[int, Found, str]) -> None:
    """All that can go wrong with them is noticed."""
    for name in ("The desk is looked at", "The overdue loans are listed", "The book comes back"):
        row = first[1][name]
        assert row["tried"], row
        assert (missed(row), row["noticed"] >= 4) == ([], True)


@pytest.mark.parametrize(
    ("scenario", "ways"),
    [
        ("A check of nothing", ["negated", "no-op"]),
        ("A Given that lies", ["no-fault"]),
        ("A remedy that does nothing", ["no-op"]),
    ],
)
def test_what_proves_nothing_is_found(first: tuple[int, Found, str], scenario: str, ways: list[str]) -> None:
    """A vacuous Then, a Given that lies, a remedy that does nothing: each by the way that shows it."""
    code, found, _ = first
    assert (code, missed(found[scenario])) == (1, ways)


def test_what_a_variant_leaves_behind_is_not_taken_for_noticing(first: tuple[int, Found, str]) -> None:
    """A book that stays out makes the Given of the next variant red; a fresh target tries that one again."""
    row = first[1]["What is left behind"]
    assert row["tried"], row
    assert missed(row) == ["no-op"]  # without the lending there is nothing to take back
    assert row["noticed"] == 4


def test_a_declaration_is_believed_only_where_it_is_so(first: tuple[int, Found, str]) -> None:
    """What is declared and not noticed is harmless; what is declared and noticed is told."""
    row = first[1]["What is declared"]
    assert [each["why"] for each in row["harmless"]] == ["the answer is for the person who reads, and changes nothing."]
    assert [line.partition(":")[0] for line in row["needless"]] == ["features/lending/planted.feature"]
    assert "declared harmless (no-op)" in row["needless"][0]


def test_a_survivor_is_tried_again_by_one_line(library: Path, first: tuple[int, Found, str]) -> None:
    """The command that is told with it finds it again, and nothing else."""
    (survivor,) = first[1]["A remedy that does nothing"]["unnoticed"]
    words = survivor["again"].split()
    code, found, _ = prove(library, *words[2:])
    assert (words[:2], code) == (["runbooks", "prove"], 1)
    assert [each["way"] for row in found.values() for each in row["unnoticed"]] == [survivor["way"]]


def test_only_what_changed_is_tried_again(library: Path, first: tuple[int, Found, str]) -> None:
    """What is known is not tried again; a step that changes takes its scenarios with it, and the numbers are kept."""
    _, again, said = prove(library)
    assert "8 of 8 scenarios are as they were" in said
    assert again == first[1]
    steps = library / "lending/steps/planted.py"
    steps.write_text(STEPS.replace("for reader in []:", 'for reader in ["Ishmael"]:'))
    try:
        _, mended, said = prove(library, "--record")
    finally:
        steps.write_text(STEPS)
    assert "7 of 8 scenarios are as they were" in said
    assert missed(mended["A check of nothing"]) == ["no-op"]
    kept = json.loads((library / "docs/data/worth.json").read_text())
    assert "features/lending/planted.feature::A check of nothing" in [row["id"] for row in kept["scenarios"]]
    noticed = sum(row["noticed"] for row in mended.values())
    unnoticed = sum(len(row["unnoticed"]) for row in mended.values())
    assert unnoticed == 5  # one each of the four that prove nothing, and a look that may as well come later
    assert [point[1:] for point in kept["history"]] == [[8, noticed + unnoticed + 1, noticed, 1]]


def test_a_budget_that_is_too_small_is_told(library: Path) -> None:
    """What was not reached is told as not tried, never as noticed."""
    code, found, _ = prove(library, "--minutes", "0.001", "--seed", "7", "overdue-loans", "desk-closed")
    assert code == 3
    assert not any(row["tried"] for row in found.values())


def test_no_file_of_the_project_is_changed(library: Path, first: tuple[int, Found, str]) -> None:
    """Variants are made in memory."""
    assert first[0] == 1
    assert (library / "features/lending/planted.feature").read_text() == PLANTED
    assert not list((library / "build").glob("evidence*"))


def test_the_planted_ones_are_found_without_running_them(library: Path) -> None:
    """`runbooks check` says it of their source, and nothing of the honest ones."""
    said = runs(library, "runbooks", "check").stdout
    assert "`[]` may be empty, and then `named` checks nothing" in said
    assert "lending/steps/planted.py:15: always says that the fault is there" in said
    assert "“A remedy that does nothing” is @risk_mutating, and none of its commands does anything" in said
    assert "desk.py" not in said
