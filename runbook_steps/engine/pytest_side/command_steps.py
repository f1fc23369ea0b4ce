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

_SIGPIPE_EXIT = 141


@when(parsers.re(COMMAND_STEP.pattern), target_fixture="last_result")
def run_the_command(
    planned_command: Callable[[], Command],
    execute: Callable[[Command], Result],
    keep_ready: Callable[[Command], None],
) -> Result:
    command = planned_command()
    if command.undo:
        keep_ready(command)
        return Result(command, exit_code=0, stdout="", stderr="", duration_s=0.0, timed_out=False)
    result = execute(command)
    if result.timed_out:
        raise CommandTimedOut(
            f"“{command.purpose}” did not end within {command.timeout_s:g} s; it was killed with everything it started"
        )
    if result.exit_code != 0 and not command.may_fail:
        raise CommandFailed(f"“{command.purpose}” ended with exit code {result.exit_code}; expected 0{hint(result)}")
    return result


def hint(result: Result) -> str:
    """What is behind an end that looks like a riddle; empty when nothing is known of it."""
    if result.exit_code == _SIGPIPE_EXIT:
        return ". A program of a pipe wrote on when its reader had ended: let the last one read all (`sed -n 1,3p`)"
    if "/dev/tty" in result.stderr:
        return ". A command has no terminal: let a step `When a person …` ask, or read a variable"
    return ""


@given(parsers.re(MANUAL_STEP.pattern))
@when(parsers.re(MANUAL_STEP.pattern))
@then(parsers.re(MANUAL_STEP.pattern))
def only_a_person_can_do_this(leave_to_a_person: Callable[[], None]) -> None:
    leave_to_a_person()


@pytest.fixture
def last_result() -> Result:
    """What the command before this step did; every command step puts its own in this place."""
    raise CheckFailed("no command ran before this check")


class _Number(str):
    """A number as the JSON has it, digit for digit."""

    __slots__ = ()


def answer_of(result: Result, number: Callable[[str], Any] | None = None) -> Any:
    """What a command printed, read as JSON; `number` makes a value of a number's text. Raises CheckFailed."""
    try:
        return json.loads(result.stdout, parse_int=number, parse_float=number, parse_constant=number)
    except ValueError as error:
        raise CheckFailed(f"the command before did not print JSON: {error}") from error


@then(parsers.parse("it is refused with exit code {code:d}, saying:"))
def refused_saying(last_result: Result, code: int, docstring: str) -> None:
    assert code == last_result.exit_code, _how_it_ended(last_result)
    said = " ".join((last_result.stderr + last_result.stdout).split())
    assert " ".join(docstring.split()) in said


@then(parsers.parse("it ends with exit code {code:d}"))
def ends_with(last_result: Result, code: int) -> None:
    assert code == last_result.exit_code, _how_it_ended(last_result)


def _how_it_ended(result: Result) -> str:
    purpose = f"“{result.command.purpose}”"
    if result.exit_code is None:
        return f"{purpose} was not run, so there is no exit code"
    return f"{purpose} ended with exit code {result.exit_code}"


@when(parsers.re(TAKES))
def take_from_the_answer(last_result: Result, variables: dict[str, str], path: str, name: str) -> None:
    value = as_the_answer_has_it(value_at(answer_of(last_result, _Number), path))
    if "\0" in value:
        raise CheckFailed(f"{path!r} of the answer holds a zero byte, which no variable can")
    variables[name] = value


def as_the_answer_has_it(value: Any) -> str:
    """A text as it is, everything else as JSON: `true`, `null`, `1.10`, `{"a":1}`."""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    match value:
        case _Number():
            return value
        case dict():
            return "{" + ",".join(f"{_json(name)}:{_json(entry)}" for name, entry in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_json, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def value_at(document: Any, path: str) -> Any:
    """The value at a path like `backups[0].location` or `[0].id`. Raises CheckFailed, naming what is missing."""
    value = document
    for part in path.replace("[", ".[").removeprefix(".").split("."):
        try:
            value = value[int(part[1:-1])] if part.startswith("[") else value[part]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise CheckFailed(f"the answer has no {part!r} of {path!r}") from error
    return value
