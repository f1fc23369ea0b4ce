"""What a proof rests on is compared with what it rests on now: of an outline, by each row's own steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from runbook_steps.engine.model import Evidence, Outcome, Procedure
from runbook_steps.engine.proof.rests_on import changed_sources
from runbook_steps.engine.proof.staleness import as_of
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.python_steps import lines_of
from tests.unit.proof.test_evidence_file import RECORD

PATH = "features/a/b.feature"
RUNBOOK = parse_feature(
    """Feature: F
  @risk_readonly
  Scenario Outline: It is refused
    Given <damage>
    Then somebody says so

    Examples:
      | damage          |
      | a wrong key     |
      | a foreign dump  |
""",
    PATH,
)


def outcomes(changed: Mapping[str, str] | None = None) -> dict[str, Outcome]:
    """Row → how it stands, proven when each line rested on what its words say, and some of it changed since."""

    def then(procedure: Procedure, stem: str) -> dict[str, str]:
        del stem
        return {f"house/steps.py::{text}": text for _, text in lines_of(procedure)}

    def now(procedure: Procedure, stem: str) -> dict[str, str]:
        return {name: (changed or {}).get(name, text) for name, text in then(procedure, stem).items()}

    records = {}
    for run in RUNBOOK.procedures[0].runs:
        steps = tuple(replace(RECORD.steps[0], role=step.role, command=None) for step in run.steps)
        record = replace(
            RECORD, id=run.id_in(PATH), feature=PATH, scenario=run.name, outcome=Outcome.PASSED,
            steps=steps, text_hash=run.text_hash, sources=then(run, "a/b"),
        )  # fmt: skip
        records[record.id] = record
    day = dt.date.fromisoformat(RECORD.started[:10])
    found = as_of(day, Evidence("embedded", RECORD.started, records), [RUNBOOK], now)
    return {record.id.partition("[")[2].rstrip("]"): record.outcome for record in found.records.values()}


def test_each_row_is_fresh_by_its_own_steps() -> None:
    """Rows that are matched by other steps than their neighbours are as proven as they were."""
    assert outcomes() == {"a wrong key": Outcome.PASSED, "a foreign dump": Outcome.PASSED}


def test_a_step_of_one_row_turns_that_row_stale_and_no_other() -> None:
    """What only another row rests on changes nothing; what all rest on changes all."""
    own, shared = {"house/steps.py::a wrong key": "edited"}, {"house/steps.py::somebody says so": "edited"}

    assert outcomes(own) == {"a wrong key": Outcome.STALE, "a foreign dump": Outcome.PASSED}
    assert outcomes(shared) == {"a wrong key": Outcome.STALE, "a foreign dump": Outcome.STALE}


def test_a_change_outside_of_any_folder_is_told() -> None:
    """A name that stands in no folder is said whole: without a word nobody would take the proof for stale."""
    assert changed_sources({"steps.py::looks": "1"}, {"steps.py::looks": "2"}) == "steps.py::looks"
