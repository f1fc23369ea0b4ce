"""What `--after-failure` looks at: whether a block attempts a change although a block before it has failed.

It is pasted into a window of its own, where a read-only guard stands before the services and the lock is on the host:
whatever it attempts is named, and not done. A block that attempted nothing and failed is then pasted for real, into the
window where the other one failed: it must fail there too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import then

from runbook_steps.engine.errors import CheckFailed, RiskExceeded
from runbook_steps.engine.model import CONFIRMED, Command, Procedure, Result, Risk
from runbook_steps.engine.mutation.after_failure import NOT_REFUSED, REFUSES, after_failures
from runbook_steps.engine.run.needs import without_unnamed
from runbook_steps.engine.run.pasted import Pasted
from runbook_steps.engine.run.reads import only_reads
from runbook_steps.engine.targets.protocol import Target


def after_failures_of(readers: Iterable[str]) -> Callable[[Procedure], Iterator[Procedure]]:
    """Gives what is run of a procedure; `readers` are the project's commands that only read."""

    def of(procedure: Procedure) -> Iterator[Procedure]:
        for each in procedure.runs:
            yield from after_failures(each, lambda command: only_reads(command, readers))

    return of


@pytest.fixture
def attempted(
    request: pytest.FixtureRequest, proof: Any, target: Target, variables: Mapping[str, str], workspace: Path
) -> Callable[[Command], tuple[str, Result]]:
    """Pastes a block behind the guard; what it attempted, empty when nothing, and what it did."""

    def paste(command: Command) -> tuple[str, Result]:
        given = {CONFIRMED: target.name, **target.environment(), **variables}
        restraint = proof.restraint(Risk.READONLY)
        restraint.forget()
        held = restraint.hold(without_unnamed(given, proof.settings.only_where_named, command), workspace)
        with _window(request.config.getoption("--pasted"), workspace) as window:
            result = window.run(command, held.environment, prefix=held.prefix)
        try:
            restraint.judge(command, result)
        except RiskExceeded as error:
            return str(error), result
        return "", result

    return paste


@contextlib.contextmanager
def _window(shell: str, folder: Path) -> Iterator[Pasted]:
    window = Pasted(shell, folder)
    try:
        yield window
    finally:
        window.close()


@then(REFUSES)
def it_changes_nothing(
    planned_command: Callable[[], Command],
    attempted: Callable[[Command], tuple[str, Result]],
    execute: Callable[[Command], Result],
) -> None:
    """Neither behind the guard, nor for real."""
    command = planned_command()
    said, behind_the_guard = attempted(command)
    if said:
        raise CheckFailed(f"{said}. Let it look first at what the block before should have done, {_OR_SAY}")
    if behind_the_guard.exit_code == 0:  # it read, and went through
        return
    result = execute(command)
    if result.exit_code == 0:
        raise CheckFailed(f"“{command.purpose}” went through. Let it look first, {_OR_SAY}")


@then(NOT_REFUSED)
def it_goes_on(planned_command: Callable[[], Command], attempted: Callable[[Command], tuple[str, Result]]) -> None:
    """A declaration that says nothing true is taken out."""
    said, result = attempted(planned_command())
    if not said:
        raise CheckFailed(f"it changes nothing (exit code {result.exit_code}): take that `# good without` out")


_OR_SAY = "or say above its step `# good without (1): why.`"
