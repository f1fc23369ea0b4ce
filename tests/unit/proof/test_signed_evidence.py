"""Evidence that was edited is claimed, not proven: in whatever way the file, its signature or its key were changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError, EvidenceError
from runbook_steps.engine.model import Evidence, Outcome, Role, StepRecord
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.proof.evidence_file import write_evidence
from runbook_steps.engine.proof.signed_evidence import sign_evidence, signature_file, signature_problem
from runbook_steps.engine.proof.standing import Tone, standings
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.unit.git_project import make_project
from tests.unit.proof.test_evidence_file import RECORD as PASSED

STEP = StepRecord(Role.WHEN, "When", "I do it:", 5, Outcome.FAILED, 0.5, "echo hi", "bash", 1, "hi\n", error="no")
RECORD = replace(PASSED, outcome=Outcome.FAILED, steps=(STEP,), reason="no", text_hash="1")
Edit = Callable[[dict[str, Any]], object]


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A private and a public key, as files."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, Path]:
    """A signed evidence file, and the public key."""
    private, public = key_pair(tmp_path, "ci")
    file = tmp_path / "here.json"
    write_evidence(file, Evidence("here", RECORD.started, {RECORD.id: RECORD}))
    sign_evidence(file, private)
    return file, public


def first(document: dict[str, Any]) -> dict[str, Any]:
    """The record."""
    found: dict[str, Any] = document["scenarios"][0]
    return found


def passes(document: dict[str, Any]) -> None:
    """Red made green, so that it contradicts itself nowhere."""
    first(document).update(outcome="passed", reason="")
    first(document)["steps"][0].update(outcome="passed", error="", exit_code=0)


EDITS: dict[str, Edit] = {
    "made green": passes,
    "made green in the record alone": lambda d: first(d).update(outcome="passed"),
    "another time": lambda d: first(d).update(started="2026-11-24T18:00:00.000Z"),
    "another commit": lambda d: first(d).update(commit="abd"),
    "no longer dirty": lambda d: first(d).update(dirty=True),
    "another run": lambda d: first(d).update(run="s"),
    "quicker": lambda d: first(d).update(duration_s=0.9),
    "another text": lambda d: first(d).update(text_hash="2"),
    "other sources": lambda d: first(d).update(sources={}),
    "nothing emulated": lambda d: first(d).update(emulated={}),
    "another tool": lambda d: first(d).update(tools={"python": "3.12"}),
    "another output": lambda d: first(d)["steps"][0].update(stdout="ho\n"),
    "another command": lambda d: first(d)["steps"][0].update(command="echo ho"),
    "another exit code": lambda d: first(d)["steps"][0].update(exit_code=0),
    "a note": lambda d: first(d)["steps"][0].update(notes=["fine"]),
    "a milder risk": lambda d: first(d).update(risk="mutating"),
    "no record": lambda d: d["scenarios"].clear(),
    "a record twice": lambda d: d["scenarios"].append(first(d)),
    "another target": lambda d: d.update(target="there"),
    "written later": lambda d: d.update(written="2027-01-01T00:00:00.000Z"),
    "another version": lambda d: d.update(version=2),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edited_file_is_refused_or_claimed(signed: tuple[Path, Path], edit: Edit) -> None:
    """Never as it was signed."""
    file, public = signed
    assert signature_problem(file, public) == ""
    document = json.loads(file.read_text())
    edit(document)
    file.write_text(json.dumps(document))
    try:
        assert signature_problem(file, public) == "it was changed after it was signed"
    except EvidenceError as refused:
        assert "here.json" in str(refused)  # noqa: PT017 - one of both


def test_one_byte_is_enough(signed: tuple[Path, Path]) -> None:
    """A blank at the end, which says nothing else."""
    file, public = signed
    file.write_text(file.read_text() + " ")
    assert signature_problem(file, public) == "it was changed after it was signed"


def _payload(envelope: dict[str, Any]) -> None:
    statement = base64.b64decode(envelope["payload"]).replace(b'"FAILED"', b'"PASSED"')
    envelope["payload"] = base64.b64encode(statement).decode()


@pytest.mark.parametrize(
    "edit",
    [
        _payload,
        lambda e: e.update(payloadType="text/plain"),
        lambda e: e["signatures"].clear(),
        lambda e: e["signatures"][0].update(sig=base64.b64encode(b"0" * 64).decode()),
        lambda e: e["signatures"][0].update(sig="ä"),
        lambda e: e["signatures"][0].update(keyid="0"),
        lambda e: e.pop("signatures"),
        lambda e: e.update(payload=3),
    ],
)
def test_an_edited_signature_is_none(signed: tuple[Path, Path], edit: Edit) -> None:
    """Also one that is no envelope any more."""
    file, public = signed
    envelope = json.loads(signature_file(file).read_text())
    edit(envelope)
    signature_file(file).write_text(json.dumps(envelope))
    assert signature_problem(file, public).startswith("its signature is not the project's")


def test_the_signature_of_another_key_or_file_is_none(signed: tuple[Path, Path], tmp_path: Path) -> None:
    """Whoever holds a key can sign; only the project's counts."""
    file, public = signed
    other, _ = key_pair(tmp_path, "other")
    sign_evidence(file, other)
    assert signature_problem(file, public).startswith("its signature is not the project's")
    signature_file(file).unlink()
    assert signature_problem(file, public) == "it is not signed"


def test_what_is_no_key_is_said(signed: tuple[Path, Path], tmp_path: Path) -> None:
    """Could not look is not looked and found nothing."""
    file, public = signed
    with pytest.raises(ConfigurationError, match="no public key"):
        signature_problem(file, tmp_path / "nothing.pub")
    with pytest.raises(ConfigurationError, match="no private key"):
        sign_evidence(file, public)


def test_the_command_says_it_by_its_exit_code(signed: tuple[Path, Path]) -> None:
    """0 as it was signed, 1 claimed."""
    file, public = signed
    good = CliRunner().invoke(app, ["evidence", "verify", str(file), "--key", str(public)])
    signature_file(file).unlink()
    bad = CliRunner().invoke(app, ["evidence", "verify", str(file), "--key", str(public)])
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "as it was signed" in good.output
    assert "claimed, not proven: it is not signed" in bad.output


def test_a_project_with_a_key_believes_nothing_else(tmp_path: Path, signed: tuple[Path, Path]) -> None:
    """Signed evidence is believed; without its signature, or in a project with another key, it is claimed."""
    file, public = signed
    root = make_project(tmp_path / "project")
    settings, folder = root / "pyproject.toml", root / "build/evidence"
    folder.mkdir(parents=True, exist_ok=True)
    for each in folder.glob("*.json"):
        each.unlink()
    for each in (file, signature_file(file)):
        (folder / each.name).write_bytes(each.read_bytes())

    def claimed(key: Path | None) -> str:
        table = f"[tool.runbooks]\nevidence_key = {str(key)!r}\n" if key else ""
        settings.write_text(table)
        (evidence,) = load_project(root).evidence
        return evidence.claimed

    assert claimed(None) == ""
    assert claimed(public) == ""
    assert claimed(key_pair(tmp_path, "theirs")[1]).startswith("its signature is not the project's")
    (folder / "here.dsse").unlink()
    assert claimed(public) == "it is not signed"


def test_what_is_claimed_is_never_proven() -> None:
    """In another tone and other words, and with the reason."""
    steps = '    When I do it:\n      """bash\n      x\n      """\n    Then so\n'
    text = f"@risk_readonly\nFeature: A\n  Scenario: One\n{steps}"
    runbook = parse_feature(text, "features/a.feature")
    green = replace(RECORD, outcome=Outcome.PASSED, reason="", steps=())
    evidence = Evidence("here", "", {green.id: green})
    (proven,) = standings(runbook, [evidence])
    (claimed,) = standings(runbook, [replace(evidence, claimed="it is not signed")])
    assert (proven.tone, proven.headline) == (Tone.GOOD, "Proven on here")
    assert (claimed.tone, claimed.headline) == (Tone.PARTLY, "Claimed: proven on here")
    assert claimed.reasons[0] == "claimed, not proven: it is not signed"
