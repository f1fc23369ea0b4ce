"""What was tried in a real Prometheus is kept beside the evidence, and shown as no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.proof.alert_trials import Trial, read_trials, write_trials
from runbook_steps.engine.site.blocks.alerts import alert_index
from runbook_steps.engine.sources.alerts_file import parse_alerts

STOPPED = Trial("RedisDown", "Redis is stopped", 2.04, 0.9, "2026-11-29", "1a2b3c4d5e")
ALERTS = parse_alerts(
    """
alerts:
  - {alert: RedisDown, means: m, severity: LOW, runbook: a, above: 8, unit: x, source: s, for: 1m, expr: down > 8}
  - {alert: DiskFull, means: m, severity: LOW, runbook: a, above: 8, unit: x, source: s, for: 1m, expr: full > 8,
     silenced_by: [RedisDown], silenced_on: [instance], no_drill: no disk here}
  - {alert: DataLoss, means: m, severity: LOW, runbook: a, above: 8, unit: x, source: s, rings_from: a person}
""",
    "alerts.yml",
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """By alert; a later run takes the place of an earlier one."""
    write_trials(tmp_path / "evidence", [STOPPED, STOPPED])
    write_trials(tmp_path / "evidence", [STOPPED])
    assert read_trials(tmp_path / "evidence") == {"RedisDown": (STOPPED,)}


def test_nothing_tried_is_nothing_read(tmp_path: Path) -> None:
    """No file is no error."""
    assert read_trials(tmp_path / "evidence") == {}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '[{"alert": "A"}]',
        '[{"alert": "A", "fault": "", "rang_s": -1, "silent_s": 0, "when": "", "commit": ""}]',
    ],
)
def test_what_no_run_wrote_is_refused(tmp_path: Path, text: str) -> None:
    """With the name of the file."""
    write_trials(tmp_path / "evidence", [])
    (tmp_path / "alert-trials/trials.json").write_text(text, "utf-8")
    with pytest.raises(EvidenceError, match=r"trials\.json was not written by a run"):
        read_trials(tmp_path / "evidence")


def test_the_index_tells_what_was_tried_and_what_was_not() -> None:
    """A trial proves no page; what Prometheus cannot raise cannot be tried in it."""
    index = alert_index(ALERTS, (), {}, (), "docs/alerts/index.md", trials={"RedisDown": [STOPPED]})
    said = {part.partition(" ")[0]: part for part in index.split("\n## ")[1:]}

    assert (
        "Redis is stopped: rang 2.0 s after it, silent 0.9 s after its end (2026-11-29, commit 1a2b3c4)"
        in said["RedisDown"]
    )
    assert "never proven to ring" in said["RedisDown"]
    assert "made by hand: not in this build" in said["DiskFull"]
    assert "made by hand" not in said["DataLoss"]
    assert "- Proven: never proven to ring. No drill can: no disk here" in said["DiskFull"]
    assert "- Held back while one of these explains it: RedisDown (of the same instance)" in said["DiskFull"]
