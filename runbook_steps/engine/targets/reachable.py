"""What of a live target is reachable, and with which rights, before anything runs there. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbook_steps.engine.text.not_held import by_the_guard

__all__ = ["NotGoodError", "Question", "Reached", "reach"]


@dataclass(frozen=True)
class Reached:
    """One part: `good` is None when it is not configured; `rights` say what the credentials may do."""

    part: str
    good: bool | None
    rights: str


class NotGoodError(ValueError):
    """A part answers, and not well; the text says it all."""


@dataclass(frozen=True)
class Question:
    """How a part is asked: `ask` reads, and says with which rights; `variable` tells whether it is configured.

    `named` is how that is said, where one of several variables would do.
    """

    part: str
    variable: str
    ask: Callable[[Mapping[str, str]], str]
    named: str = ""


def reach(
    environment: Mapping[str, str], questions: Sequence[Question], away: tuple[type[BaseException], ...]
) -> Iterator[Reached]:
    """Asks every part in turn; never an exception of `away`, which say that a part is not there."""
    for question in questions:
        if not environment.get(question.variable):
            yield Reached(question.part, None, f"not configured ({question.named or question.variable} is not set)")
            continue
        try:
            yield Reached(question.part, True, question.ask(environment))
        except away as error:
            yield Reached(question.part, False, _short(error))


def _short(error: BaseException) -> str:
    """The kind and the first line: a driver's message names host and user, never a password."""
    if isinstance(error, NotGoodError):
        return str(error)
    if refusal := by_the_guard(str(error)):
        return refusal
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
