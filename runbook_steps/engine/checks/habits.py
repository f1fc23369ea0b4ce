"""Habits of version 1.0 that no command may have again. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook_steps.engine.model import Command
from runbook_steps.engine.text.shell import has_pipe, simple_commands

__all__ = ["bad_habits"]

_FAILS = re.compile(r"--fail.*|--write-out(?:=.*)?|-[a-zA-Z]*[fw].*")


def bad_habits(command: Command) -> Iterator[str]:
    """What is wrong with a command, and what to write instead."""
    if command.media_type != "bash":
        return
    for simple in simple_commands(command.text):
        name, *words = simple.words[2:] if simple.words[0] == "timeout" and len(simple.words) > 2 else simple.words  # noqa: PLR2004
        if name == "curl" and not any(_FAILS.fullmatch(word) for word in words):
            yield "curl ends with 0 on HTTP 500: add --fail-with-body, or print the status with -w"
        if name == "sleep" and not simple.looped:
            yield "sleep is a race: wait for a condition, with a deadline"
        if any(word.lower() in {"flushall", "flushdb"} for word in (name, *words)):
            yield "flushall takes the token blacklist, rate limits and sessions too: remove keys by their pattern"
    if command.may_fail and has_pipe(command.text) and "pipefail" not in command.text:
        yield "pipe ends with the exit code of its last command, where it is pasted: begin `( set -eu -o pipefail`"
