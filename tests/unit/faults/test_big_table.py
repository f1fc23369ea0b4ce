"""How long a query takes is told from the least disturbed of its askings."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest

from runbook_steps.faults.big_table import measured_ms


class Busy:
    """A database whose answers take these milliseconds, one after the other, and the last for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers_ms: float) -> None:
        self.asked = 0
        self._now = 0.0
        self._answers = self._endless(answers_ms)
        monkeypatch.setattr(time, "monotonic", lambda: self._now)

    @staticmethod
    def _endless(answers: tuple[float, ...]) -> Iterator[float]:
        yield from answers
        while True:
            yield answers[-1]

    def execute(self, _query: str, given: object = None) -> Busy:
        """The customer is looked up for nothing; the query takes its time."""
        if given:
            self.asked += 1
            self._now += next(self._answers) / 1000
        return self

    def fetchone(self) -> tuple[str]:
        """A customer."""
        return ("someone",)

    def fetchall(self) -> None:
        """Nothing that anybody reads."""


def test_nine_askings_are_enough_where_nothing_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least of them counts."""
    database = Busy(monkeypatch, 9.0, 7.0, 8.0)
    assert (round(measured_ms(database), 3), database.asked) == (7.0, 9)


@pytest.mark.parametrize(("then", "least", "patient"), [(1.0, 1.0, True), (7.0, 7.0, False)])
def test_a_disturbed_query_is_asked_on_until_patience_ends(
    monkeypatch: pytest.MonkeyPatch, then: float, least: float, patient: bool
) -> None:
    """A busy machine disturbed the first twenty; a query that stays slow is told as slow."""
    database = Busy(monkeypatch, *[8.0] * 20, then)
    assert round(measured_ms(database, expected_ms=2.0), 3) == least
    assert (database.asked == 21) is patient
    assert math.isclose(database._now, 10.0, abs_tol=0.01) is not patient
