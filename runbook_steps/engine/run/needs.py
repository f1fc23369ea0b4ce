"""What a command needs of the platform, computed from its text and the contract. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.engine.model import Command
from runbook_steps.engine.sources.contract_file import Contract

__all__ = ["what_is_missing"]


def what_is_missing(command: Command, contract: Contract, environment: Mapping[str, str]) -> str:
    """Why a command cannot work on a live target, with the way round; empty when nothing is known to be missing.

    What acts on the host of the platform is not run on another machine: its answer would be filed as the platform's.
    """
    for each in contract.used_by(command):
        if unset := each.unset(environment):
            why = f"{each.title} ({', '.join(unset)} is not set)"
            return f"“{command.purpose}” needs {why}. Instead: {each.missing}"
    return ""
