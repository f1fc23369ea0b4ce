"""Habits that no command may have: those of version 1.0, and what goes wrong only where a block is pasted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook_steps.engine.model import Command, Risk
from runbook_steps.engine.text.shell import Simple, has_pipe, second_statement, simple_commands, unsplit_in_zsh

__all__ = ["bad_habits"]

_FAILS = re.compile(r"--fail.*|--write-out(?:=.*)?|-[a-zA-Z]*[fw].*")
_STOPS = re.compile(r"^\s*set -[a-z]*e[a-z]*u", re.MULTILINE)
_PLAIN = re.compile(r"\$(?:(?P<plain>[A-Z][A-Z0-9_]*)|\{(?P<braced>[A-Z][A-Z0-9_]*)\})")
_KNOWN = re.compile(r"\$\{(?P<asked>[A-Z][A-Z0-9_]*):?[?+=-]|\b(?P<own>[A-Z][A-Z0-9_]*)=")


def bad_habits(command: Command, risk: Risk = Risk.READONLY) -> Iterator[str]:
    """What is wrong with a command of a procedure of that risk, and what to write instead."""
    if command.media_type != "bash":
        return
    yield from _of_version_1(command)
    for expansion in dict.fromkeys(unsplit_in_zsh(command.text)):
        yield f'{expansion} is one word in zsh: write `$(echo "$…")`, or an option with `=`'
    if risk is not Risk.READONLY and not _STOPS.search(command.text):
        yield from _goes_on(command.text)


def _goes_on(text: str) -> Iterator[str]:
    """What happens in the shell of a person, which stops at nothing."""
    if second_statement(text) is not None:
        yield "block goes on when one of its commands has failed: join them with `&&`, or begin `( set -eu`"
    known = {found["asked"] or found["own"] for found in _KNOWN.finditer(text)}
    for name in dict.fromkeys(found["plain"] or found["braced"] for found in _PLAIN.finditer(text)):
        if name not in known:
            yield f"${name} may be unset, and then something else is changed: write ${{{name}:?}}"


def _of_version_1(command: Command) -> Iterator[str]:
    for simple in simple_commands(command.text):
        name, *words = simple.words[2:] if simple.words[0] == "timeout" and len(simple.words) > 2 else simple.words  # noqa: PLR2004
        if name == "curl" and not any(_FAILS.fullmatch(word) for word in words):
            yield "curl ends with 0 on HTTP 500: add --fail-with-body, or print the status with -w"
        if name == "curl" and {"--fail-with-body", "--retry"} <= set(words):
            yield "curl cannot take back the body of a refusal when it tries again: --fail instead of --fail-with-body"
        if name == "sleep" and not simple.looped:
            yield "sleep is a race: wait for a condition, with a deadline"
        yield from _unnoticed(simple)
        if any(word.lower() in {"flushall", "flushdb"} for word in (name, *words)):
            yield "flushall takes the token blacklist, rate limits and sessions too: remove keys by their pattern"
    if command.may_fail and has_pipe(command.text) and "pipefail" not in command.text:
        yield "pipe ends with the exit code of its last command, where it is pasted: begin `( set -eu -o pipefail`"


def _unnoticed(simple: Simple) -> Iterator[str]:
    """An error that ends with 0, a number that nobody gave, and requests that a rate limit refuses."""
    waits = not {"--retry", "-w"}.isdisjoint(simple.words)  # who measures times wants no waiting in them
    if simple.looped and simple.words[0] == "curl" and not waits and any("_BASE_URL" in word for word in simple.words):
        yield "curl in a loop meets the rate limit of the proxy: add --retry, which waits"
    if "redis-cli" in simple.words and "-e" not in simple.words:
        yield "redis-cli ends with 0 on an error reply: add -e"
    if simple.words[:3] in {("docker", "compose", "up")} and "--scale" not in simple.words:
        yield "docker compose up goes back to the number of instances that its file has: add --scale"
