"""The process that parses SQL: started once before it is needed, and again when it has ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from runbook_steps.engine.guards.services.sql_child import SqlParser, end_spares
from runbook_steps.engine.model import Risk

CATALOGUE = '{"builtin": {}, "functions": [], "relations": [], "foreign_parents": [], "operators": [], "types": [], '
CATALOGUE += '"unsaid": [], "written": [], "settings": [], "options": [], "keys": [], "empty": false, "databases": [], '
CATALOGUE += '"superusers": [], "sets": [], "roles": [], "unique": [], "given": [], "of_rows": [], "creators": []}'


@asynccontextmanager
async def parser() -> AsyncIterator[SqlParser]:
    """One whose child has ended afterwards."""
    made = SqlParser()
    try:
        yield made
    finally:
        await made.close()
        end_spares()


def run(test: Callable[[SqlParser], Awaitable[None]]) -> None:
    """With a loop of its own."""

    async def whole() -> None:
        async with parser() as made:
            await test(made)

    asyncio.run(whole())


def child_of(parser: SqlParser) -> int:
    """Its process."""
    assert parser._child is not None
    return parser._child.pid


def test_the_child_that_is_ready_judges() -> None:
    """It is the one that was started, however often it was asked for."""

    async def test(parser: SqlParser) -> None:
        await asyncio.gather(parser.ready(), parser.ready())
        started = child_of(parser)
        assert await parser.refused("SELECT 1", Risk.READONLY, CATALOGUE) is None
        assert await parser.refused("DELETE FROM a", Risk.READONLY, CATALOGUE) == "DELETE"
        await parser.ready()
        assert child_of(parser) == started

    run(test)


def test_a_child_that_ended_before_it_was_asked_is_a_refusal_and_the_next_one_judges() -> None:
    """Nothing passes unread."""

    async def test(parser: SqlParser) -> None:
        await parser.ready()
        ended = child_of(parser)
        os.kill(ended, signal.SIGKILL)
        found = await parser.refused("SELECT 1", Risk.READONLY, CATALOGUE)
        assert found == "SQL that cannot be judged (the parser ended: signal SIGKILL)"
        await parser.ready()
        assert child_of(parser) != ended
        assert await parser.refused("SELECT 1", Risk.READONLY, CATALOGUE) is None

    run(test)


def test_what_was_made_a_part_of_a_table_is_known_to_the_next_child() -> None:
    """What others write through the table above is in it, whatever became of the parser."""

    async def test(parser: SqlParser) -> None:
        made = "CREATE TABLE p PARTITION OF pt DEFAULT"
        assert await parser.refused(made, Risk.MUTATING, CATALOGUE) is None
        os.kill(child_of(parser), signal.SIGKILL)
        assert "the parser ended" in str(await parser.refused("SELECT 1", Risk.MUTATING, CATALOGUE))
        found = await parser.refused("DROP TABLE p", Risk.MUTATING, CATALOGUE)
        assert found == "DROP TABLE p, a part of another, in which others may have written meanwhile"

    run(test)


def test_whoever_signs_in_does_not_wait_for_what_is_being_judged() -> None:
    """A long statement of another session holds up nobody who only gets ready."""

    async def test(parser: SqlParser) -> None:
        async with parser._turn:
            await asyncio.wait_for(parser.ready(), 60)
        assert parser._child is None

    run(test)


def test_the_next_guard_takes_over_a_child_that_is_whole() -> None:
    """With what it knows; another one is started beside it, and for the next when it has ended."""

    async def judged(*parsers: SqlParser) -> list[int]:
        for each in parsers:
            assert await each.refused("SELECT 1", Risk.READONLY, CATALOGUE) is None
            assert await each.refused("DELETE FROM a", Risk.READONLY, CATALOGUE) == "DELETE"
        children = [child_of(each) for each in parsers]
        for each in parsers:
            await each.close()
        return children

    try:
        (first,) = asyncio.run(judged(SqlParser()))
        again, other = asyncio.run(judged(SqlParser(), SqlParser()))
        assert (again, other != first) == (first, True)
        for each in (first, other):
            os.kill(each, signal.SIGKILL)
            os.waitid(os.P_PID, each, os.WEXITED | os.WNOWAIT)
        (last,) = asyncio.run(judged(SqlParser()))
        assert last not in {first, other}
    finally:
        end_spares()
    with pytest.raises(ProcessLookupError):
        os.kill(last, 0)


def test_a_child_that_is_busy_is_ended_and_not_handed_on() -> None:
    """The next guard would read an answer that it did not ask for."""

    async def test() -> int:
        parser = SqlParser()
        await parser.ready()
        async with parser._turn:
            started = child_of(parser)
            await parser.close()
        return started

    started = asyncio.run(test())
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)
