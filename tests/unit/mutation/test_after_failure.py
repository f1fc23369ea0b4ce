"""Which blocks are pasted behind which one that failed, and what a person has done until then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook_steps.engine.model import COUNTER_EXAMPLE, Command, Procedure, Risk, Role
from runbook_steps.engine.mutation.after_failure import NOT_REFUSED, REFUSES, after_failures
from runbook_steps.engine.sources.feature_file import parse_feature

FEATURE = '''\
@risk_mutating
Feature: Redis
  Scenario: One
    Given 3 sessions are there
    When I count:
      """bash
      count
      """
    And I take n from the answer as N
    And I get ready to bring it back:
      """bash
      undo
      """
    And I try to remove them, to read why not:
      """sql
      SELECT refused;
      """
    Then it ends with exit code 3
    # good without (1): it counts them itself first.
    When I remove them:
      """bash
      remove
      """
    And a person looks
    And I look:
      """bash
      look
      """
    And I put back "what was good":
      """sql
      SELECT put_back();
      """
    Then it ends with exit code 0
'''


def procedure() -> Procedure:
    """The one scenario."""
    return parse_feature(FEATURE, "features/redis/full.feature").procedures[0]


def only_reads(command: Command) -> bool:
    """As the names say."""
    return command.text in {"count", "look", "SELECT refused;"}


def shown(found: Procedure) -> list[str]:
    """Its steps: the commands by their text, the others by their line."""
    return [" ".join(step.command.text.split()) if step.command else step.text for step in found.steps]


FAILS = "( set -eu false )"


def test_each_change_behind_each_block() -> None:
    """What is expected to be refused does not fail by itself, what is kept ready does not count."""
    names = [each.name.removeprefix("One, ") for each in after_failures(procedure(), only_reads)]
    assert names == [
        "block 3 after block 1 has failed",
        "block 5 after block 1 has failed",
        "block 5 after block 3 has failed",
        "block 5 after block 4 has failed",
    ]


def test_what_was_done_until_then() -> None:
    """What changes something, or gives a value; no check is looked at, and no value of the failed one is taken."""
    first, _, third, _ = after_failures(procedure(), only_reads)
    assert shown(first) == ["3 sessions are there", FAILS, "remove"]
    taken = ["3 sessions are there", "count", "I take n from the answer as N"]
    assert shown(third) == [*taken, FAILS, "SELECT put_back();"]


def test_the_last_step_says_what_is_expected() -> None:
    """Refused, or declared to be good without it; the blocks before may fail."""
    first, second, *_ = after_failures(procedure(), only_reads)
    assert [(each.steps[-1].text, each.steps[-1].role) for each in (first, second)] == [
        (NOT_REFUSED, Role.THEN),
        (REFUSES, Role.THEN),
    ]
    assert all(step.command.may_fail for step in second.steps[:-1] if step.command and not step.command.undo)


@pytest.mark.parametrize("other", [{"risk": Risk.READONLY}, {"tags": frozenset({COUNTER_EXAMPLE})}])
def test_what_is_not_pasted_has_none(other: dict[str, object]) -> None:
    """What only reads changes nothing; what must not be done has no copy button."""
    assert not list(after_failures(replace(procedure(), **other), only_reads))  # type: ignore[arg-type]
