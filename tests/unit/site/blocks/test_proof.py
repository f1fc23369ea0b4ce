"""What is proven is counted; what is not is named, with its reason."""

from __future__ import annotations

import datetime as dt

from runbook_steps.engine.model import Evidence, Outcome, ScenarioRecord
from runbook_steps.engine.site.blocks.proof import proof_matrix, proof_tables
from tests.house import HOUSE_ORDER
from tests.unit.proven_runbook import BOOK, PATH
from tests.unit.records import scenario_record

NOW = dt.datetime(2026, 11, 25, 16, tzinfo=dt.UTC)


def record(scenario: str, row: str, outcome: Outcome, reason: str = "") -> ScenarioRecord:
    """What is known of one scenario."""
    return scenario_record(PATH, scenario, row=row, outcome=outcome, reason=reason)


def test_scenarios_are_counted_and_those_that_did_not_run_are_named() -> None:
    """Passed, not runnable here with its tool, and never proven are three different words."""
    records = (
        record("It is found", "", Outcome.PASSED),
        record("It is read", "[a]", Outcome.NOT_RUNNABLE, "jq is not installed"),
    )
    evidence = Evidence("embedded", "2026-11-23T15:01:00.000Z", {each.id: each for each in records})
    table = proof_tables([BOOK], [evidence], "docs/about/proof.md", HOUSE_ORDER)

    assert "1 of 3 scenarios passed; last run 2026" in table
    assert "| Redis | 1 | 3 | 1 | 1 never proven, 1 not runnable here |" in table
    assert "| [It is read](../redis/full.md#it-is-read) | not runnable here | jq is not installed |" in table
    assert "| [It is read](../redis/full.md#it-is-read) | never proven | – |" in table


def test_without_evidence_nothing_is_proven() -> None:
    """And the page says what to do."""
    assert "Nothing is proven yet: `make verify`" in proof_tables([BOOK], [], "docs/about/proof.md", HOUSE_ORDER)


def test_each_cell_of_the_matrix_leads_to_its_evidence() -> None:
    """Also the one that says *never proven*; the runbook's name leads to its page."""
    found = record("It is found", "", Outcome.FAILED)
    evidence = [
        Evidence("embedded", "2026-11-23T15:01:00.000Z", {found.id: found}),
        Evidence("staging", "2026-11-23T15:01:00.000Z", {}),
    ]
    row = proof_matrix([BOOK], evidence, "docs/about/proof.md", NOW).splitlines()[3]

    assert row == (
        "| [Redis is full](../redis/full.md) "
        '| ✗ <a href="../../evidence/embedded/redis/full.html">failed 0 of 2</a> 2 days · 1\\.0 s · abc '
        '| ? <a href="../../evidence/staging/redis/full.html">never proven</a> |'
    )


def test_the_way_to_the_evidence_starts_where_the_page_is() -> None:
    """With and without folders, and from an index."""
    evidence = [Evidence("embedded", "2026-11-23T15:01:00.000Z", {})]
    ways = {
        ("docs/proof.md", True): "../evidence/",
        ("docs/proof.md", False): "evidence/",
        ("docs/about/index.md", True): "../evidence/",
        ("docs/about/proof.md", False): "../evidence/",
    }
    for (page, folders), start in ways.items():
        made = proof_matrix([BOOK], evidence, page, NOW, folders=folders)
        assert f'<a href="{start}embedded/redis/full.html">' in made
