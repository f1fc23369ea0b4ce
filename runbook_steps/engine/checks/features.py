"""The rules of the house for features: tags, shape, and what a command may hold. Pure.

The parser refuses what it cannot read at all; these rules are about what it could.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runbook_steps.engine.errors import FeatureError, Position
from runbook_steps.engine.model import COUNTER_EXAMPLE, Command, Procedure, Risk, Role, Runbook
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.text.secret_names import may_hold_secret
from runbook_steps.engine.text.terminal import printable

__all__ = ["feature_problems"]

_PLAIN_TAGS = frozenset({"manual", "slow", COUNTER_EXAMPLE, *(f"risk_{risk}" for risk in Risk)})
_OPEN_TAGS = ("requires_", "alert_", "needs_")
# `${#X}` is a length; `${X:?…}`, `${X:+…}` never show the value by themselves
_EXPANSION = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<how>[^}]*)\})")
_HERE_DOCUMENT = re.compile(r"<<-?\s*(['\"]?)(?P<mark>\w+)\1(?P<rest>[^\n]*)\n.*?\n\s*(?P=mark)(?=\n|\Z)", re.DOTALL)
_YES = re.compile(r"(?:^|\s)--(?:yes|assume-yes|confirm)(?:[=\s]|$)")
_QUOTED_LITERALLY = re.compile(r"'[^']*'")
# builtins of bash: what they are given is in no process's arguments
_BUILTINS = frozenset({":", "[", "[[", "test", "export", "local", "readonly", "declare", "read"})


def feature_problems(runbook: Runbook, parts: Sequence[str]) -> Iterator[FeatureError]:
    """Everything in a feature that breaks a rule; `parts` are those that the project's targets can have."""
    if not runbook.procedures:
        yield FeatureError(Position(runbook.feature_path, 1), "has no scenario; write one, or remove the file")
    for procedure in runbook.procedures:
        yield from _tags(procedure, parts)
        yield from _shape(procedure)
        for command in procedure.commands:
            yield from _prompts(command)
            yield from _secrets(command)
            yield from _answers(command)
            yield from _characters(command)


def _tags(procedure: Procedure, parts: Sequence[str]) -> Iterator[FeatureError]:
    for tag in sorted(procedure.tags):
        prefix = next((p for p in _OPEN_TAGS if tag.startswith(p) and tag != p), None)
        if tag not in _PLAIN_TAGS and prefix is None:
            hint = suggestion(tag, sorted(_PLAIN_TAGS)) or (
                f"; known: {', '.join(sorted(_PLAIN_TAGS))}, {', '.join(f'{p}…' for p in _OPEN_TAGS)}"
            )
            yield FeatureError(procedure.position, f"unknown tag @{tag}{hint}")
    for part in procedure.tagged("needs_"):
        if part not in parts:
            known = ", ".join(sorted(parts)) or "none: `parts` in [tool.runbooks] of pyproject.toml is empty"
            yield FeatureError(procedure.position, f"@needs_{part} names no part of a target; known: {known}")


def _shape(procedure: Procedure) -> Iterator[FeatureError]:
    if not any(step.role is Role.THEN for step in procedure.steps):
        message = f"“{procedure.name}” checks nothing: add a Then that reads the state back"
        yield FeatureError(procedure.position, message)
    if not procedure.commands and not any(step.manual for step in procedure.steps):
        message = f"“{procedure.name}” does nothing: it has neither a command nor a step for a person"
        yield FeatureError(procedure.position, message)
    if "manual" in procedure.tags and not any(step.manual for step in procedure.steps):
        message = f"“{procedure.name}” is @manual, but no step starts with “a person”"
        yield FeatureError(procedure.position, message)


def _prompts(command: Command) -> Iterator[FeatureError]:
    if command.media_type != "bash":
        return
    lines = command.text.split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith("$ "):
            yield FeatureError(
                _at(command, number), "starts with the prompt “$ ”: pasted, it breaks; leave the prompt out"
            )
    if all(line.lstrip().startswith("#") for line in lines if line.strip()):
        yield FeatureError(_at(command, 0), "holds nothing but comments: nothing runs; leave the prompt “# ” out")


def _secrets(command: Command) -> Iterator[FeatureError]:
    """A secret in an argument list is there for every user of the machine to read."""
    if command.media_type != "bash":
        return
    text = _HERE_DOCUMENT.sub(_blanked, _QUOTED_LITERALLY.sub(_blanked, command.text))
    for found in _EXPANSION.finditer(text):
        name = found["plain"] or found["braced"]
        if not may_hold_secret(name):
            continue
        before = re.split(r"[;&|\n(){]", text[: found.start()])[-1].lstrip()
        if (found["how"] or "").startswith((":?", ":+")) or _is_harmless(before, text[found.end() :]):
            continue
        message = (
            f"${name} would stand in an argument list, for everyone to read: let the tool take it from the "
            'environment, or hand it over on standard input (<<<"$…")'
        )
        yield FeatureError(_at(command, text.count("\n", 0, found.start())), message)


def _answers(command: Command) -> Iterator[FeatureError]:
    """A confirmation that is pasted along with its command confirms nothing."""
    if command.media_type != "bash":
        return
    for number, line in enumerate(command.text.split("\n")):
        if _YES.search(line):
            message = "answers the command's own question: leave --yes out, so that the person types the target's name"
            yield FeatureError(_at(command, number), message)


def _is_harmless(before: str, after: str) -> bool:
    """Whether what stands before an expansion, in its simple command, keeps it out of every argument list."""
    if "<<<" in before or re.search(r"(?:^|\s)[A-Za-z_]\w*=[\"']?$", before):
        # `NAME="$X" tool` sets the environment; `tool NAME=$X` would not, but starts with its own name
        return "<<<" in before or not re.match(r"(?!export\b|local\b|readonly\b|declare\b)[^\s=]+\s", before)
    word = before.split(maxsplit=1)[0] if before.split() else ""
    return word in _BUILTINS or (word == "printf" and re.match(r"[^\n;]*\|", after) is not None)


def _blanked(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _characters(command: Command) -> Iterator[FeatureError]:
    for number, line in enumerate(command.text.split("\n")):
        if odd := next((character for character in line if printable(character) != character), ""):
            message = f"holds the invisible character U+{ord(odd):04X}: what is read is not what runs"
            yield FeatureError(_at(command, number), message)


def _at(command: Command, line: int) -> Position:
    """A line of the command; its position is that of the opening quotes."""
    return Position(command.position.path, command.position.line + 1 + line)
