"""Runs migrations: each file in a session of its own, never long in the way, and the truth about a failure."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.migration_blockers import Blockers
from runbook_steps.operations.migration_record import Record, create_record, read_applied, remember
from runbook_steps.operations.migration_sql import Statement
from runbook_steps.operations.migrations import Migration, refuse_inconsistent, standings

__all__ = ["Patience", "apply_pending"]

Connection = psycopg.Connection[Any]
Opened = Callable[[], AbstractContextManager[Connection]]
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class Patience:
    """How long a statement waits for a lock (all who come later wait behind it), how often, how long it works."""

    lock_timeout_ms: int = 3000
    tries: int = 10
    statement_timeout_ms: int = 15 * 60 * 1000
    pause_s: float = 1.0
    wait: Callable[[float], None] = time.sleep

    def pause(self, attempt: int) -> None:
        """Lets others through before the next try: longer each time."""
        self.wait(min(_LONGEST_PAUSE_S, self.pause_s * 2 ** (attempt - 1)) * random.uniform(0.7, 1.3))  # noqa: S311


@dataclass(frozen=True)
class _Run:
    """`opened` gives a new session in autocommit; `tell` is for the person who waits."""

    opened: Opened
    record: Record
    patience: Patience
    tell: Callable[[str], None]


def apply_pending(
    opened: Opened, record: Record | None, files: tuple[Migration, ...], patience: Patience, *, retry_failed: bool,
    tell: Callable[[str], None],
) -> Iterator[tuple[Migration, int]]:  # fmt: skip
    """Applies what is pending, in order, and yields each with its duration in ms. The caller holds the lock.

    `opened` gives a new session in autocommit. Raises RefusedError before anything runs, when a file was changed,
    a failed one was not cleaned, or one of them holds what cannot be kept in one transaction; OperationError, with
    file and line, when a migration fails: the ones before it stay applied.
    """
    with opened() as connection:
        now = standings(files, read_applied(connection, record))
        refuse_inconsistent(now, retry_failed=retry_failed)
        pending = {int(each.version) for each in now if each.state in {"pending", "failed"}}
        to_do = [(file, file.statements()) for file in files if int(file.version) in pending]
        run = _Run(opened, record or create_record(connection), patience, tell)
    for file, found in to_do:
        began = time.monotonic()
        (_in_transaction if file.in_transaction else _one_by_one)(run, file, found)
        yield file, int(1000 * (time.monotonic() - began))


def _in_transaction(run: _Run, file: Migration, found: tuple[Statement, ...]) -> None:
    for attempt in range(1, run.patience.tries + 1):
        state = _Transaction()
        with Blockers(run.opened) as blockers:
            try:
                with run.opened() as connection:
                    blockers.watch(connection.info.backend_pid)
                    _limit(connection, run.patience.lock_timeout_ms, run.patience.statement_timeout_ms)
                    _run_once(connection, run.record, file, found, state)
            except psycopg.errors.LockNotAvailable as error:
                if attempt == run.patience.tries or state.committed(run.opened) is not False:
                    raise OperationError(_failure(run, file, error, state, blockers.told())) from error
                run.tell(f"{file.label} gave way{blockers.told()}; try {attempt + 1} of {run.patience.tries}")
            except psycopg.Error as error:
                raise OperationError(_failure(run, file, error, state, "")) from error
            else:
                return
        run.patience.pause(attempt)


class _Transaction:
    """The number of the transaction that a file runs in, and the line of the statement that was reached."""

    def __init__(self) -> None:
        self.number = ""
        self.line = 1
        self.text = ""

    def committed(self, opened: Opened) -> bool | None:
        """Whether it is in the database: PostgreSQL's own word. None when it could not be asked."""
        if not self.number:
            return False
        with suppress(psycopg.Error, OperationError), opened() as connection:
            row = connection.execute("SELECT pg_xact_status(%s::xid8)", [self.number]).fetchone()
            return bool(row) and row is not None and row[0] == "committed"
        return None


def _run_once(
    connection: Connection, record: Record, file: Migration, found: tuple[Statement, ...], state: _Transaction
) -> None:
    began = time.monotonic()
    with connection.transaction():
        row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        state.number = str(row[0]) if row else ""
        for statement in found:
            state.line, state.text = statement.line, statement.text
            connection.execute(statement.text.encode())
        # the file may have taken another role, or limits of its own
        connection.execute("RESET SESSION AUTHORIZATION")
        connection.execute("RESET ROLE")
        connection.execute("SET LOCAL statement_timeout = 0")
        now = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        if not now or now[0] != state.number:
            raise psycopg.errors.ActiveSqlTransaction("a statement of the file ended the transaction it ran in")
        remember(connection, record, file, "applied", int(1000 * (time.monotonic() - began)))


def _one_by_one(run: _Run, file: Migration, found: tuple[Statement, ...]) -> None:
    began = time.monotonic()
    with run.opened() as connection:
        remember(connection, run.record, file, "failed", 0)  # what a kill leaves: something may be half there
    with run.opened() as connection:
        for number, statement in enumerate(found, 1):
            try:
                _alone(run, connection, file, statement)
            except psycopg.Error as error:
                raise OperationError(_half_way(run.opened, file, found, number, error)) from error
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.rollback()
            raise OperationError(
                f"{file.path.name}: it leaves a transaction open, which was rolled back; the file is recorded as failed"
            )
    with run.opened() as connection:
        remember(connection, run.record, file, "applied", int(1000 * (time.monotonic() - began)))


def _alone(run: _Run, connection: Connection, file: Migration, statement: Statement) -> None:
    """A statement outside a transaction. CONCURRENTLY keeps nobody waiting, so it may wait, and work, for long."""
    inside = connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
    if not inside:
        _limit(connection, 0 if statement.concurrent else run.patience.lock_timeout_ms, 0)
    tries = 1 if inside or statement.concurrent else run.patience.tries
    for attempt in range(1, tries + 1):
        try:
            connection.execute(statement.text.encode())
        except psycopg.errors.LockNotAvailable:
            if attempt == tries:
                raise
            run.tell(f"{file.label}, line {statement.line}, gave way; try {attempt + 1} of {tries}")
            run.patience.pause(attempt)
        else:
            return


def _limit(connection: Connection, lock_ms: int, statement_ms: int) -> None:
    connection.execute(
        sql.SQL("SET lock_timeout = {}; SET statement_timeout = {}").format(
            sql.Literal(lock_ms), sql.Literal(statement_ms)
        )
    )


def _said(error: psycopg.Error) -> str:
    said = error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return f"{said}{detail} [{error.sqlstate or 'no connection'}]"


def _place(error: psycopg.Error, line: int, text: str) -> int:
    position = int(error.diag.statement_position or 0)
    return line + (text[: position - 1].count("\n") if position else 0)


def _failure(run: _Run, file: Migration, error: psycopg.Error, state: _Transaction, blockers: str) -> str:
    left = {
        False: "it was rolled back: nothing of it is in the database",
        True: "it was COMMITTED all the same, and is not recorded: look at what it did, then "
        "`beautycort migrate status`",
        None: "whether it is in the database could not be asked: look before you run it again",
    }[state.committed(run.opened)]
    line = _place(error, state.line, state.text)
    return f"{file.path.name}:{line}: {_said(error)}{blockers}; {left}"


def _half_way(opened: Opened, file: Migration, found: tuple[Statement, ...], number: int, error: psycopg.Error) -> str:
    statement = found[number - 1]
    before = f" The {number - 1} statements before it stay." if number > 1 else ""
    return (
        f"{file.path.name}:{_place(error, statement.line, statement.text)}: {_said(error)}; it ran outside a "
        f"transaction: look for what it left, for example an INVALID index{_invalid(opened)}.{before}"
    )


def _invalid(opened: Opened) -> str:
    with suppress(psycopg.Error, OperationError), opened() as connection:
        rows = connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_catalog.pg_index WHERE NOT indisvalid ORDER BY 1 LIMIT 5"
        ).fetchall()
        return f" ({', '.join(name for (name,) in rows)})" if rows else ""
    return ""
