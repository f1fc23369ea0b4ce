"""The variables that pages use, from `docs/data/variables.yml`: shown on each page, and none without an explanation.

What a person decides on a page is a parameter of it (engine/sources/parameters.py); all the rest belongs to the target
and stands in that file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.errors import PageError, Position, SourceError
from runbook_steps.engine.model import Command, Runbook
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.sources.contract_file import load_contract
from runbook_steps.engine.sources.page_head import read_head
from runbook_steps.engine.sources.parameters import parameters, variables_of
from runbook_steps.engine.text.data_file import read_document
from runbook_steps.version_1.corrections import cell

__all__ = [
    "VARIABLES",
    "explained_names",
    "load_variables",
    "page_variables",
    "used_by",
    "variable_problems",
    "variables_table",
]

VARIABLES = "docs/data/variables.yml"
_ASSIGNED = re.compile(r"^[ \t]*(?:export +|local +)?(?P<name>[A-Z][A-Z0-9_]*)=", re.MULTILINE)


@dataclass(frozen=True)
class Variable:
    """One variable. `means`, `origin` and `optional` may hold `code`; `optional` is empty for one that must be set.

    `read_by` are words of commands that read it without naming it; `sql` stands for every block of SQL.
    """

    name: str
    means: str
    origin: str
    optional: str
    secret: bool
    read_by: tuple[str, ...]
    position: Position


def load_variables(root: Path) -> tuple[Variable, ...]:
    """In the order of the file; none without it. Raises PageError for a broken one."""
    path = root / VARIABLES
    if not path.is_file():
        return ()
    return tuple(
        Variable(
            name=entry.text("name"),
            means=entry.text("means"),
            origin=entry.text("from"),
            optional=entry.text("optional", default=""),
            secret=bool(entry.values.get("secret", False)),
            read_by=entry.texts("read_by"),
            position=entry.position,
        )
        for entry in read_document(path.read_text("utf-8"), VARIABLES).entries("variables")
    )


def explained_names(root: Path) -> frozenset[str]:
    """The variables whose values are no secrets, as that file says, and the parameters of every page."""
    heads = (read_head(page.read_text("utf-8", "replace"), page.name) for page in (root / "docs").glob("*/*.md"))
    given = (head.values.get("parameters") for head in heads)
    plain = {each.name for each in load_variables(root) if not each.secret}
    return frozenset(plain.union(*(names for names in given if isinstance(names, dict))))


def used_by(runbook: Runbook, known: Sequence[Variable]) -> tuple[Variable, ...]:
    """The known variables that a command of it names, or reads without naming them; no parameter of its page."""
    commands = [command for procedure in runbook.procedures for command in procedure.commands]
    given = {each.name for each in parameters(runbook)}
    named = {name for command in commands for name in variables_of(command)} - given
    return tuple(
        each
        for each in known
        if each.name not in given
        and (each.name in named or any(_reads(command, word) for command in commands for word in each.read_by))
    )


def variable_problems(project: Project) -> Iterator[SourceError]:
    """A variable that nobody explains, one that no command reads, and a page that does not show its variables."""
    known = load_variables(project.root)
    if not known:
        return
    names = {each.name for each in known}
    read: set[str] = set()
    for runbook in project.runbooks:
        used = used_by(runbook, known)
        read |= {each.name for each in used}
        explained = names | {each.name for each in parameters(runbook)}
        for procedure in runbook.procedures:
            for command in procedure.commands:
                own = {found["name"] for found in _ASSIGNED.finditer(command.text)}
                for name in variables_of(command):
                    if name not in explained | own:
                        yield PageError(
                            command.position, f"${name} stands neither in {VARIABLES} nor under `parameters:`"
                        )
        page = f"docs/{runbook.stem}.md"
        if used and "{{ variables() }}" not in (project.root / page).read_text("utf-8"):
            yield PageError(Position(page, 1), "its commands read variables: show them with `{{ variables() }}`")
    for each in known:
        if each.name not in read:
            yield PageError(each.position, f"no command reads ${each.name}")


def page_variables(project: Project, page: str) -> str:
    """Markdown: the variables of one page, the secret ones marked, and the way to where each comes from."""
    runbook = project.runbook(page.removeprefix("docs/").removesuffix(".md"))
    used = used_by(runbook, load_variables(project.root)) if runbook else ()
    needed = _needed(project, runbook) if runbook else ""
    if not used:
        return "These commands read no variable of the target." + needed
    must = [f"`{each.name}`" for each in used if not each.optional]
    may = [f"`{each.name}`" for each in used if each.optional]
    said = [f"Variables of the target: {', '.join(must)}."] if must else []
    said += [f"Optional: {', '.join(may)}."] if may else []
    return " ".join([*said, "[Where each comes from](../reference/variables.md)."]) + needed


def _needed(project: Project, runbook: Runbook) -> str:
    """Markdown: the interfaces of the platform that its commands rely on, and the way round where one is missing."""
    commands = [command for procedure in runbook.procedures for command in procedure.commands]
    contract = load_contract(project.root)
    used = {each.id for command in commands for each in contract.used_by(command)}
    found = [each for each in contract.interfaces if each.id in used]
    if not found:
        return ""
    rows = [f"    | {cell(each.title)} | {cell(each.expected)} | {cell(each.missing)} |" for each in found]
    head = ["    | Needed | Expected | Where it is missing |", "    | --- | --- | --- |"]
    return "\n".join(["", "", '??? note "What these commands need of the platform"', *head, *rows, ""])


def variables_table(project: Project, page: str) -> str:
    """Markdown: every variable with its meaning, its origin, and what holds without it."""
    del page
    lines = ["| Variable | Is | Comes from | Without it |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{each.name}`{' (secret)' if each.secret else ''} | {cell(each.means)} | {cell(each.origin)} "
        f"| {cell(each.optional) or 'its pages cannot be followed'} |"
        for each in load_variables(project.root)
    ]
    return "\n".join([*lines, ""])


def _reads(command: Command, word: str) -> bool:
    if word == "sql":
        return command.media_type == "sql"
    return re.search(rf"(?<![\w./-]){re.escape(word)}(?![\w-])", command.text) is not None
