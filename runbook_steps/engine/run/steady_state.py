"""The steady state of a live target, check by check: before a change and after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook_steps.engine.model import Command
from runbook_steps.engine.run.command import run_command

__all__ = ["SteadyState", "look_at_steady_state"]

_GOOD = frozenset({"healthy", "not configured"})  # a part that a target does not have is not a red check
_ALL = "the health checks"


@dataclass(frozen=True)
class SteadyState:
    """Check → what is wrong with it; empty when all is well. Silence is one check that is wrong."""

    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person, one for each check that is red."""
        return tuple(f"{name}: {said}" for name, said in self.wrong.items())

    def __str__(self) -> str:
        return "; ".join(self.lines)

    def worse_than(self, before: SteadyState) -> SteadyState:
        """The checks that are red now, and were not before; all of them, when before nothing could be read."""
        return SteadyState({name: said for name, said in self.wrong.items() if name not in before.wrong})


def look_at_steady_state(command: Command, environment: Mapping[str, str], folder: Path) -> SteadyState:
    """What the command finds wrong; it prints JSON with `checks`, each with `name`, `status` and perhaps `error`.

    Only reads. An answer that cannot be read is not taken for good news.
    """
    result = run_command(command, environment, folder)
    if result.timed_out:
        return SteadyState({_ALL: f"did not end within {command.timeout_s:g} s"})
    try:
        checks: list[Mapping[str, Any]] = json.loads(result.stdout)["checks"]
        found = {str(check["name"]): (str(check["status"]), str(check.get("error") or "")) for check in checks}
    except (ValueError, KeyError, TypeError):
        said = " ".join((result.stderr or result.stdout).split())[:300]
        return SteadyState({_ALL: f"gave no report (exit code {result.exit_code}): {said or 'no word'}"})
    if not found:
        return SteadyState({_ALL: "looked at nothing"})
    return SteadyState(
        {name: f"{status} {error}".strip() for name, (status, error) in found.items() if status not in _GOOD}
    )
