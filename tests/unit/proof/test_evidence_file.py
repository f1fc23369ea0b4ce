"""Journal and evidence: what is written, what a kill leaves, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.errors import EvidenceError, JournalError
from runbook_steps.engine.model import Outcome, Role, ScenarioRecord, StepRecord
from runbook_steps.engine.proof.evidence_file import (
    EVIDENCE_SCHEMA,
    Journal,
    load_evidence,
    merge,
    read_journal,
    write_evidence,
)
from runbook_steps.engine.text.redact import Redactor
from tests.unit.records import scenario_record

STEP = StepRecord(Role.WHEN, "When", "I do it:", 5, Outcome.PASSED, 0.5, "echo hi", "bash", 0, "hi\n")
RECORD = scenario_record(
    "features/a.feature", "One", started="2026-11-23T18:00:00.000Z", duration_s=1.5, target="here",
    emulated={"aws": "moto"}, tools={"python": "3.11"}, steps=(STEP,), sources={"features/a.feature": "0"}, run="r",
)  # fmt: skip


def written(path: Path, *records: ScenarioRecord) -> Path:
    """An evidence file of these records."""
    write_evidence(path, merge(None, "here", records))
    return path


def test_evidence_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Nothing is lost on the way to the disk and back."""
    assert {RECORD.id: RECORD} == load_evidence(written(tmp_path / "here.json", RECORD)).records


def test_a_newer_record_replaces_and_the_others_stay(tmp_path: Path) -> None:
    """Merging keeps what this run did not touch."""
    other = replace(RECORD, id="features/b.feature::Two", feature="features/b.feature", scenario="Two")
    old = load_evidence(written(tmp_path / "here.json", RECORD, other))
    failed = replace(RECORD, outcome=Outcome.FAILED)
    assert {RECORD.id: failed, other.id: other} == merge(old, "here", [failed]).records


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-20], "is not JSON"),
        (lambda _: "", "is not JSON"),
        (lambda _: "[]", "not an evidence file"),
        (lambda _: '{"schema": "https://example.org/other"}', "not an evidence file"),
        (lambda text: text.replace('"version": 1', '"version": 99'), "version 99"),
        (
            lambda text: text.replace('"outcome": "passed"', '"outcome": "fine"'),
            r"\[0\]\.outcome: .fine. is not one",
        ),
        (lambda text: text.replace('"line": 5', '"line": "5"'), 'is not of type "integer"'),
        (lambda text: text.replace('"dirty": false,', ""), '"dirty" is a required property'),
        (lambda text: text.replace('"scenarios": [', '"more": 1, "scenarios": ['), "Additional properties"),
    ],
)
def test_a_broken_or_foreign_file_is_refused(tmp_path: Path, change: object, message: str) -> None:
    """Each damage has its message, and nothing is read from the file."""
    assert callable(change)
    path = written(tmp_path / "here.json", RECORD)
    path.write_text(change(path.read_text()))
    with pytest.raises(EvidenceError, match=message):
        load_evidence(path)


def test_an_unwritable_folder_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the error says so, the old evidence is whole, no half file is left."""
    path = written(tmp_path / "here.json", RECORD)
    before = path.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("runbook_steps.engine.proof.evidence_file.os.fsync", full)
    with pytest.raises(EvidenceError, match="No space left on device; the old file stays"):
        write_evidence(path, merge(None, "here", []))
    assert (before, [path]) == (path.read_text(), list(tmp_path.iterdir()))


def journal_of(path: Path) -> Journal:
    """A journal with one scenario under way, its step finished."""
    journal = Journal(path, Redactor({"S3cr3t-in-URL"}))
    waiting = StepRecord(Role.WHEN, "When", "I do it:", 5, Outcome.NOT_REACHED)
    journal.write("run started", run="r")
    journal.write("scenario started", record=_plain(replace(RECORD, outcome=Outcome.INTERRUPTED, steps=(waiting,))))
    journal.write("step finished", id=RECORD.id, number=0, step=_plain(replace(STEP, stdout="S3cr3t-in-URL")))
    return journal


def test_what_follows_the_end_of_a_scenario_counts(tmp_path: Path) -> None:
    """A step that began behind it, in a journal that nobody edited: it is under way again."""
    journal = journal_of(tmp_path / "j.jsonl")
    journal.write("scenario finished", record=RECORD)
    assert read_journal(journal.path) == (RECORD,)
    journal.write("step started", id=RECORD.id, number=0)
    assert [step.outcome for step in read_journal(journal.path)[0].steps] == [Outcome.INTERRUPTED]


def _plain(value: StepRecord | ScenarioRecord) -> object:
    from dataclasses import asdict

    return asdict(value)


def test_a_journal_that_stopped_is_interrupted_there(tmp_path: Path) -> None:
    """Without an end, the scenario is `interrupted` and its finished steps are known."""
    journal_of(tmp_path / "j.jsonl").close()
    (record,) = read_journal(tmp_path / "j.jsonl")
    assert (record.outcome, record.steps[0].outcome) == (Outcome.INTERRUPTED, Outcome.PASSED)


def test_a_line_cut_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    """Half a last line loses that line alone."""
    path = tmp_path / "j.jsonl"
    journal_of(path).close()
    with path.open("a") as file:
        file.write('{"event":"step fin')
    assert len(read_journal(path)) == 1


def test_damage_in_the_middle_names_its_line(tmp_path: Path) -> None:
    """A journal that is not whole is refused, with the line."""
    path = tmp_path / "j.jsonl"
    journal_of(path).close()
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "garbage", *lines[1:]]))
    with pytest.raises(JournalError, match=r"j\.jsonl:2: not a journal line"):
        read_journal(path)


def test_a_journal_holds_no_secret_and_is_private(tmp_path: Path) -> None:
    """Values are redacted before they reach the disk; only the owner reads the file."""
    path = tmp_path / "j.jsonl"
    journal_of(path).close()
    assert "S3cr3t" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_event_is_on_disk_at_once(tmp_path: Path) -> None:
    """What was written can be read before the journal is closed."""
    path = tmp_path / "j.jsonl"
    journal = journal_of(path)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == [
        "run started",
        "scenario started",
        "step finished",
    ]
    journal.close()


def test_a_journal_that_cannot_be_opened_stops_the_run(tmp_path: Path) -> None:
    """The message says that nothing was run."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="nothing was run"):
        Journal(tmp_path / "file" / "j.jsonl", Redactor())


def test_a_file_without_schema_is_foreign(tmp_path: Path) -> None:
    """The schema's name is what makes a file ours."""
    path = written(tmp_path / "here.json", RECORD)
    assert EVIDENCE_SCHEMA in path.read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"target": "production"}, "it ran on production, and this is the evidence of here", id="target"),
        pytest.param({"steps": ()}, "it passed without a step", id="no steps"),
        pytest.param({"steps": (replace(STEP, outcome=Outcome.FAILED),)}, "its step 1 is “failed”", id="a failed step"),
        pytest.param(
            {"steps": (replace(STEP, outcome=Outcome.NOT_REACHED),)}, "its step 1 is “not reached”", id="left"
        ),
        pytest.param({"steps": (replace(STEP, error="boom"),)}, "its step 1 tells of an error", id="an error"),
        pytest.param({"steps": (replace(STEP, duration_s=90.0),)}, "its steps took longer than it did", id="times"),
        pytest.param({"reason": "it did not recover"}, "says why it did not: no run writes that", id="a reason"),
        pytest.param({"scenario": "Other"}, "its id is not that of its feature and scenario", id="another scenario"),
        pytest.param({"feature": "features/z.feature"}, "its id is not that of its feature", id="another feature"),
        pytest.param({"started": "yesterday"}, "'yesterday', which is no time", id="no time"),
        pytest.param({"started": "2026-11-23T18:00:00"}, "which names no time zone", id="no zone"),
    ],
)
def test_what_no_run_could_have_written_is_refused(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    """Edited into green by hand: named, with the scenario."""
    with pytest.raises(EvidenceError) as refused:
        load_evidence(written(tmp_path / "here.json", replace(RECORD, **changed)))  # type: ignore[arg-type] # any field

    assert said in str(refused.value)
    assert RECORD.id in str(refused.value)


def test_a_scenario_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """The better of two cannot be chosen by hand."""
    file = written(tmp_path / "here.json", RECORD)
    document = json.loads(file.read_text("utf-8"))
    document["scenarios"].append(document["scenarios"][0])
    file.write_text(json.dumps(document), "utf-8")

    with pytest.raises(EvidenceError, match="stands in it twice"):
        load_evidence(file)


@pytest.mark.parametrize("end", ["\u0085", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\r"])
def test_only_a_line_feed_ends_a_line_of_the_journal(tmp_path: Path, end: str) -> None:
    """Whatever else a command prints that some take for the end of a line, no evidence is lost."""
    journal = Journal(tmp_path / "j.jsonl", Redactor(frozenset()))
    record = replace(RECORD, steps=(replace(STEP, stdout=f"one{end}two"),))
    journal.write("scenario finished", record=record)
    journal.close()

    assert read_journal(tmp_path / "j.jsonl") == (record,)
