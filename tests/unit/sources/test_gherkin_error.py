"""What the parser of Gherkin cannot read is told as what could stand there."""

from __future__ import annotations

import pytest

from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.sources.feature_file import parse_feature

GOOD = '@risk_readonly\nFeature: F\n  Scenario: S\n    When I look:\n      """bash\n      ls\n      """\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Scenario: x\n", "f.feature:1: “Scenario: x” does not belong here: the file begins with `Feature:`"),
        ("Feature: F\n  @a\n  Then x\n", "f.feature:3: “Then x” does not belong here: a scenario begins with"),
        (f"{GOOD}    Wen x\n", "f.feature:8: “Wen x” does not belong here: a step begins with Given"),
        (f"{GOOD}    Wen x\n", "did you mean “When”?"),
        ('Feature: F\n  Scenario: S\n    When I look:\n      """bash\n      ls\n', "it ends too early"),
    ],
)
def test_it_is_told_what_could_stand_there(text: str, said: str) -> None:
    """In the words of who writes features, with the line; never in those of a parser."""
    with pytest.raises(FeatureError) as refused:
        parse_feature(text, "f.feature")
    assert said in str(refused.value)
    assert "#" not in str(refused.value)
