"""What a project makes of evidence that was edited: with a key none of it is proven, without one no contradiction."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.model import Evidence, Outcome
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.proof.evidence_file import write_evidence
from runbook_steps.engine.proof.signed_evidence import sign_evidence, signature_file
from runbook_steps.engine.proof.standing import Tone, standings
from tests.unit.git_project import make_project
from tests.unit.proof.test_signed_evidence import key_pair
from tests.unit.records import proof_of

STEM = "database/slow"


class Proven:
    """A project with one proof; `file` is its evidence, signed by the key that the project names."""

    def __init__(self, folder: Path, *, keyed: bool) -> None:
        self.root = make_project(folder / "project")
        self.private, public = key_pair(folder, "ci")
        self.other, _ = key_pair(folder, "other")
        if keyed:
            settings = self.root / "pyproject.toml"
            table = f"[tool.runbooks]\nevidence_key = {str(public)!r}"
            settings.write_text(settings.read_text().replace("[tool.runbooks]", table, 1))
        self.file = self.root / "build/evidence/embedded.json"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.write(self.file, "embedded", Outcome.PASSED)

    def write(self, file: Path, target: str, outcome: Outcome) -> None:
        """What a run leaves now, signed."""
        procedure = load_project(self.root).runbook(STEM).procedures[0]  # type: ignore[union-attr]
        record = proof_of(self.root, procedure, STEM, target=target, outcome=outcome)
        write_evidence(file, Evidence(target, record.started, {record.id: record}))
        sign_evidence(file, self.private)

    def shown(self) -> str:
        """`proven`, or what else its page says."""
        try:
            project = load_project(self.root)
        except EvidenceError:
            return "refused"
        book = project.runbook(STEM)
        assert book is not None
        found = standings(book, project.evidence)
        if [each.tone for each in found] == [Tone.GOOD] * len(found):
            return "proven"
        return "claimed" if any(each.claimed for each in project.evidence) else found[0].headline

    def text(self, old: str, new: str) -> None:
        """Edits the file as text."""
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new, 1))

    def record(self, **changes: Any) -> None:
        """Edits the record."""
        document = json.loads(self.file.read_text())
        document["scenarios"][0].update(changes)
        self.file.write_text(json.dumps(document))


def _linked(proven: Proven) -> None:
    """To another target's proof, whose signature is good."""
    there = proven.root / "there.json"
    proven.write(there, "there", Outcome.PASSED)
    for file, to in ((proven.file, there), (signature_file(proven.file), signature_file(there))):
        file.unlink()
        file.symlink_to(to)


def _beside(proven: Proven) -> None:
    """The proof is kept under another name, and the red run that came after it is told to be the other target's."""
    for file in (proven.file, signature_file(proven.file)):
        file.with_stem("older").write_bytes(file.read_bytes())


def _spliced(proven: Proven) -> None:
    """A green record of one signed file in another."""
    green = json.loads(proven.file.read_text())["scenarios"]
    proven.write(proven.file, "embedded", Outcome.FAILED)
    document = json.loads(proven.file.read_text())
    proven.file.write_text(json.dumps({**document, "scenarios": green}))


def _piped(proven: Proven) -> None:
    proven.file.unlink()
    os.mkfifo(proven.file)


def _device(proven: Proven) -> None:
    proven.file.unlink()
    proven.file.symlink_to("/dev/zero")


def _without(*names: str) -> Callable[[Proven], object]:
    def edit(proven: Proven) -> None:
        document = json.loads(proven.file.read_text())
        for name in names:
            del document["scenarios"][0][name]
        proven.file.write_text(json.dumps(document))

    return edit


def _steps(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Proven], object]:
    def edit(proven: Proven) -> None:
        document = json.loads(proven.file.read_text())
        change(document["scenarios"][0]["steps"])
        proven.file.write_text(json.dumps(document))

    return edit


SEEN_ALWAYS: dict[str, Callable[[Proven], object]] = {
    "cut short": lambda p: p.file.write_bytes(p.file.read_bytes()[:-30]),
    "empty": lambda p: p.file.write_bytes(b""),
    "an outcome that stands twice": lambda p: p.text('"outcome": ', '"outcome": "failed", "outcome": '),
    "scenarios that stand twice": lambda p: p.text('"scenarios": [', '"scenarios": [], "scenarios": ['),
    "a time that is no number": lambda p: p.text('"duration_s": 1.0', '"duration_s": NaN'),
    "an endless time": lambda p: p.text('"duration_s": 1.0', '"duration_s": 1e999'),
    "a look-alike in its id": lambda p: p.text("slow.feature::The cause", "slow.feature::The c\u0430use"),
    "a look-alike in its name": lambda p: p.record(
        id="features/database/slow.feature::The c\u0430use is found", scenario="The c\u0430use is found"
    ),
    "another version": lambda p: p.text('"version": 1', '"version": 0'),
    "another schema": lambda p: p.text("evidence-1.schema", "evidence-0.schema"),
    "a field more": lambda p: p.record(signed=True),
    "in the future": lambda p: p.record(started="2999-11-23T15:00:00.000Z"),
    "in another time zone": lambda p: p.record(started="2026-11-23T15:00:00.000+14:00"),
    "at no time": lambda p: p.record(started="2026-02-30T15:00:00.000Z"),
    "another text": lambda p: p.record(text_hash="0" * 64),
    "no text": _without("text_hash"),
    "no sources": _without("sources"),
    "emptied sources": lambda p: p.record(sources={}),
    "other sources": lambda p: p.record(sources={"features/database/slow.feature": "0" * 64}),
    "no steps": lambda p: p.record(steps=[]),
    "a step less": _steps(list.pop),
    "a step more": _steps(lambda steps: steps.append(steps[-1])),
    "steps in another order": _steps(list.reverse),
    "a step that failed": _steps(lambda steps: steps[0].update(outcome="failed")),
    "a command less": _steps(lambda steps: steps[0].update(command=None)),
    "another target": lambda p: p.text('"target": "embedded", "written"', '"target": "staging", "written"'),
    "another target, in all places": lambda p: p.file.write_text(p.file.read_text().replace("embedded", "staging")),
    "another name": lambda p: p.file.rename(p.file.with_stem("staging")),
    "an old one beside it": _beside,
    "a link to another target's": _linked,
    "a pipe": _piped,
    "a device": _device,
}
"""Whether or not there is a key."""
SEEN_BY_KEY: dict[str, Callable[[Proven], object]] = {
    "a blank more": lambda p: p.text("{", "{ "),
    "other ends of lines": lambda p: p.file.write_bytes(p.file.read_bytes().replace(b"\n", b"\r\n")),
    "another time": lambda p: p.record(started="2026-11-23T15:00:01.000Z"),
    "another commit": lambda p: p.record(commit="abd"),
    "a clean tree": lambda p: p.record(dirty=True),
    "another run": lambda p: p.record(run="r2"),
    "nothing emulated": lambda p: p.record(emulated={"aws": "moto"}),
    "another output": _steps(lambda steps: steps[0].update(stdout="fine\n")),
    "another exit code": _steps(lambda steps: steps[0].update(exit_code=3)),
    "a green record of another file": _spliced,
    "no signature": lambda p: signature_file(p.file).unlink(),
    "a signature by another key": lambda p: sign_evidence(p.file, p.other),
    "a signature that is no envelope": lambda p: signature_file(p.file).write_text("[" * 100_000),
    "a signature with nobody's name": lambda p: signature_file(p.file).write_text(
        json.dumps({**json.loads(signature_file(p.file).read_text()), "signatures": []})
    ),
}
"""A careful hand contradicts itself nowhere."""


@pytest.mark.parametrize("edit", [*SEEN_ALWAYS, *SEEN_BY_KEY])
def test_what_is_edited_is_proven_nowhere(tmp_path: Path, edit: str) -> None:
    """Refused, claimed, or told as what it is."""
    proven = Proven(tmp_path, keyed=True)
    assert proven.shown() == "proven"
    {**SEEN_ALWAYS, **SEEN_BY_KEY}[edit](proven)
    assert proven.shown() in {"refused", "claimed", "Never proven"}


@pytest.mark.parametrize("edit", SEEN_ALWAYS)
def test_what_no_run_writes_is_proven_nowhere_without_a_key_too(tmp_path: Path, edit: str) -> None:
    """A project that nobody signs for still knows its own text, its sources and the time."""
    proven = Proven(tmp_path, keyed=False)
    assert proven.shown() == "proven"
    SEEN_ALWAYS[edit](proven)
    assert proven.shown() in {"refused", "Never proven", "Stale on embedded"}


def test_a_step_that_ran_a_command_of_its_own_is_no_edit(tmp_path: Path) -> None:
    """As a Given does that makes a backup: the feature holds none, and the record tells it."""
    proven = Proven(tmp_path, keyed=False)
    _steps(lambda steps: steps[-1].update(command="beautycort x", media_type="bash", exit_code=0))(proven)
    assert proven.shown() == "proven"
