"""The trend, the badges: what they say is what the evidence says, whatever stands in it."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

from runbook_steps.engine.model import Evidence, Outcome
from runbook_steps.engine.proof.past_runs import PastRun
from runbook_steps.engine.proof.standing import Tone
from runbook_steps.engine.site.blocks.trend_and_badges import (
    badge_json,
    badge_svg,
    flaky_table,
    overall_badge,
    runbook_badge,
    trend,
)
from tests.unit.proven_runbook import BOOK
from tests.unit.site.blocks.test_proof import record

RUN = PastRun("embedded", "2026-11-24T10:00:00+00:00", "abcdef123", 61.0, {"f::a": "passed", "f::b": "failed"})


def test_the_trend_has_a_bar_a_run_and_the_numbers_in_words() -> None:
    """What passed below, what did not above; the table says the same."""
    drawn = trend([replace(RUN, outcomes={"f::a": "passed"}), RUN])
    assert (drawn.count("rb-good"), drawn.count("rb-bad"), drawn.count("<tr><td>")) == (2, 1, 2)
    assert 'aria-label="embedded: 1 of 2 scenarios passed in the last of 2 runs"' in drawn
    assert "<td>abcdef1</td><td>1 of 2</td><td>1 min 1 s</td>" in drawn
    assert "No run was kept yet" in trend([])


def test_hostile_names_stay_text() -> None:
    """In the drawing, in the table, in a badge."""
    bad = replace(RUN, target="<script>", outcomes={"f::<img src=x>{{ 7*7 }}|": "passed"})
    again = replace(bad, outcomes={"f::<img src=x>{{ 7*7 }}|": "failed"})
    for text in (trend([bad]), flaky_table([bad, again]), badge_svg('<script>&"{{', Tone.BAD)):
        assert ("<script>" in text, "<img" in text, "{{" in text) == (False, False, False)


def evidence(*outcomes: Outcome) -> tuple[Evidence, ...]:
    """Of the book of three scenarios."""
    names = [("It is found", ""), ("It is read", "[a]"), ("It is read", "[b]")]
    records = [record(*name, outcome) for name, outcome in zip(names, outcomes, strict=False)]
    return (Evidence("embedded", "2026-11-24T10:00:00Z", {each.id: each for each in records}),)


def test_a_badge_says_the_worst() -> None:
    """Proven, partly, failed, never: words and tone."""
    passed, failed, stale = Outcome.PASSED, Outcome.FAILED, Outcome.STALE
    assert runbook_badge(BOOK, evidence(passed, passed, passed)) == ("proven on embedded", Tone.GOOD)
    assert runbook_badge(BOOK, evidence(passed, passed, stale)) == ("stale on embedded 1/2", Tone.PARTLY)
    assert runbook_badge(BOOK, evidence(passed, passed, failed)) == ("failed on embedded", Tone.BAD)
    assert runbook_badge(BOOK, ()) == ("never proven", Tone.NONE)
    assert overall_badge([BOOK], evidence(passed, passed, passed)) == ("1 of 1 proven", Tone.GOOD)
    assert overall_badge([BOOK], evidence(passed)) == ("0 of 1 proven", Tone.PARTLY)


def test_badges_are_good_svg_and_json() -> None:
    """The drawing is XML that says its words to a screen reader; the JSON is what a badge service asks for."""
    drawn = ElementTree.fromstring(badge_svg("1 of 2 proven", Tone.PARTLY))  # noqa: S314 - our own
    assert (drawn.get("role"), drawn.get("aria-label")) == ("img", "runbooks: 1 of 2 proven")
    expected = {"schemaVersion": 1, "label": "runbooks", "message": "1 of 2 proven", "color": "yellow"}
    assert json.loads(badge_json("1 of 2 proven", Tone.PARTLY)) == expected
