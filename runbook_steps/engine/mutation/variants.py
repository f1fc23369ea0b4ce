"""A procedure, and what its unchanged run showed → the variants that must turn it red. Pure.

Left out is what could not turn anything red, and so would measure nothing: a Then that is left out, an undo that is
only kept ready, a step that only a person can do. A command that is killed ends the scenario by the engine's own law;
it is tried where the scenario lets a command fail.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.model import Command, Procedure, Role, Step
from runbook_steps.engine.mutation import texts

__all__ = ["Observed", "Variant", "variants_of"]


_LONGEST = 60  # characters of a command that a change shows


@dataclass(frozen=True)
class Observed:
    """What the unchanged run showed, by the numbers of steps, counted from 0.

    `arranged` are those that arranged a fault, `worse` those whose fault can be twice as bad, `printed` the commands
    that printed something, `reading` the steps that look at what the command before printed, `checked` those during
    which at least one check was evaluated, `skipped` those that could not be looked at on this target.
    """

    arranged: frozenset[int] = frozenset()
    worse: frozenset[int] = frozenset()
    printed: frozenset[int] = frozenset()
    reading: frozenset[int] = frozenset()
    checked: frozenset[int] = frozenset()
    skipped: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Variant:
    """One procedure that is broken. `step` is the number of the step that is broken, `line` its line in the feature.

    `change` says what is different. `procedure` has the change in it; for what happens while it runs (`at_run`) it is
    as it was. NEGATED is told from the unchanged run: nothing has to run again.
    """

    way: Break
    step: int
    line: int
    change: str
    procedure: Procedure

    @property
    def name(self) -> str:
        """As `runbooks prove --only` takes it: `no-op@34`."""
        return f"{self.way}@{self.line}"

    @property
    def at_run(self) -> bool:
        """Whether the change is made while it runs."""
        return self.way in {Break.NO_FAULT, Break.LYING, Break.WORSE_FAULT}


def variants_of(
    procedure: Procedure,
    observed: Observed,
    *,
    mistaken: Sequence[Sequence[str]] = (),
    same_step: Callable[[Role, str, str], bool] = lambda *_: True,
    seed: int = 0,
) -> tuple[Variant, ...]:
    """All variants of one run of a procedure, in the order of its steps.

    `same_step(role, text, other)` tells whether both lines are of the same Python step. Where there is a choice
    (which number, which other thing) `seed` decides.
    """
    found: list[Variant] = []
    for number, step in enumerate(procedure.steps):
        chance = random.Random(f"{seed} {procedure.title} {number}")  # noqa: S311 - a choice, no secret
        for way, change, steps in _of_step(procedure.steps, number, observed, _Choices(mistaken, same_step, chance)):
            changed = replace(procedure, steps=steps)
            found.append(Variant(way, number, step.position.line, change, changed))
    return tuple(found)


_Change = tuple[Break, str, tuple[Step, ...]]


@dataclass(frozen=True)
class _Choices:
    """What there is to choose from, and what chooses."""

    mistaken: Sequence[Sequence[str]]
    same_step: Callable[[Role, str, str], bool]
    chance: random.Random


def _of_step(steps: tuple[Step, ...], number: int, observed: Observed, choices: _Choices) -> Iterator[_Change]:
    step = steps[number]
    if step.manual or number in observed.skipped:
        return
    if step.command is not None:
        if not step.command.undo:
            for way, change, command in _of_command(step.command, choices):
                yield way, change, _with(steps, number, replace(step, command=command))
            yield from _around(steps, number, observed)
    elif step.role is Role.GIVEN:
        yield from _of_situation(steps, number, observed)
    elif step.role is Role.THEN:
        yield Break.NEGATED, "", steps
        yield from _of_number(steps, number, choices)
    else:
        yield Break.LEFT_OUT, "", (*steps[:number], *steps[number + 1 :])


def _of_command(command: Command, choices: _Choices) -> Iterator[tuple[Break, str, Command]]:
    yield Break.NO_OP, "", texts.no_op(command)
    if (first := texts.first_statement(command)) is not None:
        yield Break.FIRST_LINE, f"`{_short(first.text)}`", first
    if command.may_fail and (killed := texts.killed(command)) is not None:
        yield Break.KILLED, "", killed
    if (other := texts.acting_on_another(command, choices.mistaken, choices.chance)) is not None:
        yield Break.WRONG_THING, f"`{other[1]}` → `{other[2]}`", other[0]
    if (more := texts.option_one_more(command, choices.chance)) is not None:
        yield Break.BY_ONE, more[1], more[0]


def _around(steps: tuple[Step, ...], number: int, observed: Observed) -> Iterator[_Change]:
    """What concerns the steps behind a command."""
    step, behind = steps[number], _until_next_command(steps, number)
    if step.command and number in observed.printed and observed.reading & set(behind):
        yield Break.EMPTIED, "", _with(steps, number, replace(step, command=texts.emptied(step.command)))
    after = behind.stop
    if after == number + 1 and after < len(steps) and (other := steps[after].command) and not other.undo:
        swapped = (*steps[:number], steps[after], step, *steps[after + 1 :])
        yield Break.SWAPPED, f"“{other.purpose}”", swapped


def _until_next_command(steps: tuple[Step, ...], number: int) -> range:
    """The numbers of the steps between a command and the next."""
    end = next((n for n in range(number + 1, len(steps)) if steps[n].command), len(steps))
    return range(number + 1, end)


def _of_situation(steps: tuple[Step, ...], number: int, observed: Observed) -> Iterator[_Change]:
    if number not in observed.arranged:
        if number in observed.checked:  # it only looks, as a Then does
            yield Break.NEGATED, "", steps
        else:
            yield Break.LEFT_OUT, "", (*steps[:number], *steps[number + 1 :])
        return
    yield Break.NO_FAULT, "", steps
    yield Break.LYING, "", steps
    if number in observed.worse:
        yield Break.WORSE_FAULT, "", steps


def _of_number(steps: tuple[Step, ...], number: int, choices: _Choices) -> Iterator[_Change]:
    """What a Then expects, one more: in its line, in its table, in its text."""
    step, chance = steps[number], choices.chance
    if (more := texts.one_more(step.text, chance)) is not None and choices.same_step(step.role, step.text, more[0]):
        yield Break.BY_ONE, more[1], _with(steps, number, replace(step, text=more[0]))
    elif (table := _table(step.table, chance)) is not None:
        yield Break.BY_ONE, table[1], _with(steps, number, replace(step, table=table[0]))
    elif (said := texts.one_more(step.said, chance)) is not None:
        yield Break.BY_ONE, said[1], _with(steps, number, replace(step, said=said[0]))


def _table(table: tuple[tuple[str, ...], ...], chance: random.Random) -> tuple[tuple[tuple[str, ...], ...], str] | None:
    for row, cells in enumerate(table[1:], 1):
        for column, cell in enumerate(cells):
            if cell.isdecimal() and (more := texts.one_more(cell, chance)) is not None:
                changed = (*cells[:column], more[0], *cells[column + 1 :])
                return (*table[:row], changed, *table[row + 1 :]), more[1]
    return None


def _with(steps: tuple[Step, ...], number: int, step: Step) -> tuple[Step, ...]:
    return (*steps[:number], step, *steps[number + 1 :])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
