"""What no rule forbids, but what comes apart over time: steps, alerts, tools, commands in prose. Pure.

Drift is told, it breaks no build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runbook_steps.engine.errors import FeatureError, PageError, Position, SourceError
from runbook_steps.engine.model import Command, Runbook
from runbook_steps.engine.project.project import CONTACTS, Project
from runbook_steps.engine.sources.page_file import Section
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.sources.python_steps import Catalog, lines_of
from runbook_steps.engine.text.shell import functions_of, simple_commands

__all__ = ["alert_drift", "contact_drift", "mention_drift", "registered_alerts", "step_drift", "tool_drift", "tools_of"]

SETTINGS = "pyproject.toml"
# the output of `compgen -bk` (bash 5.2): these need no program
_BUILTIN_WORDS = (
    ". : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo "
    "enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd printf "
    "pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset ulimit "
    "umask unalias unset wait if then else elif fi case esac for select while until do done in function time { } ! "
    "[[ ]] coproc"
)
_BUILTINS = frozenset(_BUILTIN_WORDS.split())
_BEFORE_A_COMMAND = frozenset({"time", "exec", "command"})
_TOOL = re.compile(r"[a-z][\w.-]*")
_INLINE_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_PAST = "Background"
_OPERATOR_TOOLS = frozenset(
    {"aws", "certbot", "curl", "docker", "git", "kill", "kubectl", "nginx", "openssl", "pg_dump"}
    | {"pg_restore", "psql", "python3", "redis-cli", "runbooks", "systemctl"}
)
"""What a command in prose starts with; other words in code are names, files, settings."""


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def step_drift(project: Project, catalog: Catalog) -> Iterator[SourceError]:
    """Python steps that no scenario uses, and lines that two of them match, or none."""
    used: set[str] = set()
    told: set[tuple[str, str]] = set()
    for runbook in project.runbooks:
        for procedure in runbook.procedures:
            for role, text in lines_of(procedure):
                found = catalog.of(role, text)
                functions = {step.function: step.position for step in found}
                used |= functions.keys()
                if len(functions) > 1 and (role, text) not in told:
                    told.add((role, text))
                    where = " and ".join(map(str, functions.values()))
                    yield FeatureError(procedure.position, f"two Python steps match “{text}”: {where}")
    unknown = {step.function for step in catalog.steps if not step.readable}
    seen: set[str] = set()
    for step in catalog.steps:
        ours = (project.root / step.position.path).is_file()  # and not the engine's, which others use
        if ours and step.function not in used | unknown | seen:
            seen.add(step.function)
            yield FeatureError(step.position, f"no scenario uses the step “{step.text}”; remove it")


# ── people ───────────────────────────────────────────────────────────────────────────────────────


def contact_drift(project: Project) -> Iterator[SourceError]:
    """Roles that nobody fills: who escalates to them reaches nobody."""
    for role, contact in project.contacts.items():
        if contact.missing:
            said = f"{role}: {', '.join(contact.missing)} still to be filled in; who escalates here reaches nobody"
            yield PageError(Position(CONTACTS, _line_of(project, role)), said)


def _line_of(project: Project, role: str) -> int:
    try:
        lines = (project.root / CONTACTS).read_text("utf-8").splitlines()
    except OSError:
        return 1
    return next((number for number, line in enumerate(lines, 1) if line.strip() == f"{role}:"), 1)


# ── alerts ───────────────────────────────────────────────────────────────────────────────────────


def registered_alerts(settings: str) -> dict[str, int]:
    """Alert → its line in pyproject.toml, from the markers."""
    found = {}
    for number, line in enumerate(settings.splitlines(), 1):
        if marker := re.match(r"\s*[\"']alert_(\w+)\s*[:\"']", line):
            found[marker[1]] = number
    return found


def alert_drift(project: Project, registered: Mapping[str, int]) -> Iterator[SourceError]:
    """Alerts that lead to no page, pages that no alert leads to, and alerts that no scenario proves."""
    listed = {alert for each in project.runbooks if each.front_matter for alert in each.front_matter.alerts}
    for alert in sorted(registered.keys() - listed):
        at = Position(SETTINGS, registered[alert])
        yield PageError(at, f"the alert {alert} leads to no runbook: no page has it in its `alerts`")
    for runbook in project.runbooks:
        page = project.page(runbook.stem)
        if page is None or runbook.front_matter is None:
            continue
        if not runbook.front_matter.alerts:
            yield PageError(page.head.at("alerts"), "no alert leads here: only its symptoms do")
        proven = {alert for procedure in runbook.procedures for alert in procedure.tagged("alert_")}
        for alert in runbook.front_matter.alerts:
            if alert not in proven:
                near = suggestion(alert, sorted(proven))
                message = f"no scenario of {runbook.feature_path} has @alert_{alert}{near}"
                yield PageError(page.head.at("alerts"), message)


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


def tool_drift(project: Project, target: str, tools: frozenset[str]) -> Iterator[SourceError]:
    """Commands whose tool is not on the target's PATH, and whose scenario does not say that it needs it."""
    for runbook in project.runbooks:
        for procedure in runbook.procedures:
            needed = set(procedure.tagged("requires_"))
            for command in procedure.commands:
                for tool in sorted(tools_of(command) - tools - needed):
                    message = f"{tool} is not on the PATH of {target}; tag the scenario @requires_{tool}"
                    yield FeatureError(command.position, message)


def tools_of(command: Command) -> frozenset[str]:
    """The programs that a command starts by name; what stands in quotes or is computed is not looked into."""
    if command.media_type != "bash":
        return frozenset({"psql"})
    found = {_program(list(each.words)) for each in simple_commands(command.text) if not each.quoted}
    return frozenset(word for word in found if _TOOL.fullmatch(word)) - _BUILTINS - functions_of(command.text)


def _program(words: list[str]) -> str:
    while words and (words[0] in _BEFORE_A_COMMAND):
        words = words[1:]
    if words[:1] == ["timeout"]:
        words = words[2:]
    elif words[:1] == ["xargs"]:
        words = [word for word in words[1:] if not word.startswith("-") and not word.isdigit()]
    return words[0] if words else ""


# ── prose ────────────────────────────────────────────────────────────────────────────────────────


def mention_drift(project: Project) -> Iterator[SourceError]:
    """Commands that a page tells of in its prose, and that no scenario of it runs: nothing proves those.

    What a page warns of (“never …”) and what Background tells of the past is left out.
    """
    own = project.settings.operations
    tools = _OPERATOR_TOOLS | ({own.command} if own else set())
    for runbook in project.runbooks:
        page = project.page(runbook.stem)
        if page is not None:
            commands = "\n".join(_normal(command.text) for p in runbook.procedures for command in p.commands)
            for section in page.sections:
                if section.title != _PAST:
                    yield from _mentions(section, runbook, commands, tools)


def _mentions(section: Section, runbook: Runbook, commands: str, tools: frozenset[str]) -> Iterator[PageError]:
    for line in section.text.split("\n"):
        if re.search(r"\bnever\b", line, re.IGNORECASE):
            continue
        for code in _INLINE_CODE.findall(line):
            words = code.split()
            if len(words) > 1 and words[0] in tools and _normal(code) not in commands:
                message = f"“{section.title}” mentions `{code}`, which no scenario of {runbook.feature_path} runs"
                yield PageError(section.position, message)


def _normal(text: str) -> str:
    return " ".join(text.replace("\\\n", " ").split())
