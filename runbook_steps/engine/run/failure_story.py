"""A failed step, on one screen: where, what ran, how it ended, what it said last, what was expected. Pure."""

from __future__ import annotations

from runbook_steps.engine.model import Result
from runbook_steps.engine.text.terminal import printable

__all__ = ["failure_story"]

LAST_LINES = 12


def failure_story(where: str, step: str, error: str, result: Result | None, *, scenario: str, target: str) -> str:
    """What a person needs to go on, in about one screen. `where` is `file:line`."""
    lines = [f"{where}: {step}", f"  scenario: {scenario}", f"  target:   {target}"]
    if result is not None:
        lines += command_story(result)
    lines += ["", *(f"  {line}" for line in error.strip().splitlines())]
    return "\n".join(printable(line).rstrip() for line in lines)


def command_story(result: Result) -> list[str]:
    """The command, how it ended and its last lines."""
    command = result.command
    ended = (
        f"killed after {command.timeout_s:g} s, with its children"
        if result.timed_out
        else f"exit code {result.exit_code} after {result.duration_s:.1f} s"
    )
    lines = [f"  command:  ({command.media_type}, {command.position}) — {ended}"]
    lines += [f"    {line}" for line in command.text.splitlines()]
    for name, text in (("stdout", result.stdout), ("stderr", result.stderr)):
        shown = text.strip().splitlines()
        if shown:
            cut = f", last {LAST_LINES} of {len(shown)} lines" if len(shown) > LAST_LINES else ""
            lines.append(f"  {name}{cut}:")
            lines += [f"    {line[:300]}" for line in shown[-LAST_LINES:]]
    return lines
