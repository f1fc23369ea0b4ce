"""A declaration of what does no harm: read from the comment above its step, refused where it says nothing."""

from __future__ import annotations

import pytest

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.model import Procedure
from runbook_steps.engine.sources.feature_file import parse_feature

PATH = "features/redis/full.feature"
FEATURE = '''\
@risk_mutating
Feature: Redis

  Scenario: One
    Given a
    {above}
    When I do it:
      """bash
      # harmless (nonsense): a comment of the command is the command's
      echo 1
      """
    Then it ends with exit code 0
'''


def procedure(above: str) -> Procedure:
    """The scenario with these lines above its command."""
    (found,) = parse_feature(FEATURE.format(above=above), PATH).procedures
    return found


def test_it_belongs_to_the_step_below() -> None:
    """Two ways, a sentence over two lines; the step before has none."""
    given, when, _ = procedure("# harmless (no-op, emptied): nobody\n    #   needs what it prints.").steps
    why = "nobody needs what it prints."
    assert when.harmless == ((Break.NO_OP, why), (Break.EMPTIED, why))
    assert given.harmless == ()


def test_two_stand_above_one_step() -> None:
    """Each with its own sentence."""
    found = procedure("# harmless (no-op): it says the same twice.\n    # harmless (swapped): both only look at it.")
    assert [way for way, _ in found.steps[1].harmless] == [Break.NO_OP, Break.SWAPPED]


def test_it_is_no_part_of_what_is_proven() -> None:
    """A declaration makes no proof stale; other comments are comments."""
    plain = procedure("# as ever")
    assert procedure("# harmless (no-op): it says the same twice.").text_hash == plain.text_hash
    assert plain.steps[1].harmless == ()


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ("# harmless: it only looks at it.", "not understood"),
        ("# Harmless (no-op) it only looks at it.", "not understood"),
        ("# harmless (no-op): fine.", "why is it harmless?"),
        ("# harmless (no-op): it only looks at", "why is it harmless?"),
        ("# harmless (noop): it only looks at it.", "did you mean “no-op”?"),
        ("# harmless (no-op): it only looks at it.\n\n    # more", "stands above no step"),
    ],
)
def test_what_says_nothing_is_refused(above: str, said: str) -> None:
    """With its line."""
    with pytest.raises(FeatureError, match=r"full\.feature:6: ") as refused:
        procedure(above)
    assert said in str(refused.value)
