"""Habits of version 1.0 that no command may have again. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook_steps.engine.model import Command

__all__ = ["bad_habits"]

_CONTINUED = re.compile(r"\\\n")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)
_PARTS = re.compile(r"[;&|\n]+|\$\(|\)|`")
_FAILS = re.compile(r"(?:^|\s)(?:--fail\S*|--write-out|-[a-zA-Z]*[fw])")
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")
_VALUE = re.compile(r"\$?\([^()]*\)")
_LOOP = re.compile(r"\b(?:until|while|for)\b")


def bad_habits(command: Command) -> Iterator[str]:
    """What is wrong with a command, and what to write instead."""
    if command.media_type != "bash":
        return
    # quoted texts emptied and comments left out: what stands in them is data
    plain = _COMMENT.sub("", _QUOTED.sub("''", _CONTINUED.sub(" ", command.text)))
    for part in _PARTS.split(plain):
        words = part.split()
        while words and (words[0] in {"if", "do", "then", "until", "while", "!", "timeout"} or words[0].isdigit()):
            words = words[1:]
        if words and words[0] == "curl" and not _FAILS.search(part):
            yield "curl ends with 0 on HTTP 500: add --fail-with-body, or print the status with -w"
        if words and words[0] == "sleep" and not _LOOP.search(plain):
            yield "sleep is a race: wait for a condition, with a deadline"
    if command.may_fail and _PIPE.search(_outside_of_values(plain)) and "pipefail" not in plain:
        yield "pipe ends with the exit code of its last command, where it is pasted: begin `( set -eu -o pipefail`"
    if re.search(r"\bflush(?:all|db)\b", plain, re.IGNORECASE):
        yield "flushall takes the token blacklist, rate limits and sessions too: remove keys by their pattern"


def _outside_of_values(plain: str) -> str:
    """Without what `$(…)` holds: its exit code is no answer."""
    while (shorter := _VALUE.sub("", plain)) != plain:
        plain = shorter
    return plain
