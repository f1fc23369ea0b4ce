"""What counts as looking: every exporter that should answer, and none that a scenario took along when it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.stand_in.monitoring.stack import Monitoring


def test_the_replica_of_an_earlier_scenario_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus goes on asking for up to five seconds what is no longer there."""
    asked: list[str] = []
    monitoring = Monitoring(tmp_path, {}, {})
    monkeypatch.setattr(monitoring, "value", asked.append)
    try:
        assert monitoring.looks()
    finally:
        monitoring.close()

    (query,) = asked
    assert query.startswith('count(up{instance!="127.0.0.1:')
    assert "or count(redis_up == 0) or absent(up)" in query
