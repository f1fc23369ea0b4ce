"""A declaration of the blocks that a block is good without: read from the comment above its step."""

from __future__ import annotations

import pytest

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.unit.sources.test_harmless import FEATURE, PATH, procedure


def test_it_belongs_to_the_step_below() -> None:
    """Two blocks, a sentence over two lines; the step before has none."""
    given, when, _ = procedure("# good without (1, 2): it looks itself\n    #   what there is.").steps
    why = "it looks itself what there is."
    assert when.good_without == ((1, why), (2, why))
    assert given.good_without == ()


def test_it_stands_beside_what_is_harmless() -> None:
    """Neither sentence goes on into the other."""
    above = "# harmless (no-op): it says the same twice.\n    # good without (1): it looks itself first."
    step = procedure(above).steps[1]
    assert step.harmless == ((Break.NO_OP, "it says the same twice."),)
    assert step.good_without == ((1, "it looks itself first."),)


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ("# good without 1: it looks itself first.", "not understood"),
        ("# good without (the list): it looks itself first.", "not understood"),
        ("# good without (1): fine.", "why is it good without that block?"),
        ("# good without (1): it looks itself first.\n\n    # more", "stands above no step"),
    ],
)
def test_what_says_nothing_is_refused(above: str, said: str) -> None:
    """With its line."""
    with pytest.raises(FeatureError, match=r"full\.feature:6: ") as refused:
        parse_feature(FEATURE.format(above=above), PATH)
    assert said in str(refused.value)
