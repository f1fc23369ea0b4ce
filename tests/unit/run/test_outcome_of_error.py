"""Silence is not good news: what could not be looked at is an error, and is told in words."""

from __future__ import annotations

import httpx
import psycopg
import pytest
import redis

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow, NotRunnableHere
from runbook_steps.engine.model import Outcome
from runbook_steps.engine.run.outcome_of_error import message_of, outcome_of
from runbook_steps.engine.targets.live_looks import NoHands, Variables


@pytest.mark.parametrize(
    "error",
    [
        KeyError("checks"),
        ZeroDivisionError("division by zero"),
        AssertionError("503 == 200"),
        TypeError("'NoneType' object is not subscriptable"),
        ConnectionRefusedError(111, "Connection refused"),
        httpx.ConnectError("refused"),
        psycopg.OperationalError("no route"),
        redis.exceptions.NoPermissionError("refused"),
        CheckFailed("not so"),
    ],
)
def test_an_error_is_red_wherever_it_happens(error: Exception) -> None:
    """Never “not applicable now”: nobody has looked."""
    assert outcome_of(error) is Outcome.FAILED


def test_only_what_was_looked_at_and_is_not_there_is_not_applicable() -> None:
    """And what is not configured is not runnable."""
    assert outcome_of(NotApplicableNow("Redis has room")) is Outcome.NOT_APPLICABLE
    assert outcome_of(NotRunnableHere("no REDIS_URL")) is Outcome.NOT_RUNNABLE


def test_a_client_that_got_no_answer_names_its_service() -> None:
    """In one line, with the kind of the error behind it."""
    assert message_of(psycopg.OperationalError("connection failed\nmore")) == (
        "could not look, PostgreSQL gave no good answer: connection failed (OperationalError)"
    )
    assert "Redis gave no good answer: gone (ConnectionError)" in message_of(redis.exceptions.ConnectionError("gone"))


def test_a_mistake_of_a_step_is_told_as_one_with_its_line() -> None:
    """Not as if the platform had failed."""
    try:
        dict[str, int]()["checks"]
    except KeyError as error:
        said = message_of(error)
    assert said.startswith("the step itself is at fault (test_outcome_of_error.py:")
    assert said.endswith("KeyError: 'checks'")


def test_a_variable_that_is_not_set_says_which_to_set() -> None:
    """A KeyError tells nobody what to do."""
    with pytest.raises(NotRunnableHere, match="staging sets no LOG_DIR: set STAGING_LOG_DIR"):
        Variables("staging", {"A": "1"})["LOG_DIR"]
    assert Variables("staging", {"A": "1"}).get("LOG_DIR") is None


def test_nobody_has_hands_on_a_live_target() -> None:
    """Whatever is asked of them."""
    hands = NoHands("staging")
    for ask in (hands.pid, hands.start, hands.stop, hands.restart, hands.reload):
        with pytest.raises(NotRunnableHere, match="staging is live"):
            ask("redis")
    with pytest.raises(NotRunnableHere, match="staging is live"):
        hands.scale(2)
    with pytest.raises(NotRunnableHere, match="staging is live"):
        hands.recreate(["slot_1"])
    assert hands.services() == ()
