"""The numbers that are kept: read back as written, counted against what the feature declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.model import Procedure
from runbook_steps.engine.proof.worth import (
    Tried,
    Worth,
    WorthThen,
    load_worth,
    score_of,
    worth_history,
    worth_key,
    write_worth,
)  # fmt: skip
from runbook_steps.engine.sources.feature_file import parse_feature

WHY = "it only looks at it."
TRIED = (
    Tried(Break.NO_OP, 1, 5, "", True, "Then it is so"),
    Tried(Break.EMPTIED, 1, 5, "", False, "stayed green"),
    Tried(Break.NEGATED, 2, 9, "“ä”", False, "stayed green"),
)
WORTH = Worth("features/a.feature::One", "k", "embedded", "2026-01-01T00:00:00Z", 1.5, TRIED)


def procedure(declared: str) -> Procedure:
    """A scenario that declares these ways of its command."""
    text = f"""\
@risk_readonly
Feature: A
  Scenario: One
    Given a
    # harmless ({declared}): {WHY}
    When I look:
      \"\"\"bash
      echo
      \"\"\"
    Then it ends with exit code 0
"""
    return parse_feature(text, "features/a.feature").procedures[0]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """The same values; no file is nothing known."""
    file = tmp_path / "deep/worth.json"
    assert load_worth(file) == {}
    point = WorthThen("2026-01-01T00:00:00Z", 1, 3, 1, 1)
    assert worth_history(file) == ()
    write_worth(file, {WORTH.id: WORTH}, [point])
    assert load_worth(file) == {WORTH.id: WORTH}
    assert worth_history(file) == (point,)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2, "scenarios": []}', '{"version": 1, "scenarios": [{"id": 1}]}']
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    """Never taken for nothing known."""
    (tmp_path / "worth.json").write_text(text)
    with pytest.raises(EvidenceError, match=r"worth\.json"):
        load_worth(tmp_path / "worth.json")


def test_a_score_is_what_was_tried_against_what_is_declared() -> None:
    """Declared and not noticed is harmless; declared and noticed, or never tried, is needless."""
    score = score_of(WORTH, procedure("emptied, no-op, swapped"))
    assert (score.noticed, score.harmless, score.unnoticed) == (TRIED[:1], ((TRIED[1], WHY),), TRIED[2:])
    assert score.needless == ((1, Break.NO_OP), (1, Break.SWAPPED))
    assert score.total == 3
    assert (score + score).total == 6


def test_a_key_changes_with_what_a_number_rests_on() -> None:
    """The scenario, its sources, what is mistaken; not the page, not a declaration."""
    one = procedure("emptied")
    key = worth_key(one, {"steps/a.py::f": "1", "docs/a.md": "1"})
    assert key == worth_key(procedure("no-op"), {"steps/a.py::f": "1", "docs/a.md": "2"})
    others = {
        worth_key(replace(one, text_hash="x"), {"steps/a.py::f": "1"}),
        worth_key(replace(one, row="x"), {"steps/a.py::f": "1"}),
        worth_key(one, {"steps/a.py::f": "2"}),
        worth_key(one, {"steps/a.py::f": "1"}, [["a", "b"]]),
    }
    assert len({key, *others}) == 5
