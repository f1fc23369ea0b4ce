"""Which ways there are to break a scenario, and what each changes."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace

import pytest

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import Position
from runbook_steps.engine.model import Command, Outcome, Procedure, ScenarioRecord
from runbook_steps.engine.mutation import texts
from runbook_steps.engine.mutation.judge import judged, told_without_running
from runbook_steps.engine.mutation.variants import Observed, Variant, variants_of
from runbook_steps.engine.run.recorder import _not_reached
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.unit.records import scenario_record

FEATURE = '''\
@risk_mutating
Feature: Redis
  Scenario: One
    Given 3 sessions are there
    And it is so
    When I get ready to bring it back:
      """bash
      echo undo 4
      """
    And I count:
      """bash
      echo users | tail -n 1
      prune --keep 7
      """
    And I try to remove them:
      """bash
      prune --keep=5
      """
    And a person looks
    Then it ends with exit code 4
    And a person nods
'''
CHANCE = random.Random(1)  # noqa: S311 - a choice, no secret
NOTHING = Position("f", 1)


def command(text: str, media_type: str = "bash") -> Command:
    """A command with that text."""
    return Command(text, media_type, "do it", NOTHING, 30.0)


def procedure() -> Procedure:
    """The one scenario."""
    return parse_feature(FEATURE, "features/redis/full.feature").procedures[0]


def ways(observed: Observed) -> dict[int, list[Break]]:
    """Step → the ways, in the order they are tried."""
    found: dict[int, list[Break]] = {}
    for each in variants_of(procedure(), observed, mistaken=(("users", "services"),)):
        found.setdefault(each.step, []).append(each.way)
    return found


def test_a_step_is_broken_in_the_ways_it_has() -> None:
    """Undos and what a person does are left alone; what the run showed decides about faults and outputs."""
    observed = Observed(
        arranged=frozenset({0}), worse=frozenset({0}), printed=frozenset({3, 4}), reading=frozenset({6})
    )
    assert ways(observed) == {
        0: [Break.NO_FAULT, Break.LYING, Break.WORSE_FAULT],
        1: [Break.LEFT_OUT],
        3: [Break.NO_OP, Break.FIRST_LINE, Break.WRONG_THING, Break.BY_ONE, Break.SWAPPED],
        4: [Break.NO_OP, Break.KILLED, Break.BY_ONE, Break.EMPTIED],
        6: [Break.NEGATED, Break.BY_ONE],
    }
    assert ways(Observed())[0] == [Break.LEFT_OUT]
    assert ways(Observed(checked=frozenset({0})))[0] == [Break.NEGATED]
    assert 0 not in ways(Observed(skipped=frozenset({0})))
    assert Break.EMPTIED not in ways(Observed())[4]


def test_a_seed_makes_the_same_choice_again() -> None:
    """The same variants for one seed."""
    one, again = (variants_of(procedure(), Observed(), seed=5) for _ in range(2))
    assert one == again


def test_a_number_is_left_when_another_step_would_match() -> None:
    """`it ends with exit code 5` must be the same Python step."""
    found = variants_of(procedure(), Observed(), same_step=lambda *_: False)
    assert (6, Break.BY_ONE) not in [(each.step, each.way) for each in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("echo a\necho b", "echo a"),
        ("echo a |\n  tail -n 1\necho b", "echo a |\n  tail -n 1"),
        ("for x in a b; do\n  echo $x\ndone # all\n# more\necho c", "for x in a b; do\n  echo $x\ndone # all\n# more"),
        ("echo ä; echo b", "echo ä;"),
        ("echo a && echo b", None),
    ],
)
def test_the_first_statement_is_whole(text: str, first: str | None) -> None:
    """It ends where bash ends it, and bash takes it."""
    found = texts.first_statement(command(text))
    assert (found.text if found else None) == first
    if found:
        assert subprocess.run(["bash", "-n", "-c", found.text], check=False).returncode == 0


def test_the_first_statement_of_sql() -> None:
    """Up to its semicolon."""
    found = texts.first_statement(command("SELECT 1;\nSELECT 2;", "sql"))
    assert found == command("SELECT 1;", "sql")
    assert texts.first_statement(command("SELECT 1;", "sql")) is None


def test_a_killed_command_did_its_first_half() -> None:
    """It has printed the first, and dies before the second."""
    found = texts.killed(command("echo a\necho b"))
    assert found is not None
    done = subprocess.run(["bash", "-eu", "-c", found.text], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("a\n", -9)


def test_an_emptied_command_does_its_work(tmp_path: object) -> None:
    """The file is there, the output is not."""
    found = texts.emptied(command(f"echo a; echo b > {tmp_path}/made"))
    done = subprocess.run(["bash", "-eu", "-c", found.text], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
    assert subprocess.run(["cat", f"{tmp_path}/made"], capture_output=True, text=True, check=True).stdout == "b\n"


def test_another_thing_is_a_whole_word_everywhere() -> None:
    """`bookings_old` is no `bookings`; the one that stands first is taken."""
    found = texts.acting_on_another(
        command("select bookings_old, bookings from bookings, users"),
        (("users", "x"), ("bookings", "y")),
        CHANCE,
    )
    assert found is not None
    assert found[0].text == "select bookings_old, y from y, users"
    assert texts.acting_on_another(command("select 1"), (("users", "x"),), CHANCE) is None


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("keep 7 of them", "keep 8 of them"),
        ("curl --max-time 5 x", None),
        ("within 30 seconds", None),
        ("sleep 3", None),
        ("127.0.0.1:80 and 1.5 and v2", None),
        ("limit=9", None),
        ("at least 80 % of it", None),
        ("less than 3", None),
    ],
)
def test_one_more_leaves_times_and_names(text: str, more: str | None) -> None:
    """Only a number that says how many, or which."""
    found = texts.one_more(text, CHANCE)
    assert (found[0] if found else None) == more


def test_of_a_command_only_what_an_option_takes_is_a_number() -> None:
    """Not a column, a redirection or a line."""
    found = texts.option_one_more(command("awk '{print $1}' 2>&1 | tail -n 5; prune --keep 7 --timeout 9"), CHANCE)
    assert found is not None
    assert found[0].text == "awk '{print $1}' 2>&1 | tail -n 5; prune --keep 8 --timeout 9"
    assert texts.option_one_more(command("echo 1 2"), CHANCE) is None


def record(variant: Variant, *outcomes: Outcome) -> ScenarioRecord:
    """What a run of the variant recorded."""
    steps = [replace(_not_reached(s), outcome=o) for s, o in zip(variant.procedure.steps, outcomes, strict=False)]
    whole = next((o for o in outcomes if o is not Outcome.PASSED), Outcome.PASSED)
    return scenario_record("f", "s", risk=variant.procedure.risk, outcome=whole, steps=tuple(steps), reason="so")


def test_only_a_step_from_the_broken_one_on_is_noticing() -> None:
    """Not an earlier one, not what clears away, not a scenario that was not run, not one that hung."""
    variant = next(v for v in variants_of(procedure(), Observed()) if v.step == 3)
    passed, failed = Outcome.PASSED, Outcome.FAILED

    def noticed(*outcomes: Outcome) -> bool | None:
        found = judged(variant, record(variant, *outcomes))
        return found.noticed if found else None

    assert noticed(passed, passed, passed, failed) is True
    assert noticed(passed, passed, passed, passed, Outcome.TIMED_OUT) is True
    assert noticed(*[passed] * 8) is False
    assert noticed(passed, failed) is None
    assert noticed(Outcome.NOT_RUNNABLE) is False
    torn_down = replace(record(variant, *[passed] * 8), outcome=failed)
    found = judged(variant, torn_down)
    assert found is not None
    assert (found.noticed, found.told) == (False, "no step turned red (failed): so")
    hung = judged(variant, None, hung_s=9)
    assert hung is not None
    assert (hung.noticed, hung.told) == (False, "hung: it had not ended after 9 s")


def test_a_then_without_a_check_cannot_be_negated() -> None:
    """It is told without a run."""
    (variant,) = (v for v in variants_of(procedure(), Observed()) if v.way is Break.NEGATED)
    assert told_without_running(variant, checked=True).noticed
    assert not told_without_running(variant, checked=False).noticed
