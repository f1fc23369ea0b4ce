"""What this project adds to the engine beside its steps: the macros and rules about version 1.0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from runbook_steps.by_hand import by_hand_problems, page_looks
from runbook_steps.engine.checks.habits import bad_habits
from runbook_steps.engine.errors import FeatureError, SourceError
from runbook_steps.engine.project.house import House
from runbook_steps.engine.project.project import Project
from runbook_steps.variables import page_variables, variable_problems, variables_table
from runbook_steps.version_1.audit import audit_table, load_audit
from runbook_steps.version_1.corrections import changes_table, load_corrections, mistakes_table

__all__ = ["HOUSE"]


def _problems(project: Project) -> Sequence[SourceError]:
    from runbook_steps.version_1.command import data_problems  # noqa: PLC0415 - a build of the site does not ask

    return [
        *data_problems(project, page=False),
        *variable_problems(project),
        *by_hand_problems(project),
        *_habits(project),
    ]


def _habits(project: Project) -> Iterator[SourceError]:
    for runbook in project.runbooks:
        for procedure in runbook.procedures:
            for command in procedure.commands:
                yield from (FeatureError(command.position, said) for said in bad_habits(command, procedure.risk))


def _remake(root: Path) -> set[str]:
    from runbook_steps.version_1.command import remake_coverage  # noqa: PLC0415 - only a move asks

    return remake_coverage(root)


HOUSE = House(
    macros={
        "mistakes": lambda project, page: mistakes_table(project, load_corrections(project.root), page),
        "audit_findings": lambda project, page: audit_table(project, load_audit(project.root), page),
        "variables": page_variables,
        "by_hand": page_looks,
        "variables_table": variables_table,
        "changes": lambda project, page: changes_table(project, load_corrections(project.root), page),
    },
    problems=_problems,
    remake=_remake,
)
