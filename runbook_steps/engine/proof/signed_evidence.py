"""Evidence that cannot be changed unseen: a signature beside the file, by a key that the project names.

Beside `embedded.json` lies `embedded.dsse`: an in-toto statement with the SHA-256 of the file and what its tests came
to, in a DSSE envelope. Any change of one byte of the evidence, of the statement or of the signature is found.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import Evidence, Outcome
from runbook_steps.engine.proof.evidence_file import parse_evidence, read_evidence
from runbook_steps.engine.text.atomic_file import write_atomically

__all__ = ["sign_evidence", "signature_file", "signature_problem"]

_STATEMENT = "https://in-toto.io/Statement/v1"
_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
_PAYLOAD = "application/vnd.in-toto+json"
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def signature_file(evidence: Path) -> Path:
    """Where the signature of that file is kept: beside it."""
    return evidence.with_suffix(".dsse")


def sign_evidence(evidence: Path, private_key: Path) -> Path:
    """Signs the file with a key in PEM; gives the signature's file.

    Raises EvidenceError for a file that is no evidence, ConfigurationError for a key that is none.
    """
    data = read_evidence(evidence)
    known = parse_evidence(data, evidence)
    try:
        signer = CryptoSigner(load_pem_private_key(private_key.read_bytes(), password=None))
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{private_key} is no private key in PEM without a password: {error}") from error
    statement = json.dumps(_statement(data, known), ensure_ascii=False, sort_keys=True)
    envelope = Envelope(statement.encode(), _PAYLOAD, {})
    envelope.sign(signer)
    write_atomically(signature_file(evidence), json.dumps(envelope.to_dict()) + "\n")
    return signature_file(evidence)


def signature_problem(evidence: Path, public_key: Path, data: bytes | None = None) -> str:
    """Why the file is only claimed, in words; empty when it is as the key's owner signed it.

    `data` is what was read of it: what is shown is what was verified, whatever becomes of the file meanwhile.

    Raises ConfigurationError for a key that cannot be read: then nothing can be known.
    """
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(public_key.read_bytes()))
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{public_key} is no public key in PEM: {error}") from error
    file = signature_file(evidence)
    if not file.is_file():
        return "it is not signed"
    try:
        envelope = Envelope.from_dict(json.loads(file.read_text("utf-8")))
        envelope.verify([key], 1)
        statement = json.loads(envelope.payload)
    except (*_UNREADABLE, FormatError, VerificationError) as error:
        return f"its signature is not the project's ({type(error).__name__})"
    data = read_evidence(evidence) if data is None else data
    signed = statement == _statement(data, parse_evidence(data, evidence))
    return "" if signed else "it was changed after it was signed"


def _statement(data: bytes, known: Evidence) -> dict[str, Any]:
    """What is signed: the file by its hash, and what it says in the words of in-toto."""
    outcomes = {key: record.outcome for key, record in known.records.items()}
    passed = sorted(key for key, outcome in outcomes.items() if outcome is Outcome.PASSED)
    failed = sorted(key for key, outcome in outcomes.items() if outcome in {Outcome.FAILED, Outcome.TIMED_OUT})
    digest = {"sha256": hashlib.sha256(data).hexdigest()}
    return {
        "_type": _STATEMENT,
        "subject": [{"name": f"{known.target}.json", "digest": digest}],
        "predicateType": _RESULT,
        "predicate": {
            "result": "FAILED" if failed else "PASSED",
            "configuration": [],
            "passedTests": passed,
            "failedTests": failed,
        },
    }
