"""What a person sees of procedures before one runs."""

from __future__ import annotations

import pytest

from runbook_steps.engine.guided.brief import shows_a_refusal
from runbook_steps.engine.sources.feature_file import parse_feature


@pytest.mark.parametrize(
    ("end", "refusal"),
    [
        ("it ends with exit code 0", False),
        ("it ends with exit code 3", True),
        ("it ends with exit code 30", False),
        ('it is refused with exit code 3, saying:\n      """\n      no\n      """', True),
        ('it ends with exit code 3\n    When I mend it:\n      """bash\n      ls\n      """', False),
    ],
)
def test_what_only_shows_a_refusal_is_no_remedy(end: str, refusal: bool) -> None:
    """It stands behind the remedies in the list of a run."""
    head = "@risk_readonly\nFeature: F\n\n  Scenario: S\n"
    text = f'{head}    When I do it:\n      """bash\n      ls\n      """\n    Then {end}\n'
    (procedure,) = parse_feature(text, "features/f.feature").procedures
    assert shows_a_refusal(procedure) is refusal
