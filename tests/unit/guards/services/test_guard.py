"""What the guard of a run closes to commands that may change things."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk


@pytest.mark.parametrize("aws", [{"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, {}])
def test_a_machine_gives_no_credentials_past_the_guard(tmp_path: Path, aws: dict[str, str]) -> None:
    """Where AWS is behind it; elsewhere the address may mean something else."""
    guard = Guard(Risk.MUTATING, tmp_path)
    try:
        guard.environment({"REDIS_URL": "redis://127.0.0.1:8", **aws})
        past = json.loads(guard.prefix_of_changes()[-1])["past"]
    finally:
        guard.close()
    assert (["169.254.169.254", 80] in past) is bool(aws)
    assert ["127.0.0.1", 8] in past
