"""SQL as a person pastes it: one long session of psql, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook_steps.engine.errors import CommandFailed
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.pasted import Pasted
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.test_pasted import ANY, like

Sql = Callable[[str], Result]


@pytest.fixture
def sql(embedded: EmbeddedTarget, tmp_path: Path) -> Iterator[Sql]:
    """Pastes SQL into one psql, the same for the whole test."""
    embedded.start({"postgres"})
    shells = Pasted("bash", tmp_path)
    yield lambda text: shells.run(like(ANY, text, "sql"), embedded.environment())
    shells.close()


def test_psql_is_on_a_terminal(sql: Sql) -> None:
    """What it does for a person only, it does: a savepoint for each statement that was typed."""
    lines = ("\\set ON_ERROR_ROLLBACK interactive", "BEGIN;", "SELECT 1 / 0;", "SELECT 'still', 'open';", "ROLLBACK;")
    done = sql("\n".join(lines))
    assert "division by zero" in done.stderr
    assert " still    | open" in done.stdout, "a psql that reads a pipe has aborted the transaction"


def test_only_answers_are_output(sql: Sql) -> None:
    """No prompt, no echo of what was pasted, and lines that end as they do in a pipe."""
    assert sql("SELECT 1 AS one;").stdout == " one \n-----\n   1\n(1 row)\n\n"


def test_a_long_answer_takes_nothing_of_what_follows(sql: Sql) -> None:
    """A pager would take the next lines for its own commands."""
    done = sql("SELECT number FROM generate_series(1, 500) AS number;\nSELECT 'it', 'ran';")
    assert (done.exit_code, "(500 rows)" in done.stdout, "it       | ran" in done.stdout) == (0, True, True)


@pytest.mark.parametrize("open_", ["BEGIN;", "BEGIN;\nSELECT 1 / 0;"])
def test_a_block_that_leaves_a_transaction_open_is_told(sql: Sql, open_: str) -> None:
    """What is pasted next would count for nobody, or be refused."""
    with pytest.raises(CommandFailed, match="left a transaction open"):
        sql(open_)


def test_a_block_that_fails_leaves_none_where_it_ends_it(sql: Sql) -> None:
    """The whole block is pasted, its COMMIT too: the next one is not swallowed."""
    failed = sql("BEGIN;\nCREATE TABLE half (i int);\nSELECT 1 / 0;\nCOMMIT;")
    after = sql("SELECT to_regclass('half') IS NULL AS none, 'it', 'ran';")
    assert (failed.exit_code, "t    | it       | ran" in after.stdout) == (3, True)
