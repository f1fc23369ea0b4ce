"""What a person must give a page's commands: a name, what it means, and which commands use it. Pure.

A parameter is a variable that a step of the page fills (`I take pid from the answer as BLOCKER`) or that the page
declares under `parameters:`. Every other variable belongs to the target, and is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runbook_steps.engine.model import Command, Runbook

__all__ = ["TAKES", "Parameter", "parameters", "variables_of"]

TAKES = r"I take (?P<path>[\w.\[\]-]+) from the answer as (?P<name>[A-Z][A-Z0-9_]*)"
"""The step that fills a variable from what the command before it printed."""
_TAKES = re.compile(TAKES)
_READS = re.compile(
    r"""(?:\$\{?|\\getenv\s+\w+\s+|environ(?:\.get\(|\[)\s*["'])(?P<name>[A-Z][A-Z0-9_]*)(?![A-Za-z0-9_])""",
)


@dataclass(frozen=True)
class Parameter:
    """One value that a person gives once for the page. `meaning` says where it comes from."""

    name: str
    meaning: str


def parameters(runbook: Runbook) -> tuple[Parameter, ...]:
    """Those that a command of the runbook uses: the declared ones first, then as the steps fill them."""
    declared = dict(runbook.front_matter.parameters) if runbook.front_matter else {}
    found = {name: Parameter(name, meaning) for name, meaning in declared.items()}
    for name, meaning in _taken(runbook):
        found.setdefault(name, Parameter(name, meaning))
    used = {
        name for procedure in runbook.procedures for command in procedure.commands for name in variables_of(command)
    }
    return tuple(each for each in found.values() if each.name in used)


def variables_of(command: Command) -> tuple[str, ...]:
    r"""The variables that it reads, each once: `$NAME`, `${NAME…}`, `\getenv x NAME`, `environ["NAME"]`."""
    return tuple(dict.fromkeys(found["name"] for found in _READS.finditer(command.text)))


def _taken(runbook: Runbook) -> Iterator[tuple[str, str]]:
    for procedure in runbook.procedures:
        purpose = ""
        for step in procedure.steps:
            if step.command:
                purpose = step.command.purpose
            elif found := _TAKES.fullmatch(step.text):
                yield found["name"], f"{found['path']}, from the answer of “{purpose}”"
