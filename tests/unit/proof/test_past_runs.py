"""The last runs are kept, thirty of each target, and tell what comes out now so, now so."""

from __future__ import annotations

from pathlib import Path

from runbook_steps.engine.model import Outcome, ScenarioRecord
from runbook_steps.engine.proof.past_runs import KEPT, PastRun, flaky, keep_run, past_runs
from tests.unit.records import scenario_record


def record(started: str, outcome: Outcome = Outcome.PASSED, name: str = "S", commit: str = "abc") -> ScenarioRecord:
    """What a run knows of one scenario."""
    return scenario_record(
        "features/a/b.feature", name, outcome=outcome, started=started, commit=commit, duration_s=1.25
    )


def test_a_run_is_read_as_it_was_kept(tmp_path: Path) -> None:
    """Its first scenario began it; its scenarios' times are added."""
    keep_run(tmp_path, "embedded", [record("2026-11-24T10:00:01Z", name="T"), record("2026-11-24T10:00:00Z")])
    keep_run(tmp_path, "staging", [])
    outcomes = {"features/a/b.feature::S": "passed", "features/a/b.feature::T": "passed"}
    assert past_runs(tmp_path) == (PastRun("embedded", "2026-11-24T10:00:00Z", "abc", 2.5, outcomes),)


def test_the_last_thirty_are_kept(tmp_path: Path) -> None:
    """The oldest go first."""
    for number in range(KEPT + 5):
        keep_run(tmp_path, "embedded", [record(f"2026-11-24T10:00:{number:02}Z")])
    runs = past_runs(tmp_path)
    assert (len(runs), runs[0].started) == (KEPT, "2026-11-24T10:00:05Z")


def test_a_broken_file_is_passed_over(tmp_path: Path) -> None:
    """Half a file, another shape, an outcome that is none: the others are read."""
    keep_run(tmp_path, "embedded", [record("2026-11-24T10:00:00Z")])
    for name, text in {"a": '{"target": "emb', "b": "[]", "c": "{}", "d": "\\xff"}.items():
        (tmp_path / f"history/embedded/{name}.json").write_text(text, encoding="utf-8")
    assert [run.started for run in past_runs(tmp_path)] == ["2026-11-24T10:00:00Z"]


def test_flaky_is_what_passed_and_failed_on_one_commit() -> None:
    """A change in between explains it; a skip is neither."""
    runs = [
        PastRun("embedded", str(number), commit, 1.0, {"f::S": str(outcome)})
        for number, (commit, outcome) in enumerate(
            [
                ("a", Outcome.PASSED),
                ("b", Outcome.FAILED),
                ("c", Outcome.PASSED),
                ("c", Outcome.NOT_RUNNABLE),
            ]
        )
    ]
    assert flaky(runs) == {}
    again = [*runs, PastRun("embedded", "9", "c", 1.0, {"f::S": "timed out"})]
    assert flaky(again) == {("embedded", "f::S"): (1, 1)}
