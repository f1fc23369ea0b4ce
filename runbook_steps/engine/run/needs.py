"""What a command needs of the platform, computed from its text and the contract. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from runbook_steps.engine.model import Command
from runbook_steps.engine.sources.contract_file import Contract
from runbook_steps.engine.sources.parameters import variables_of

__all__ = ["what_is_missing", "without_unnamed"]

_WITH_A_VALUE = re.compile(r"\$\{([A-Z][A-Z0-9_]*):-[^}]")


def what_is_missing(command: Command, contract: Contract, environment: Mapping[str, str]) -> str:
    """Why a command cannot work on a live target, with the way round; empty when nothing is known to be missing.

    What acts on the host of the platform is not run on another machine: its answer would be filed as the platform's.
    What the command has a value of its own for, as in `${ADMIN_USER:-$PGUSER}`, is missing nowhere.
    """
    known = {**environment, **dict.fromkeys(_WITH_A_VALUE.findall(command.text), "its own")}
    for each in contract.used_by(command):
        if unset := each.unset(known):
            why = f"{each.title} ({', '.join(unset)} is not set)"
            return f"“{command.purpose}” needs {why}. Instead: {each.missing}"
    return ""


def without_unnamed(
    environment: Mapping[str, str], only_where_named: Collection[str], command: Command | None = None
) -> dict[str, str]:
    """The environment of a command: of `only_where_named` just what its text names, as `${ADMIN_PASSWORD:?}`.

    Without a command nothing is named.
    """
    withheld = set(only_where_named).difference(variables_of(command) if command else ())
    return {name: value for name, value in environment.items() if name not in withheld}
