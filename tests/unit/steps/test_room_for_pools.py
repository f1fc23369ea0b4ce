"""What a Given finds otherwise is not there: it is no failed check."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from runbook_steps.engine.errors import NotApplicableNow
from runbook_steps.steps.scaling import room_for_five_pools


class Allows:
    """A database with so many connections."""

    def __init__(self, connections: int) -> None:
        self._connections = connections

    def execute(self, _query: str) -> Any:
        """Its answer to SHOW."""
        return self

    def fetchone(self) -> tuple[str]:
        """One value, as text."""
        return (str(self._connections),)


def asked_of(connections: int) -> dict[str, str]:
    """What the step gives its commands, of a database with so many."""

    @contextmanager
    def connect() -> Any:
        yield Allows(connections)

    variables: dict[str, str] = {}
    room_for_five_pools(connect, variables)
    return variables


def test_a_smaller_database_has_no_room_for_five_pools() -> None:
    """80 % of 25 connections are fewer than five pools of five; of 32 they are not."""
    with pytest.raises(NotApplicableNow, match="max_connections is 25: five pools of 5 have no room in 80% of them"):
        asked_of(25)
    assert asked_of(32) == {"WANTED": "5"}
