"""More scenarios that prove nothing: each found by `runbooks prove`, and by the lint where its source tells."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_second_company import PROJECT, runs

PLANTED = '''\
Feature: Siblings
  @risk_mutating @needs_desk
  Scenario: True before
    Given a loan is overdue
    When I take the book back:
      """bash
      curl --silent --fail --request POST "$DESK_URL/return"
      """
    Then the shelf has books

  @risk_readonly @needs_desk
  Scenario: Compared with itself
    Given a loan is overdue
    When I ask the desk:
      """bash
      curl --silent --fail "$DESK_URL/overdue"
      """
    Then the answer is the answer

  @risk_mutating @needs_desk
  Scenario: It catches its own error
    Given a loan is overdue
    When I take the book back:
      """bash
      curl --silent --fail --request POST "$DESK_URL/return"
      """
    Then nothing is overdue, or so

  @risk_readonly
  Scenario: It is so already
    Given there is a shelf
    When I look at the shelf:
      """bash
      test -s "$SHELF" && echo "$SHELF"
      """
    Then it prints "shelf.db"

  @risk_mutating @needs_desk
  Scenario: Time heals it
    Given a book is held for a moment
    When I let it go:
      """bash
      curl --silent --fail "$DESK_URL/health"
      """
    Then the book is free in the end
'''
STEPS = '''\
"""Steps that prove nothing, in other ways."""

import os
import sqlite3
import time

from pytest_bdd import given, then

from lending.service import overdue
from runbook_steps.engine.run.situation import Observation


class Shelf:
    name = "there is a shelf"

    def __init__(self, shelf):
        self.shelf = shelf

    def arrange(self):
        """It is there."""

    def observe(self):
        return Observation(os.path.exists(self.shelf), self.shelf)

    def clear(self):
        self.observe = lambda: Observation(False, "not looked at any more")


class HeldForAMoment:
    name = "a book is held for a moment"

    def __init__(self, shelf):
        self.mark = shelf + ".held"

    def arrange(self):
        with open(self.mark, "w") as file:
            file.write(str(time.time() + 2))

    def observe(self):
        return Observation(os.path.exists(self.mark), self.mark)

    def clear(self):
        if os.path.exists(self.mark):
            os.remove(self.mark)


@given("there is a shelf")
def there_is_a_shelf(situation, target):
    situation.arrange(Shelf(target.environment()["SHELF"]))


@given("a book is held for a moment")
def held(situation, target):
    situation.arrange(HeldForAMoment(target.environment()["SHELF"]))


@then("the shelf has books")
def has_books(target):
    with sqlite3.connect(target.environment()["SHELF"]) as shelf:
        assert shelf.execute("SELECT count(*) FROM books").fetchone()[0] > 0


@then("the answer is the answer")
def same(results):
    seen = results[-1].stdout
    assert seen == results[-1].stdout


@then("nothing is overdue, or so")
def or_so(target):
    try:
        assert overdue(target.environment()["SHELF"]) == []
    except AssertionError:
        pass


@then("the book is free in the end")
def free(target):
    with open(target.environment()["SHELF"] + ".held") as file:
        until = float(file.read())
    while time.time() < until:
        time.sleep(0.05)
    assert time.time() >= until
'''
LINT = {
    "Compared with itself": "is true whatever was seen",
    "It catches its own error": "swallows every error",
    "It is so already": "arranges nothing",
}
"""Not by their source: what was true before, and what heals by itself, is known by trying alone."""
SEEN = {
    "True before": {"no-op"},
    "Compared with itself": {"no-op"},
    "It catches its own error": {"no-op"},
    "It is so already": {"no-fault"},
    "Time heals it": {"no-op"},
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's project, with these."""
    root = tmp_path_factory.mktemp("library") / "project"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__", "build", "site"))
    (root / "features/lending/siblings.feature").write_text(PLANTED)
    (root / "lending/steps/siblings.py").write_text(STEPS)
    return root


@pytest.fixture(scope="module")
def tried(library: Path) -> dict[str, dict[str, Any]]:
    """Scenario → what was found."""
    done = runs(library, "runbooks", "prove", "--format", "json", "-n", "2", "siblings")
    assert done.stdout, done.stderr
    return {row["id"].partition("::")[2]: row for row in json.loads(done.stdout)}


@pytest.mark.parametrize("scenario", SEEN)
def test_it_is_found_by_trying(tried: dict[str, dict[str, Any]], scenario: str) -> None:
    """At least by the way that shows it."""
    row = tried[scenario]
    assert row["tried"], row
    assert {each["way"].partition("@")[0] for each in row["unnoticed"]} >= SEEN[scenario], row


def test_it_is_found_by_its_source_where_that_tells(library: Path) -> None:
    """And nothing is said of the two whose source is honest."""
    said = [line for line in runs(library, "runbooks", "check").stdout.splitlines() if "siblings.py" in line]
    assert sorted(words for line in said for words in LINT.values() if words in line) == sorted(LINT.values())
    assert len(said) == len(LINT)
