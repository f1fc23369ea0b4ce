"""Commands: shown on the page and executed byte for byte; and what only a person can do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_bdd import given, parsers, then, when

from runbook_steps.engine.errors import CheckFailed, CommandFailed, CommandTimedOut
from runbook_steps.engine.model import Command, Result
from runbook_steps.engine.sources.feature_file import COMMAND_STEP, MANUAL_STEP
from runbook_steps.engine.sources.parameters import TAKES


@when(parsers.re(COMMAND_STEP.pattern), target_fixture="last_result")
def run_the_command(
    written_command: Callable[[str], Command],
    docstring: str,
    execute: Callable[[Command], Result],
    keep_ready: Callable[[Command], None],
) -> Result:
    command = written_command(docstring)
    if command.undo:
        keep_ready(command)
        return Result(command, exit_code=0, stdout="", stderr="", duration_s=0.0, timed_out=False)
    result = execute(command)
    if result.timed_out:
        raise CommandTimedOut(
            f"“{command.purpose}” did not end within {command.timeout_s:g} s; it was killed with everything it started"
        )
    if result.exit_code != 0 and not command.may_fail:
        raise CommandFailed(f"“{command.purpose}” ended with exit code {result.exit_code}; expected 0")
    return result


@given(parsers.re(MANUAL_STEP.pattern))
@when(parsers.re(MANUAL_STEP.pattern))
@then(parsers.re(MANUAL_STEP.pattern))
def only_a_person_can_do_this(leave_to_a_person: Callable[[], None]) -> None:
    leave_to_a_person()


@pytest.fixture
def last_result() -> Result:
    """What the command before this step did; every command step puts its own in this place."""
    raise CheckFailed("no command ran before this check")


def answer_of(result: Result) -> Any:
    """What a command printed, read as JSON. Raises CheckFailed when it is none."""
    try:
        return json.loads(result.stdout)
    except ValueError as error:
        raise CheckFailed(f"the command before did not print JSON: {error}") from error


@then(parsers.parse("it is refused with exit code {code:d}, saying:"))
def refused_saying(last_result: Result, code: int, docstring: str) -> None:
    assert code == last_result.exit_code
    said = " ".join((last_result.stderr + last_result.stdout).split())
    assert " ".join(docstring.split()) in said


@then(parsers.parse("it ends with exit code {code:d}"))
def ends_with(last_result: Result, code: int) -> None:
    assert code == last_result.exit_code


@when(parsers.re(TAKES))
def take_from_the_answer(last_result: Result, variables: dict[str, str], path: str, name: str) -> None:
    variables[name] = str(value_at(answer_of(last_result), path))


def value_at(document: Any, path: str) -> Any:
    """The value at a path like `backups[0].location`. Raises CheckFailed, naming the part that is missing."""
    value = document
    for part in path.replace("[", ".[").split("."):
        try:
            value = value[int(part[1:-1])] if part.startswith("[") else value[part]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise CheckFailed(f"the answer has no {part!r} of {path!r}") from error
    return value
