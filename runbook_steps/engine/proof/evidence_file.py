"""Journal and evidence: what happened, redacted, written so that a kill at any moment loses at most a line.

The journal is JSON lines, one event each, opened before the first step and flushed after every event.
The evidence is one JSON document per target, merged from journals, replaced atomically, and refused
when it is not exactly what its schema says.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs

from runbook_steps.engine.errors import EvidenceError, JournalError
from runbook_steps.engine.model import Evidence, Outcome, Risk, Role, ScenarioRecord, StepRecord
from runbook_steps.engine.proof.contradictions import contradiction
from runbook_steps.engine.proof.journal_chain import START, linked
from runbook_steps.engine.text.atomic_file import write_atomically
from runbook_steps.engine.text.redact import Redactor

__all__ = [
    "EVIDENCE_SCHEMA",
    "RAN_BEFORE",
    "SKIPPED",
    "WENT_ON",
    "Journal",
    "evidence_schema",
    "guided_by",
    "journal_lines",
    "load_evidence",
    "merge",
    "now",
    "parse_evidence",
    "read_evidence",
    "read_journal",
    "write_evidence",
]

EVIDENCE_SCHEMA = "schemas/evidence-1.schema.json"
"""Where a site publishes the schema, below its own address."""
EVIDENCE_VERSION = 1
SKIPPED = "skipped by"
RAN_BEFORE = "ran before"
WENT_ON = "not there;"
"""How the notes begin that tell what a person did otherwise than the page says, in a guided run."""


def now() -> str:
    """The time in UTC, ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def evidence_schema() -> dict[str, Any]:
    """The published JSON Schema of an evidence file."""
    text = resources.files("runbook_steps.engine.proof.schemas").joinpath("evidence-1.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


_APART = "\1"
"""Stands between two texts: no blank, so that no shape of a secret begins in one and goes on in the next."""
_RECORDS, _LISTS, _NUMBERS = (StepRecord, ScenarioRecord), (list, tuple), (int, float)


def _plain(value: object) -> object:
    """What JSON does not know: a record is its fields, everything else its text."""
    return vars(value) if isinstance(value, StepRecord | ScenarioRecord) else str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)
_READABLE = json.JSONEncoder(ensure_ascii=False, default=_plain)


class Journal:
    """An append-only record of a run. Every event is redacted, written and flushed before the next begins.

    `told` is given each line behind that, as it stands there.
    """

    def __init__(self, path: Path, redactor: Redactor, told: Callable[[str], None] | None = None) -> None:
        """Opens the file, readable by its owner alone. Raises JournalError when it cannot be written."""
        self.path = path
        self.redactor = redactor
        self._told = told
        self._link = START
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            raise JournalError(f"cannot open the journal {path}: {error.strerror}; nothing was run") from error

    def write(self, event: str, **values: Any) -> None:
        """Adds one event. Raises JournalError when the disk refuses: an unrecorded run must not go on."""
        line: Any = {"event": event, "at": now(), **values}
        texts = _APART.join(_texts(line))
        if self.redactor(texts) != texts:  # nearly always there is nothing to hide, and then one look is enough
            line = _redacted(line, self.redactor)
        text, link = linked(_ENCODER.encode(line), self._link)
        data = text.encode() + b"\n"
        begins = os.fstat(self._fd).st_size
        try:
            self._write(data)
        except OSError as error:
            raise JournalError(f"cannot write the journal {self.path}: {error.strerror}") from error
        finally:  # a full disk and a Ctrl-C leave a whole line, or none: what comes behind half a line is not readable
            if os.fstat(self._fd).st_size >= begins + len(data):
                self._link = link
            else:
                os.ftruncate(self._fd, begins)
        if self._told is not None:
            self._told(text)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        """Flushes to the disk and closes; idempotent."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1


def read_journal(path: Path) -> tuple[ScenarioRecord, ...]:
    """The scenarios a journal tells of; one that never ended is `interrupted` there.

    A last line cut by a kill is passed over. Raises JournalError, with the line, for any other damage.
    """
    lines = journal_lines(path)
    told: dict[str, dict[str, Any]] = {}
    ended: dict[str, ScenarioRecord] = {}
    for number, line in enumerate(lines, 1):
        try:
            _apply(json.loads(line), told, ended)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            if number == len(lines):
                break
            raise JournalError(f"{path}:{number}: not a journal line; the file is damaged or foreign") from error
    return tuple(ended.get(name) or _scenario(record) for name, record in told.items())


def journal_lines(path: Path) -> list[str]:
    """The lines of a journal, the last perhaps cut by a kill; only a line feed ends one. Raises JournalError."""
    if path.is_fifo():
        raise JournalError(f"{path} is a pipe, not a journal")
    try:
        lines = path.read_bytes().decode("utf-8", errors="replace").split("\n")
    except OSError as error:
        raise JournalError(f"cannot read the journal {path}: {error.strerror}") from error
    return lines if lines[-1] else lines[:-1]


def guided_by(path: Path) -> str:
    """The role of the person who was led through the run; empty for a run without one, and for no journal."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = json.loads(file.readline())
        return str(first.get("guided", {}).get("by", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _apply(event: Mapping[str, Any], told: dict[str, dict[str, Any]], ended: dict[str, ScenarioRecord]) -> None:
    """Takes one event into what the lines before it told, by id: the fields of each record, and those that ended."""
    match event["event"]:
        case "scenario started" | "scenario finished":
            record = _scenario(event["record"])  # damage is told at its own line
            told[record.id], ended[record.id] = event["record"], record
        case "step started":
            ended.pop(event["id"], None)
            steps = told[event["id"]]["steps"]
            steps[event["number"]] = {**steps[event["number"]], "outcome": Outcome.INTERRUPTED}
        case "step finished":
            _step(event["step"])
            ended.pop(event["id"], None)
            told[event["id"]]["steps"][event["number"]] = event["step"]


def load_evidence(path: Path) -> Evidence:
    """The evidence in that file. Raises EvidenceError, saying why, for anything but a whole, valid file."""
    return parse_evidence(read_evidence(path), path)


def read_evidence(path: Path) -> bytes:
    """What stands in the file: who judges it and its signature reads it once. Raises EvidenceError."""
    kind = "pipe" if path.is_fifo() else "device" if path.is_char_device() or path.is_block_device() else ""
    if kind:  # to read it may wait, or never end
        raise EvidenceError(f"{path} is a {kind}, not a file; move it away and prove again")
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"cannot read the evidence {path}: {error.strerror}") from error


def parse_evidence(data: bytes, path: Path) -> Evidence:
    """The evidence that a file of that name holds. Raises EvidenceError, as `load_evidence`."""
    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refused, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise EvidenceError(
            f"{path} is not JSON ({error}): cut short, or foreign. Move it away and prove again"
        ) from error
    if not isinstance(document, dict) or not str(document.get("schema")).endswith(EVIDENCE_SCHEMA):
        raise EvidenceError(f"{path} is not an evidence file of this project (no `schema`: {EVIDENCE_SCHEMA})")
    if document.get("version") != EVIDENCE_VERSION:
        raise EvidenceError(
            f"{path} has version {document.get('version')!r}; this program reads {EVIDENCE_VERSION}. "
            "Prove again with this program, or read it with the one that wrote it"
        )
    if wrong := next(iter(jsonschema_rs.Draft202012Validator(evidence_schema()).iter_errors(document)), None):
        raise EvidenceError(f"{path}: {_place(wrong)}: {wrong.message[:200]}; move it away and prove again")
    records = {entry["id"]: _scenario(entry) for entry in document["scenarios"]}
    found = Evidence(target=document["target"], written=document["written"], records=records)
    if len(records) != len(document["scenarios"]):
        raise EvidenceError(f"{path}: a scenario stands in it twice: edited by hand. Move it away and prove again")
    if said := contradiction(found):
        raise EvidenceError(f"{path}: {said}: no run writes that. Move it away and prove again")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice each reader takes another one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise ValueError(f"{twice!r} stands in it twice")
    return found


def _refused(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    return found if math.isfinite(found := float(text)) else _refused(text)


def _place(wrong: jsonschema_rs.ValidationError) -> str:
    """As a JSON path: `$.scenarios[3].outcome`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in wrong.instance_path)


def merge(old: Evidence | None, target: str, fresh: Iterable[ScenarioRecord]) -> Evidence:
    """The newest record of every scenario: fresh ones replace, the others stay."""
    records = dict(old.records) if old is not None else {}
    for record in fresh:
        records[record.id] = record
    return Evidence(target=target, written=now(), records=dict(sorted(records.items())))


def write_evidence(path: Path, evidence: Evidence) -> None:
    """Replaces the file in one step. Raises EvidenceError, leaving the old file, when it cannot."""
    document = {
        "schema": EVIDENCE_SCHEMA,
        "version": EVIDENCE_VERSION,
        "target": evidence.target,
        "written": evidence.written,
    }
    head = _READABLE.encode(document).removesuffix("}")
    records = ",\n".join(map(_READABLE.encode, evidence.records.values()))  # a line each: two files can be compared
    try:
        write_atomically(path, f'{head}, "scenarios": [\n{records}\n]}}\n')
    except OSError as error:
        raise EvidenceError(f"cannot write the evidence {path}: {error.strerror}; the old file stays") from error


def _texts(event: Mapping[str, Any]) -> list[str]:
    """Every text of an event, those of its records too; in no order."""
    found: list[str] = []
    waiting: list[Any] = [event]
    while waiting:  # not by calls of itself: a run has thousands of events, with a hundred values each
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, _RECORDS):
            waiting.extend(vars(value).values())
        elif isinstance(value, _LISTS):
            waiting.extend(value)
        elif value is not None and not isinstance(value, _NUMBERS) and isinstance(value, Mapping):
            waiting.extend(value.values())
    return found


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, StepRecord | ScenarioRecord):
        return _redacted(vars(value), redactor)
    if isinstance(value, Mapping):
        return {key: _redacted(entry, redactor) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(entry, redactor) for entry in value]
    return redactor(value) if isinstance(value, str) else value


def _scenario(entry: Mapping[str, Any]) -> ScenarioRecord:
    steps = tuple(map(_step, entry["steps"]))
    return ScenarioRecord(
        **{**entry, "risk": Risk(entry["risk"]), "outcome": Outcome(entry["outcome"]), "steps": steps}
    )


def _step(entry: Mapping[str, Any]) -> StepRecord:
    told = {**entry}  # what is no mapping raises TypeError, as everything that is no step
    notes = tuple(told.get("notes", ()))
    return StepRecord(**{**told, "role": Role(entry["role"]), "outcome": Outcome(entry["outcome"]), "notes": notes})
