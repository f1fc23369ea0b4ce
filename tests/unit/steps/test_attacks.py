"""An attack is looked for in logs: one that is not there, or tells nothing, is no good news."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from runbook_steps.engine.errors import NotApplicableNow, NotRunnableHere
from runbook_steps.steps.attacks import attack, must_tell, not_seen_to_be_blocked


def test_a_log_that_is_not_there_was_not_looked_into(tmp_path: Path) -> None:
    """Nobody is said to have done nothing; an empty one tells nothing either."""
    with pytest.raises(NotRunnableHere, match="is not there: read the log where"):
        must_tell(tmp_path / "security.log")
    (tmp_path / "security.log").touch()
    with pytest.raises(NotApplicableNow, match="is empty: it names nobody"):
        must_tell(tmp_path / "security.log")


def test_an_attack_on_a_live_target_needs_the_log(tmp_path: Path) -> None:
    """Without it, it is not known whether that address failed to sign in."""
    live = SimpleNamespace(facts=SimpleNamespace(disposable=False), name="staging")
    environment = {"ATTACKER": "192.0.2.9", "LOG_DIR": str(tmp_path)}
    with httpx.Client() as api, pytest.raises(NotRunnableHere, match="is not there"):
        next(getattr(attack, "__wrapped__", attack)(live, api, {}, tmp_path, lambda: environment))


def test_without_the_log_of_the_proxy_nobody_is_seen_to_be_blocked(tmp_path: Path) -> None:
    """It says where to look, and not that he has asked for nothing."""
    environment = {"ATTACKER": "192.0.2.9", "NGINX_ACCESS_LOG": str(tmp_path / "access.log")}
    assert "access.log is not there: look for the 403 of 192.0.2.9" in not_seen_to_be_blocked(environment)
