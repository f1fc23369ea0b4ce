"""Nine incidents, made by an administrator's or a stranger's hands, and how a person works on each with this project.

No fault of the project's own is used to make one: what recognises it has to look at the system.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis
from psycopg import sql

from tests.foreign_staging.acts import Acts
from tests.foreign_staging.staging import ForeignStaging
from tests.foreign_staging.worked import Hand, Turn, Worked, project_beside, work

__all__ = ["INCIDENTS", "Incident", "project_beside"]


@dataclass(frozen=True)
class Incident:
    """`breaks` makes it, `good` says that it is over, as its users see it.

    `hands` are what cannot be run there: words of a command → what is done in its place.
    `more` are variables that the person sets for it.
    """

    runbook: str
    scenario: str
    allow: str
    breaks: Hand
    good: Callable[[ForeignStaging], bool]
    hands: Mapping[str, Hand] = field(default_factory=dict)
    more: Callable[[ForeignStaging], Mapping[str, str]] = lambda _: {}
    heals: Hand = lambda _: None
    manual: int = 0

    @property
    def by_a_person(self) -> int:
        """How many steps a person does, and no machine sees."""
        return self.manual + len(self.hands)

    def looked_at(self, staging: ForeignStaging, root: Path) -> Worked:
        """The same procedure, where nobody has broken anything."""
        return work(root, staging.variables, self.runbook, self.scenario, allow=self.allow)

    def acted(self, staging: ForeignStaging, root: Path, acts: Acts) -> tuple[Worked | None, Worked]:
        """Breaks it, and works on it as somebody does who does more than run; before that in a run that is stopped."""
        self.breaks(staging)
        by_hand = {words: (lambda hand=hand: hand(staging)) for words, hand in self.hands.items()}
        variables = {**staging.variables, **self.more(staging)}

        def once(chosen: Sequence[Turn]) -> Worked:
            turns = [(turn.words, turn.answers, lambda turn=turn: turn.hand and turn.hand(staging)) for turn in chosen]
            return work(
                root, variables, self.runbook, self.scenario, allow=self.allow, by_hand=by_hand, turns=turns,
                mend=functools.partial(acts.mend, staging) if acts.mend else None,
            )  # fmt: skip

        return once(acts.first) if acts.first else None, once(acts.turns)


# ── Redis ────────────────────────────────────────────────────────────────────────────────────────


def fill_redis(staging: ForeignStaging) -> None:
    """Customers are signed in; then cached answers without an end fill it, until nothing can be written."""
    client = staging.redis()
    for number in range(3):
        client.set(f"session:{number}", "{}", ex=3600)
        client.set(f"blacklist:{number}", "1", ex=3600)
    with contextlib.suppress(redis.OutOfMemoryError):
        for number in range(100_000):
            client.set(f"cache:search:{number}", "y" * 20_000)
    _KEPT.append([key for key in ("session:1", "blacklist:1") if client.exists(key)])  # of `volatile-…` none is left


def redis_takes_writes(staging: ForeignStaging) -> bool:
    """And has kept the sessions."""
    client = staging.redis()
    return bool(client.set("probe", "1", px=1000)) and all(client.exists(key) for key in _KEPT[-1])


def redis_answers(staging: ForeignStaging) -> bool:
    """It does."""
    return bool(staging.redis().ping())


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────


def forget_a_transaction(staging: ForeignStaging) -> None:
    """Somebody's console holds rows of the bookings; two others wait for them."""
    holder = staging.owner("somebody's console")
    holder.autocommit = False
    holder.execute("UPDATE bookings SET status = status")
    for _ in range(2):
        threading.Thread(target=_wait_behind, args=(staging,), daemon=True).start()
    _until(lambda: len(waiting(staging)) > 1)
    _KEPT.append(holder)


_KEPT: list[Any] = []


def _wait_behind(staging: ForeignStaging) -> None:
    with staging.owner("checkout") as other:
        other.execute("UPDATE bookings SET status = status")


def waiting(staging: ForeignStaging) -> list[Any]:
    """Who waits for a lock."""
    with staging.admin() as admin:
        return admin.execute("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall()


def lose_a_table(staging: ForeignStaging) -> None:
    """The table of the payments is dropped by hand; a backup was made before it by the timer, and one after it."""
    with staging.owner() as owner:
        owner.execute(
            "INSERT INTO payments (booking_id, charge_id, amount, currency, status) "
            "SELECT id, 'chg_' || gen_random_uuid(), total_price, 'JOD', 'captured' FROM bookings LIMIT 40"
        )
    back_up(staging)
    _KEPT.append(count(staging, "payments"))
    with staging.owner() as owner:
        owner.execute("DROP TABLE payments CASCADE")
    time.sleep(1.1)  # the time of a backup is in whole seconds
    back_up(staging)
    with staging.admin("postgres") as admin:  # what only a superuser may do, prepared as the page says
        admin.execute(f"CREATE DATABASE prepared OWNER {staging.variation.owner}".encode())
    with staging.admin("prepared") as admin:
        for name in ("pg_stat_statements", "pg_trgm", "btree_gist", "cube", "earthdistance"):
            admin.execute(f"CREATE EXTENSION {name}".encode())


def back_up(staging: ForeignStaging) -> None:
    """As a timer does it, with an empty database to verify in."""
    with staging.admin("postgres") as admin:
        admin.execute("DROP DATABASE IF EXISTS scratch WITH (FORCE)")
        admin.execute(f"CREATE DATABASE scratch OWNER {staging.variation.owner}".encode())
    with staging.admin("scratch") as admin:
        for name in ("pg_stat_statements", "pg_trgm", "btree_gist", "cube", "earthdistance"):
            admin.execute(f"CREATE EXTENSION {name}".encode())
    staging.operate("database-backup", "backup", BACKUP_SCRATCH_DATABASE="scratch")


def count(staging: ForeignStaging, table: str) -> int:
    """Rows of a table; -1 when it is not there."""
    with staging.owner() as owner:
        try:
            row = owner.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        except psycopg.errors.UndefinedTable:
            return -1
    return int(row[0]) if row else -1


def payments_are_back(staging: ForeignStaging) -> bool:
    """As many as there were."""
    return count(staging, "payments") == int(_KEPT[-1]) > 0


def fail_a_migration(staging: ForeignStaging) -> None:
    """Two files of a deployment: the first is applied, the second asks for what the data does not allow."""
    folder = staging.folder / "migrations"
    (folder / "0040_add_source.sql").write_text("ALTER TABLE services ADD COLUMN source text;\n")
    (folder / "0041_require_reply.sql").write_text(
        "ALTER TABLE services ADD COLUMN answered_at timestamptz;\n"
        "ALTER TABLE services ADD COLUMN answered_by text NOT NULL;\n"
    )
    staging.operate("migrate", "adopt", "--up-to", "0", may_fail=True)
    staging.operate("migrate", "up", may_fail=True)


def correct_the_migration(staging: ForeignStaging) -> None:
    """In an editor."""
    file = staging.folder / "migrations" / "0041_require_reply.sql"
    file.write_text(file.read_text().replace("text NOT NULL", "text NOT NULL DEFAULT ''"))


def migration_is_applied(staging: ForeignStaging) -> bool:
    """Both columns are there."""
    with staging.admin() as admin:
        row = admin.execute(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = 'services' "
            "AND column_name IN ('answered_at', 'answered_by')"
        ).fetchone()
    return row == (2,)


# ── the proxy and the instances ──────────────────────────────────────────────────────────────────


def every_instance_answers(staging: ForeignStaging) -> bool:
    """Each at its own address."""
    codes = [httpx.get(f"{slot}/api/health", trust_env=False).status_code
             for slot in staging.variables["STAGING_API_SLOTS"].split()]  # fmt: skip
    return set(codes) == {200}


def mistype_a_limit(staging: ForeignStaging) -> None:
    """A file of the sites, written and not yet loaded."""
    (staging.folder / "nginx" / "conf.d" / "uploads.conf").write_text("client_max_body_sise 20m;\n")


def nginx_can_be_loaded(staging: ForeignStaging) -> bool:
    """And serves."""
    staging.reload_nginx()
    return serves(staging)


def serves(staging: ForeignStaging) -> bool:
    """Health by way of the proxy, with its certificate verified."""
    try:
        found = httpx.get(
            f"{staging.site}{staging.variation.path}/api/health",
            verify=staging.authority.trusted(), trust_env=False,
        )  # fmt: skip
    except httpx.HTTPError:
        return False
    return found.status_code == httpx.codes.OK


def let_the_certificate_expire(staging: ForeignStaging) -> None:
    """Since three days; a new pair came by mail."""
    staging.serve_certificate(-3)
    folder = staging.folder / "renewed"
    folder.mkdir(exist_ok=True)
    staging.authority.sign(folder / "fullchain.pem", folder / "privkey.pem", days=90)


# ── the third party ──────────────────────────────────────────────────────────────────────────────


def tap_answers(staging: ForeignStaging, status: int) -> None:
    """What its stand-in says from now on."""
    httpx.put(
        f"http://127.0.0.1:{staging.addresses.third_parties}/_control/tap",
        json={"status": status, "delay_ms": 0}, trust_env=False,
    ).raise_for_status()  # fmt: skip


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the incident did not come about"
        time.sleep(0.1)


INCIDENTS: Mapping[str, Incident] = {
    "redis full": Incident(
        "redis-out-of-memory", "Free Redis memory", "mutating", fill_redis, redis_takes_writes,
    ),
    "redis stopped": Incident(
        "redis-connections", "Start Redis", "mutating", lambda s: s.stop("redis"), redis_answers,
        {"docker compose start redis": lambda s: s.start("redis")},
    ),
    "forgotten transaction": Incident(
        "blocked-queries", "End a forgotten transaction", "destructive", forget_a_transaction,
        lambda s: not waiting(s),
    ),
    "instance stopped": Incident(
        "load-balancer", "Take an unhealthy target out", "mutating", lambda s: s.stop("api_2"),
        every_instance_answers, {"docker restart": lambda s: s.start("api_2")},
    ),
    "nginx mistyped": Incident(
        "nginx", "Remove a mistake", "mutating", mistype_a_limit, nginx_can_be_loaded,
    ),
    "certificate expired": Incident(
        "certificate-renewal", "Serve a renewed certificate", "mutating", let_the_certificate_expire, serves,
        more=lambda s: {
            "STAGING_RENEWED": str(s.folder / "renewed"),
            "STAGING_TLS_CERTIFICATE": str(s.folder / "nginx/tls/fullchain.pem"),
            "STAGING_TLS_KEY": str(s.folder / "nginx/tls/privkey.pem"),
        },
    ),
    "migration failed": Incident(
        "failed-migration", "Correct and apply a migration", "mutating", fail_a_migration, migration_is_applied,
        {"CORRECTED_FILE": correct_the_migration},
    ),
    "table dropped": Incident(
        "backup-and-restore", "Restore the whole database", "destructive", lose_a_table, payments_are_back,
        more=lambda _: {"STAGING_PREPARED_DATABASE": "prepared", "STAGING_BACKUP_SCRATCH_DATABASE": "scratch"},
    ),
    "payments failing": Incident(
        "high-error-rate", "Tell people that a third party is down", "mutating", lambda s: tap_answers(s, 503), serves,
        heals=lambda s: tap_answers(s, 200), manual=1,
        more=lambda _: {"STAGING_INCIDENT_SUMMARY": "paying by card fails since 09:12; next word at 09:30"},
    ),
}  # fmt: skip
"""By name; the cheapest first."""
