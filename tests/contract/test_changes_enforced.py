"""What a command of a mutating procedure cannot do on a live target: lose data, or go past the guard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.model import Risk
from runbook_steps.engine.run.held_to_risk import Restraint
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.test_risk_enforced import KEY, attempt, database_of, redis_of
from tests.gate import NEEDS_LOCK

pytestmark = NEEDS_LOCK
COUNT = "SELECT (SELECT count(*) FROM drill_changes WHERE note IS NOT NULL), (SELECT count(*) FROM bookings)"


@pytest.fixture(scope="module")
def restraint(whole: EmbeddedTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restraint]:
    """What holds every mutating procedure where the target is live."""
    with redis_of(whole) as client, database_of(whole) as database:
        client.set(KEY, "kept")
        database.execute("DROP TABLE IF EXISTS drill_changes")
        database.execute("CREATE TABLE drill_changes AS SELECT id, 'kept' AS note FROM generate_series(1, 9) AS id")
        database.execute("ALTER TABLE drill_changes ADD PRIMARY KEY (id)")
        live = replace(whole.facts, disposable=False)
        held = Restraint.of(Risk.MUTATING, live, tmp_path_factory.mktemp("guard"))
        yield held
        held.close()
        database.execute("DROP TABLE drill_changes")
        client.delete(KEY)


REDIS = 'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT"'
LOSING = {
    "Redis past the guard": ("redis-cli -h 127.0.0.1 -p {redis} flushall", "past the guard"),
    "Redis past the guard, by another address": ("redis-cli -h 127.0.0.2 -p {redis} flushall || :", "past the guard"),
    "Redis past the guard, by the shell": (
        'exec 3<>/dev/tcp/localhost/{redis}; printf "FLUSHALL\\r\\n" >&3 || :',
        "past the guard",
    ),
    "SQL past the guard": (
        "PGHOSTADDR=127.0.0.1 PGPORT={postgres} psql -c 'truncate drill_changes' || :",
        "past the guard",
    ),
    "HTTP past the guard": ("curl -sS -X DELETE http://127.0.0.1:{api_1}/api/bookings/1 || :", "past the guard"),
    "SQL of every row": ("psql -c 'delete from drill_changes where id > 0'", "DELETE without a column"),
    "SQL of a note that every row has": (
        "psql -c \"delete from drill_changes where note = 'kept'\" || :",
        "DELETE by what is no key of drill_changes",
    ),
    "SQL in a block": (
        "psql <<'SQL'\ndo $$ begin update drill_changes set note = null; end $$\nSQL",
        "UPDATE without a column",
    ),
    "SQL by a pattern": ("psql -c \"delete from drill_changes where note like '%'\" || :", "DELETE without a column"),
    "SQL of the catalogue": (
        "psql -c \"delete from pg_class where relname = 'drill_changes'\" || :",
        "a change of pg_class",
    ),
    "Redis by a script": (f"{REDIS} eval \"return redis.call('flushdb')\" 0", "Redis: EVAL"),
    "Redis by little room": (
        f"{REDIS} config set maxmemory-policy allkeys-lru maxmemory 1mb",
        "CONFIG SET that throws keys away",
    ),
}


@pytest.mark.parametrize("case", LOSING)
def test_nothing_is_lost(whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path, case: str) -> None:
    """It is stopped and named, also when the command swallows it."""
    text, named = LOSING[case]
    for name, port in whole.layout.ports.items():
        text = text.replace(f"{{{name}}}", str(port))
    with redis_of(whole) as client, database_of(whole) as database:
        before = database.execute(COUNT).fetchone()
        _, said = attempt(whole, restraint, text, tmp_path)
        assert named in said
        assert (database.execute(COUNT).fetchone(), client.get(KEY)) == (before, "kept")


@pytest.mark.parametrize(
    "text",
    [
        f"{REDIS} set drill:other 1 ex 9",
        "psql -c \"update drill_changes set note = 'kept' where id = 7\"",
        "psql -c 'create index if not exists drill_changes_id on drill_changes (id)'",
        'curl --fail-with-body -sS "$API_BASE_URL/api/health"',
        "echo x > note; chmod 600 note; kill -0 $$; python3 -c 'import socket; socket.socketpair()'",
    ],
)
def test_changing_goes_on_as_ever(whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path, text: str) -> None:
    """Through the guard, and on the host."""
    result, said = attempt(whole, restraint, text, tmp_path)
    assert (result.exit_code, said) == (0, ""), result.stderr
