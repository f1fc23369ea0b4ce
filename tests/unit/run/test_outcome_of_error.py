"""Silence is not good news: what could not be looked at is an error, and is told in words."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import psycopg
import pytest
import redis

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow, NotRunnableHere
from runbook_steps.engine.model import Outcome
from runbook_steps.engine.run.outcome_of_error import message_of, outcome_of
from runbook_steps.engine.targets.live_looks import NoHands, Variables
from runbook_steps.engine.text.not_held import NOT_HELD


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


def test_a_database_behind_a_pooler_is_not_runnable_and_no_failure() -> None:
    """The guard opened no session to look by: a setting is missing, and it is named."""
    why = NOT_HELD.format(why="transaction_read_only is off")
    error = psycopg.OperationalError(f"connection failed: FATAL:  refused by the guard: this is {why}")
    assert outcome_of(error) is Outcome.NOT_RUNNABLE
    assert message_of(error) == f"PostgreSQL cannot be looked at here: it is reached by {why}"
    assert outcome_of(ValueError(why)) is Outcome.FAILED


def read_by_a_step(read: Callable[[], object]) -> str:
    """What is told when a step reads something in that way."""
    with pytest.raises(Exception, match=r"\S") as caught:
        read()
    assert outcome_of(caught.value) is Outcome.FAILED
    return message_of(caught.value)


UNLIKE: dict[str, tuple[Callable[[], object], str]] = {
    "a missing field": (lambda: dict[str, int]()["checks"], "what was read has no 'checks'"),
    "an empty list": (lambda: list[int]()[0], "what was read is empty, or shorter than it should be"),
    "null": (lambda: json.loads('{"a": null}')["a"]["b"], "what was read says nothing (null) where something should"),
    "an array instead": (lambda: json.loads("[1]")["a"], "what was read is not what it should be: list indices must"),
    "HTML": (lambda: json.loads("<html>"), "what was read is no JSON: it begins with '<html>'"),
    "an empty answer": (lambda: json.loads(""), "what was read is no JSON: it begins with ''"),
    "words for a number": (lambda: float("many"), "what was read is not what it should be: could not convert"),
    "no traffic": (lambda: 1 / len([]), "what was read counts nothing: there is no share of it"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNLIKE)
def test_what_is_not_as_a_step_reads_it_is_told_in_words(kind: str) -> None:
    """With the place, and without the name of an exception."""
    read, words = UNLIKE[kind]
    said = read_by_a_step(read)
    assert said.startswith(f"could not look, {words}"), said
    assert "(test_outcome_of_error.py:" in said
    assert "Error" not in said


def test_a_mistake_of_a_step_is_told_as_one_with_its_line() -> None:
    """Not as if the platform had failed."""
    said = read_by_a_step(lambda: "text".no_such_word)  # type: ignore[attr-defined]
    assert said.startswith("the step itself is at fault (test_outcome_of_error.py:")
    assert "AttributeError" in said


def test_what_the_database_refuses_has_its_code() -> None:
    """The same in every language, and no name of a class."""
    missing = psycopg.errors.UndefinedTable('relation "pg_stat_statements" does not exist')
    assert message_of(missing).endswith('relation "pg_stat_statements" does not exist (SQLSTATE 42P01)')


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


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("assert {}", "nothing was found"),
        ("assert []\n +  where [] = rows()", "nothing was found\n +  where [] = rows()"),
        ("assert 200 == 503", "this does not hold: 200 == 503"),
        ("503 from /health\nassert 200 == 503", "503 from /health\nassert 200 == 503"),
        ("assert [1] == [2]\n  Use -v to get more diff", "this does not hold: [1] == [2]"),
        ("assert 'a' == 'b'\n  \n  ...Full output truncated (9 lines hidden), use '-vv' to show",
         "this does not hold: 'a' == 'b'"),
        ("", "a check did not hold, and does not say what it found"),
    ],
)  # fmt: skip
def test_a_bare_assert_is_told_to_a_person(said: str, told: str) -> None:
    """What it found, without what only an author can use."""
    assert message_of(AssertionError(said)) == told
