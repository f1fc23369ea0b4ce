"""A text → the same text, broken in one way. Pure; None where that way does not apply."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from runbook_steps.engine.model import Command
from runbook_steps.engine.text.shell import second_statement

__all__ = ["acting_on_another", "emptied", "first_statement", "killed", "no_op", "one_more", "option_one_more"]

_NUMBER = re.compile(r"(?<![\w.$:/#-])\d+(?![\w.:/%-]*\w)")
_OF_TIME = re.compile(r"(?:time|wait|sleep|deadline|retry|interval|within|delay|connect|limit)\S*[ =]+$", re.IGNORECASE)
_BOUND = re.compile(
    r"\b(?:at (?:least|most)|(?:less|more|fewer|longer|older|newer) than|under|over|below|above|up to|about|between)"
    r"\s*$",
    re.IGNORECASE,
)
_OPTION = re.compile(r"(?<!\S)--[a-z][\w-]*[ =]$")
_UNIT_OF_TIME = re.compile(r"\s*(?:s|ms|seconds?|minutes?|hours?|days?)\b")
_STATEMENT_END = re.compile(r";[ \t]*(?:\n|$)")


def no_op(command: Command) -> Command:
    """Ends well, prints nothing, changes nothing."""
    return replace(command, text="-- nothing" if command.media_type == "sql" else "true")


def emptied(command: Command) -> Command:
    """Does its work and prints nothing."""
    first = "\\o /dev/null" if command.media_type == "sql" else "exec >/dev/null"
    return replace(command, text=f"{first}\n{command.text}")


def first_statement(command: Command) -> Command | None:
    """Only the first of several statements."""
    rest = _behind_the_first(command)
    return None if rest is None else replace(command, text=command.text[:rest].rstrip())


def killed(command: Command) -> Command | None:
    """Killed behind its first statement, or before it when it has one alone; None for SQL."""
    if command.media_type == "sql":
        return None
    rest = _behind_the_first(command) or 0
    return replace(command, text=f"{command.text[:rest].rstrip()}\nkill -KILL $$\n{command.text[rest:]}".lstrip("\n"))


def acting_on_another(
    command: Command, groups: Sequence[Sequence[str]], chance: random.Random
) -> tuple[Command, str, str] | None:
    """The command with one name, everywhere in it, that one may take for another, and both names."""
    found = [
        (place.start(), name, group)
        for group in groups
        for name in group
        if (place := _whole(name).search(command.text)) is not None
    ]
    if not found:
        return None
    _, name, group = min(found)
    other = chance.choice([each for each in group if each != name])
    return replace(command, text=_whole(name).sub(lambda _: other, command.text)), name, other


def one_more(text: str, chance: random.Random) -> tuple[str, str] | None:
    """The text with one of its numbers one more, and what was changed; times, limits and bounds stay."""
    numbers = [each for each in _NUMBER.finditer(text) if not _is_limit(text, each)]
    return _raised(text, chance.choice(numbers)) if numbers else None


def option_one_more(command: Command, chance: random.Random) -> tuple[Command, str] | None:
    """The command with a number that it gives to an option one more: `--keep 7`; None for SQL."""
    text = command.text
    numbers = [
        each for each in _NUMBER.finditer(text) if not _is_limit(text, each) and _OPTION.search(text[: each.start()])
    ]
    if command.media_type == "sql" or not numbers:
        return None
    changed, what = _raised(text, chance.choice(numbers))
    return replace(command, text=changed), what


def _raised(text: str, chosen: re.Match[str]) -> tuple[str, str]:
    other = str(int(chosen[0]) + 1)
    return f"{text[: chosen.start()]}{other}{text[chosen.end() :]}", f"{chosen[0]} → {other}"


def _is_limit(text: str, number: re.Match[str]) -> bool:
    before, behind = text[: number.start()], text[number.end() :]
    return bool(_OF_TIME.search(before) or _BOUND.search(before) or _UNIT_OF_TIME.match(behind))


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")


def _behind_the_first(command: Command) -> int | None:
    """Where the second statement begins; None when there is one alone."""
    if command.media_type == "sql":
        end = _STATEMENT_END.search(command.text)
        return end.end() if end and command.text[end.end() :].strip() else None
    return second_statement(command.text)
