"""Is it proven? One rule for a scenario on a target, which site, catalog, review and command line ask."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.model import Evidence, Outcome, Procedure, ScenarioRecord
from runbook_steps.engine.proof.standing import Tone, is_proof, outcome_of, standings, verdict
from runbook_steps.engine.review.due import ProofState, proof_of
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.unit.proof.test_evidence_file import RECORD

ENGINE = Path(__file__).parents[3] / "runbook_steps/engine"
PATH = "features/a/b.feature"
OUTLINE = '''Feature: F
  @risk_readonly
  Scenario Outline: It is done
    When I do it:
      """bash
      echo <x>
      """
    Then it is done

    Examples:
      | x |
      | 1 |
      | 2 |
'''
MANUAL = """Feature: F
  @risk_readonly @manual
  Scenario: Somebody looks
    When a person looks at the chart
    Then it falls
"""
RUNBOOK = parse_feature(OUTLINE, PATH)
PROCEDURE: Procedure = RUNBOOK.procedures[0]


def evidence(*outcomes: Outcome, target: str = "embedded") -> Evidence:
    """A record for each of the first rows."""
    records: dict[str, ScenarioRecord] = {}
    for number, (case, outcome) in enumerate(zip(PROCEDURE.runs, outcomes, strict=False)):
        key = case.id_in(PATH)
        started = f"2026-11-0{number + 1}T00:00:00Z"
        records[key] = replace(
            RECORD, id=key, feature=PATH, scenario=PROCEDURE.name, outcome=outcome, started=started, reason="why"
        )
    return Evidence(target, "2026-11-09T00:00:00Z", records)


@pytest.mark.parametrize(
    ("outcomes", "outcome", "tone", "proof"),
    [
        ((Outcome.PASSED, Outcome.PASSED), Outcome.PASSED, Tone.GOOD, ProofState.GREEN),
        ((Outcome.PASSED,), Outcome.NEVER_PROVEN, Tone.PARTLY, ProofState.MISSING),
        ((Outcome.PASSED, Outcome.FAILED), Outcome.FAILED, Tone.BAD, ProofState.RED),
        ((Outcome.FAILED,), Outcome.FAILED, Tone.BAD, ProofState.RED),
        ((Outcome.PASSED, Outcome.TIMED_OUT), Outcome.TIMED_OUT, Tone.BAD, ProofState.RED),
        ((Outcome.STALE, Outcome.PASSED), Outcome.STALE, Tone.PARTLY, ProofState.STALE),
        ((Outcome.STALE, Outcome.FAILED), Outcome.FAILED, Tone.BAD, ProofState.RED),
        ((Outcome.PASSED, Outcome.NOT_RUNNABLE), Outcome.NOT_RUNNABLE, Tone.PARTLY, ProofState.MISSING),
        ((Outcome.PASSED, Outcome.INTERRUPTED), Outcome.INTERRUPTED, Tone.BAD, ProofState.RED),
        ((), Outcome.NEVER_PROVEN, Tone.NONE, ProofState.MISSING),
    ],
)
def test_a_page_and_a_review_say_the_same(
    outcomes: tuple[Outcome, ...], outcome: Outcome, tone: Tone, proof: ProofState
) -> None:
    """Never more than the weakest record."""
    found = evidence(*outcomes)
    known = verdict(PROCEDURE, PATH, found)
    doubts = proof_of(RUNBOOK, (found,))

    assert (known.outcome, known.proven, known.missing) == (outcome, outcome is Outcome.PASSED, 2 - len(outcomes))
    assert standings(RUNBOOK, (found,))[0].tone is tone
    assert (doubts[0].kind if doubts else ProofState.GREEN) is proof


def test_a_proof_on_one_target_is_enough_unless_another_failed_it() -> None:
    """Half of the rows here and half there are no proof."""
    whole, half = evidence(Outcome.PASSED, Outcome.PASSED), evidence(Outcome.PASSED, target="staging")
    failed = evidence(Outcome.FAILED, Outcome.PASSED, target="staging")
    assert proof_of(RUNBOOK, (half, whole)) == ()
    assert [doubt.kind for doubt in proof_of(RUNBOOK, (half, half))] == [ProofState.MISSING]
    assert [doubt.kind for doubt in proof_of(RUNBOOK, (whole, failed))] == [ProofState.RED]


def test_what_only_a_person_does_is_no_proof_and_needs_none() -> None:
    """With evidence and without."""
    manual = parse_feature(MANUAL, PATH)
    (procedure,) = manual.procedures
    key = procedure.id_in(PATH)
    passed = replace(RECORD, id=key, feature=PATH, scenario=procedure.name, outcome=Outcome.PASSED)
    found = Evidence("embedded", "2026-11-09T00:00:00Z", {key: passed})
    assert not verdict(procedure, PATH, found).proven
    assert standings(manual, (found,))[0].tone is not Tone.GOOD
    assert (proof_of(manual, (found,)), proof_of(manual, ())) == ((), ())


def test_no_record_proves_nothing() -> None:
    """What was not looked for is not good."""
    assert (outcome_of(None), is_proof(None)) == (Outcome.NEVER_PROVEN, False)


def test_no_reader_weighs_records_by_itself() -> None:
    """Who shows or counts proofs asks the rule, and does not look for what passed."""
    readers = [*ENGINE.glob("site/**/*.py"), *ENGINE.glob("review/*.py"), *ENGINE.glob("cli/*.py")]
    own = re.compile(r"outcome(?:\(.*?\))? (?:is|==|is not|!=) Outcome\.PASSED")
    assert [file.name for file in readers if own.search(file.read_text("utf-8"))] == []
