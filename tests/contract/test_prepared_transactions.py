"""A prepared transaction keeps a database from being renamed: told before a restore, and before its undoing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_restore import refuse_impossible
from runbook_steps.operations.database_swap import Kept, kept_databases, swap, undo
from runbook_steps.operations.outside_dumps import not_in_a_dump
from runbook_steps.operations.postgres_connection import Database
from tests.contract.debian_postgres import DebianPostgres, debian_postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[DebianPostgres]:
    """A server that takes them."""
    with debian_postgres(max_prepared_transactions="5") as running:
        with running.connected() as admin:
            admin.execute("CREATE DATABASE waits")
        yield running


def test_it_is_refused_by_the_name_of_the_transaction(postgres: DebianPostgres) -> None:
    """In one line, with what ends it; then the restore may go on. A second restore of one second has its own name."""
    database = Database.from_url(postgres.url("waits"))
    settings = BackupSettings(database, None, compress=False, retention_days=1)
    for _ in range(2):
        with postgres.connected() as admin:
            admin.execute("CREATE DATABASE new")
        swap(database, "new", Kept.of("waits", "a test"))
    with postgres.connected() as admin:
        kept = kept_databases(admin, "waits")
    assert len({each.name for each in kept}) == 2

    with postgres.connected("waits") as live:
        live.execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'it''s mine'")
        with pytest.raises(RefusedError, match=r"prepared transactions wait in it: 'it''s mine'.*COMMIT PREPARED"):
            refuse_impossible(settings)
        with pytest.raises(RefusedError, match="prepared transactions wait in waits"):
            undo(database, kept[-1].name)
        assert "prepared transaction 'it''s mine' is in no dump, since nobody has committed it" in not_in_a_dump(live)
        live.execute("ROLLBACK PREPARED 'it''s mine'")

    refuse_impossible(settings)
