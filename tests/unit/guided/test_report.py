"""The report of a guided run tells of each step what became of it, also where the journal breaks off."""

from __future__ import annotations

from pathlib import Path

from runbook_steps.engine.guided.report import report_of
from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import Journal
from runbook_steps.engine.run.recorder import Recorder, RunFacts
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.text.redact import Redactor

TEXT = """\
@risk_mutating
Feature: F

  Scenario: S
    Given it is broken
    When I mend it:
      \"\"\"bash
      ls
      \"\"\"
    Then it ends with exit code 0
"""


def test_a_change_that_was_cut_off_is_told(tmp_path: Path) -> None:
    """Killed while it ran: it began, and nobody knows how it ended."""
    (procedure,) = parse_feature(TEXT, "features/f.feature").procedures
    journal = Journal(tmp_path / "20261129T010000Z-7-abc.jsonl", Redactor(frozenset()))
    journal.write("run started", run="r", guided={"by": "CTO", "runbook": "f"})
    recorder = Recorder(journal, RunFacts("20261129T010000Z-7-abc", "c" * 40, False, "staging", {}))
    recorder.scenario_started("features/f.feature", procedure, {})
    recorder.step_started(0)
    recorder.step_finished(Outcome.PASSED)
    recorder.step_started(1)
    recorder.event("undo recorded", purpose="take it back")
    recorder.command_begins()
    journal.close()
    told = report_of(journal.path)
    parts = {part.split("\n", 1)[0]: part for part in told.split("\n## ")}
    assert "CTO: it is broken: it is so" in parts["Seen"]
    assert "CTO: I mend it: began, and how it ended is not known" in parts["Done"]
    assert "it was killed" in parts["What stays unproven"]
    assert "Still to be undone: take it back" in parts["What stays unproven"]
