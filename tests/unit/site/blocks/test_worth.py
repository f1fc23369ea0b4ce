"""What a page says of the worth of its proof: counted, declared, not noticed, not tried; never more than is known."""

from __future__ import annotations

from dataclasses import replace

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.model import Runbook
from runbook_steps.engine.proof.worth import Tried, Worth, WorthThen, current_worth, worth_key
from runbook_steps.engine.site.blocks.worth import worth_of_runbook, worth_table
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.order_file import Order

FEATURE = '''\
@risk_readonly
Feature: Redis
  Scenario: One
    # harmless (no-op): `it` only looks at it.
    When I look at <it>:
      """bash
      echo
      """
    Then it ends with exit code 0

  Scenario: Two
    When I look twice:
      """bash
      echo
      """
    Then it ends with exit code 0
'''
ONE, TWO = "features/redis/full.feature::One", "features/redis/full.feature::Two"
TRIED = (
    Tried(Break.NO_OP, 0, 5, "", False, "stayed green"),
    Tried(Break.NEGATED, 1, 9, "", True, "its own check"),
    Tried(Break.BY_ONE, 1, 9, "0 → 1", False, "hung: it had not ended after 9 s"),
)


def runbook() -> Runbook:
    """Two scenarios; the first declares one way."""
    return parse_feature(FEATURE, "features/redis/full.feature")


def known(key: str, *tried: Tried, problem: str = "") -> Worth:
    """What was tried of a scenario."""
    return Worth(key, "k", "embedded", "2026-01-01", 1.0, tried, problem)


def test_a_page_says_what_is_not_known() -> None:
    """Nothing was tried: no number."""
    said = worth_of_runbook(runbook(), {})
    assert "is not known: nobody has broken this procedure on purpose yet" in said
    assert "“One”: not tried yet" in said


def test_a_page_counts_and_names_the_others() -> None:
    """Noticed, declared with its sentence, not noticed, not tried with the reason; all of it inert."""
    said = worth_of_runbook(runbook(), {ONE: known(ONE, *TRIED), TWO: known(TWO, problem="<kubectl> not found")})
    assert "1 of 3 ways to break this procedure are noticed; 1 declared harmless; 1 not noticed; 1 of 2 scen" in said
    assert (
        "I look at &lt;it&gt; <em>does nothing, and ends well</em>. Harmless: <code>it</code> only looks at it." in said
    )
    assert "<strong>Not noticed:</strong> it ends with exit code 0 <em>has a number that is one more</em>" in said
    assert "“Two”: &lt;kubectl&gt; not found" in said


def test_a_table_has_a_row_for_each_domain_and_all() -> None:
    """A domain without a number says so."""
    table = worth_table([runbook(), replace(runbook(), stem="api/x", feature_path="features/api/x.feature")],
                        {ONE: known(ONE, *TRIED)}, Order())  # fmt: skip
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert "| Redis | 1 of 2 | 3 | 1 | 1 | 1 | 33 % |" in rows
    assert "| API | 0 of 2 | 0 | 0 | 0 | 0 | not tried |" in [row.replace("Api", "API") for row in rows]
    assert rows[-1] == "| All | 1 of 4 | 3 | 1 | 1 | 1 | 33 % |"


def test_what_was_recorded_stands_below_the_newest_first() -> None:
    """A row each."""
    points = [WorthThen(f"2026-01-0{day}T00:00:00Z", day, 10 * day, 9, 1) for day in (1, 2)]
    rows = [line for line in worth_table([runbook()], {}, Order(), points).splitlines() if line.endswith("| 9 | 1 |")]
    assert [row.split(" | ")[1:3] for row in rows] == [["2", "20"], ["1", "10"]]
    assert "Recorded" not in worth_table([runbook()], {}, Order())


def test_an_old_number_counts_for_nothing() -> None:
    """One of the scenario as it is now stands; after a change of a source it is told as old."""
    first, second = runbook().procedures
    sources = {"steps/a.py::f": "1"}
    worths = {
        ONE: replace(known(ONE, *TRIED), key=worth_key(first, sources)),
        TWO: replace(known(TWO, *TRIED), key=worth_key(second, {"steps/a.py::f": "0"})),
        "features/gone.feature::Gone": known("features/gone.feature::Gone"),
    }
    found = current_worth(worths, [runbook()], lambda *_: sources, ())
    assert found[ONE].tried == TRIED
    assert (found[TWO].tried, found[TWO].problem) == ((), "not tried again since it changed")
    assert set(found) == {ONE, TWO}
