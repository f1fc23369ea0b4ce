"""A procedure → one for each block that changes something and each block before it: that one fails, and this is pasted.

A shell goes on when a block has failed, and so does psql. Pure. A block that is expected to be refused (`I try to …:`)
has no failure of its own, and one that only reads changes nothing. Checks are left out: nobody is asked to look.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import replace

from runbook_steps.engine.model import COUNTER_EXAMPLE, Command, Procedure, Risk, Role, Step

__all__ = ["NOT_REFUSED", "REFUSES", "after_failures"]

REFUSES = "it changes nothing, because a block before it has failed"
NOT_REFUSED = "it goes on without the block that has failed, as declared"
_FAILING = {"bash": "(\n  set -eu\n  false\n)", "sql": "SELECT 1 / 0;"}


def after_failures(procedure: Procedure, only_reads: Callable[[Command], bool]) -> Iterator[Procedure]:
    """All of one run of a procedure. The last step of each is a Then, REFUSES or NOT_REFUSED, that holds the block."""
    if procedure.risk is Risk.READONLY or COUNTER_EXAMPLE in procedure.tags:
        return
    steps = procedure.steps
    blocks = [number for number, step in enumerate(steps) if step.command and not step.command.undo]
    reading = {number for number in blocks if (command := steps[number].command) and only_reads(command)}
    idle = {number for number in reading if not _is_taken(steps, number)}
    for place, number in enumerate(blocks):
        step = steps[number]
        if number in reading:
            continue
        good_without = {block for block, _ in step.good_without}
        for failed, failing in enumerate(blocks[:place], 1):
            if not _may_fail(steps[failing]):
                before = _before(steps[:number], failing, idle - {failing})
                title = f"{procedure.name}, block {place + 1} after block {failed} has failed"
                last = _last(step, without=failed in good_without)
                yield replace(procedure, name=title, steps=(*before, last))


def _may_fail(step: Step) -> bool:
    return step.command is not None and step.command.may_fail


def _is_taken(steps: tuple[Step, ...], number: int) -> bool:
    """Whether a value is taken from what the command printed."""
    behind = steps[number + 1 :]
    end = next((place for place, step in enumerate(behind) if step.command), len(behind))
    return any(step.role is Role.WHEN and not step.manual for step in behind[:end])


def _before(steps: tuple[Step, ...], failing: int, idle: Container[int]) -> Iterator[Step]:
    """What a person has done until then: a value of the answer that did not come is not taken.

    Left out are the `idle` ones: they only read, and nobody takes what they print.
    """
    last = -1
    for number, step in enumerate(steps):
        if step.command is not None:
            last = number
            if not step.command.undo and number not in idle:
                text = _FAILING[step.command.media_type] if number == failing else step.command.text
                yield replace(step, command=replace(step.command, text=text, may_fail=True, ends_undo=False))
        elif step.role is Role.GIVEN or (step.role is Role.WHEN and not step.manual and last != failing):
            yield step


def _last(step: Step, *, without: bool) -> Step:
    return replace(step, role=Role.THEN, keyword="Then", text=NOT_REFUSED if without else REFUSES)
