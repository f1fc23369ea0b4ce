"""A procedure → one for each block that changes something and each block before it: that one fails, and this is pasted.

A shell goes on when a block has failed, and so does psql. Pure. A block that is expected to be refused (`I try to …:`)
has no failure of its own, and one that only reads changes nothing. Checks are left out: nobody is asked to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    blocks = [number for number, step in enumerate(procedure.steps) if step.command and not step.command.undo]
    for place, number in enumerate(blocks):
        step = procedure.steps[number]
        if step.command is None or only_reads(step.command):
            continue
        good_without = {block for block, _ in step.good_without}
        for failed, failing in enumerate(blocks[:place], 1):
            if not _may_fail(procedure.steps[failing]):
                steps = (*_before(procedure.steps[:number], failing), _last(step, without=failed in good_without))
                title = f"{procedure.name}, block {place + 1} after block {failed} has failed"
                yield replace(procedure, name=title, steps=steps)


def _may_fail(step: Step) -> bool:
    return step.command is not None and step.command.may_fail


def _before(steps: tuple[Step, ...], failing: int) -> Iterator[Step]:
    """What a person has done until then: a value of the answer that did not come is not taken."""
    last = -1
    for number, step in enumerate(steps):
        if step.command is not None:
            last = number
            if not step.command.undo:
                text = _FAILING[step.command.media_type] if number == failing else step.command.text
                yield replace(step, command=replace(step.command, text=text, may_fail=True, ends_undo=False))
        elif step.role is Role.GIVEN or (step.role is Role.WHEN and not step.manual and last != failing):
            yield step


def _last(step: Step, *, without: bool) -> Step:
    return replace(step, role=Role.THEN, keyword="Then", text=NOT_REFUSED if without else REFUSES)
