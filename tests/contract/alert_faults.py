"""Faults made by hand, without the faults of the drills: what an alert must see is what any system shows."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg

from runbook_steps.faults.certificates import ServedCertificate
from runbook_steps.faults.meanwhile import meanwhile
from runbook_steps.faults.replica import ReplicaFollows, ReplicaRefused
from tests.contract.alert_hosts import LEAKING, SPINNING, Site, filled, greedy, small_volume, without_inodes

__all__ = ["FAULTS"]


@contextmanager
def stopped(site: Site, *services: str) -> Iterator[None]:
    """Services that do not run."""
    for service in services:
        site.target.control.stop(service)
    try:
        yield
    finally:
        for service in services:
            site.target.control.start(service)


@contextmanager
def failing_requests(site: Site) -> Iterator[None]:
    """Requests that end with 503, because their database is gone from under them."""
    with stopped(site, "postgres"), meanwhile(lambda: site.search(time.time_ns() // 1000)):
        yield


@contextmanager
def locked(site: Site, table: str = "providers", mode: str = "ACCESS EXCLUSIVE") -> Iterator[None]:
    """A table that a forgotten transaction holds."""
    with site.connect() as holder:
        holder.execute("BEGIN")
        holder.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield


@contextmanager
def slow_requests(site: Site) -> Iterator[None]:
    """One route of many takes longer than two seconds, the others are quick."""
    over = threading.Event()

    def hold() -> None:
        with site.connect() as holder:
            while not over.is_set():
                with holder.transaction():
                    holder.execute("LOCK TABLE providers IN ACCESS EXCLUSIVE MODE")
                    over.wait(3)

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    quick, slow = (lambda: site.ask("/api/service-categories")), (lambda: site.search(time.time_ns() // 1000))
    try:
        with meanwhile(quick), meanwhile(slow, 2):
            yield
    finally:
        over.set()
        holder.join(30)


@contextmanager
def no_connection_left(site: Site) -> Iterator[None]:
    """More requests than the pool has connections, all behind a lock."""
    with locked(site), meanwhile(lambda: site.search(time.time_ns() // 1000), 16):
        yield


@contextmanager
def waiting(site: Site, statement: str) -> Iterator[None]:
    """A session that waits for the lock of another."""

    def run() -> None:
        with suppress(psycopg.Error), site.connect(options="-c lock_timeout=60s") as waiter:
            waiter.execute(statement.encode())

    thread = threading.Thread(target=run, daemon=True)
    with site.connect() as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE bookings IN ACCESS SHARE MODE")
        thread.start()
        yield
        holder.execute("ROLLBACK")
    thread.join(30)


@contextmanager
def slow_query(site: Site) -> Iterator[None]:
    """A query of 1050 ms, four sessions of it, among quick ones."""

    def slow() -> None:
        with site.connect() as session:
            session.execute("SELECT count(*) FROM users, pg_sleep(1.05)")

    with meanwhile(slow, 4), meanwhile(lambda: site.ask("/api/service-categories")):
        yield


@contextmanager
def many_connections(site: Site) -> Iterator[None]:
    """85 sessions that do nothing."""
    with ExitStack() as stack:
        for _ in range(85):
            stack.enter_context(site.connect())
        yield


@contextmanager
def full_memory(site: Site) -> Iterator[None]:
    """Redis at nine tenths of its limit."""
    names = [f"by-hand:{number}" for number in range(29)]
    for name in names:
        site.redis.set(name, b"x" * 2_000_000)
    try:
        yield
    finally:
        site.redis.delete(*names)


@contextmanager
def new_searches(site: Site) -> Iterator[None]:
    """Searches that nobody made before."""
    with meanwhile(lambda: site.search(time.time_ns() // 1000), 2):
        yield


@contextmanager
def served(site: Site, kind: str) -> Iterator[None]:
    """Another certificate at the proxy."""
    fault = ServedCertificate(site.environment, kind)
    fault.arrange()
    try:
        yield
    finally:
        fault.clear()


@contextmanager
def hung_exporter(site: Site, exporter: str, service: str) -> Iterator[None]:
    """The worst case: a service is dead, and its exporter hangs."""
    pid = site.monitoring.pid(exporter)
    os.kill(pid, signal.SIGSTOP)
    try:
        with stopped(site, service):
            yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def old_backup(site: Site) -> Iterator[None]:
    """The newest backup is two days old."""
    site.monitoring.textfile("backup", f"backup_last_success_timestamp_seconds {time.time() - 172_800:.0f}\n")
    try:
        yield
    finally:
        site.monitoring.textfile("backup", f"backup_last_success_timestamp_seconds {time.time():.0f}\n")


@contextmanager
def unreadable(site: Site) -> Iterator[None]:
    """The exporter may connect, and one of its readings is gone."""
    with site.administer() as session:
        session.execute("DROP EXTENSION pg_stat_statements")
        try:
            yield
        finally:
            session.execute("CREATE EXTENSION pg_stat_statements")


@contextmanager
def paused_replica(site: Site) -> Iterator[None]:
    """A standby whose replay was paused and forgotten; the primary was written to since."""
    follows = ReplicaFollows(site.connect, site.target.control, site.environment)
    follows.arrange()
    try:
        with site.monitoring.another_postgres(follows.full_url), follows.administered(site.administer) as standby:
            standby.execute("SELECT pg_wal_replay_pause()")
            with site.administer() as primary:
                primary.execute("SELECT pg_logical_emit_message(true, 'by hand', 'what the replica does not show')")
            try:
                yield
            finally:
                standby.execute("SELECT pg_wal_replay_resume()")
    finally:
        follows.clear()


@contextmanager
def cut_off_replica(site: Site) -> Iterator[None]:
    """A standby that an exporter reads, cut off from its primary."""
    follows = ReplicaFollows(site.connect, site.target.control, site.environment)
    follows.arrange()
    refused = ReplicaRefused(site.connect, site.administer)
    try:
        with site.monitoring.another_postgres(follows.full_url):
            refused.arrange()
            try:
                yield
            finally:
                refused.clear()
    finally:
        follows.clear()


FAULTS: Mapping[str, tuple[str, Callable[[Site], Any]]] = {
    "nginx is stopped, from outside": ("PlatformDown", lambda site: stopped(site, "nginx")),
    "nginx is stopped": ("NginxDown", lambda site: stopped(site, "nginx")),
    "Redis is stopped": ("RedisUnreachable", lambda site: stopped(site, "redis")),
    "PostgreSQL is stopped": ("DatabaseDown", lambda site: stopped(site, "postgres")),
    "an instance is stopped": ("TargetUnhealthy", lambda site: stopped(site, "api_2")),
    "a third party fails": ("HealthCheckFailed", lambda site: stopped(site, "third_parties")),
    "requests end with 503": ("ErrorRateHigh", failing_requests),
    "one route is slow": ("ResponseTimeHigh", slow_requests),
    "the pool has no connection left": ("ConnectionPoolExhausted", no_connection_left),
    "Redis is nearly full": ("RedisMemoryHigh", full_memory),
    "a session waits for a lock": ("DatabaseBlocked", lambda site: waiting(site, "BEGIN; LOCK TABLE bookings")),
    "an ALTER TABLE waits": (
        "DatabaseBlocked", lambda site: waiting(site, "ALTER TABLE bookings ADD COLUMN by_hand int"),
    ),
    "a query takes 1050 ms": ("DatabaseSlow", slow_query),
    "85 connections are taken": ("DatabaseConnectionsHigh", many_connections),
    "nothing is in the cache": ("CacheHitRatioLow", new_searches),
    "the certificate expires in days": ("CertificateExpiring", lambda site: served(site, "ending in 5 days")),
    "the certificate has expired": ("CertificateExpiring", lambda site: served(site, "expired since yesterday")),
    "an expired certificate, seen from outside": ("PlatformDown", lambda site: served(site, "expired since yesterday")),
    "a certificate of another host, seen from outside": ("PlatformDown", lambda site: served(site, "of another host")),
    "a certificate of an unknown authority, seen from outside": (
        "PlatformDown", lambda site: served(site, "of an unknown authority"),
    ),
    "the exporter hangs, and Redis is dead": (
        "MonitoringBlind", lambda site: hung_exporter(site, "redis_exporter", "redis"),
    ),
    "the exporter hangs, and PostgreSQL is dead": (
        "MonitoringBlind", lambda site: hung_exporter(site, "postgres_exporter", "postgres"),
    ),
    "the prober hangs, and nginx is dead": (
        "PlatformDown", lambda site: hung_exporter(site, "blackbox_exporter", "nginx"),
    ),
    "the newest backup is two days old": ("BackupTooOld", old_backup),
    "the exporter cannot read": ("ReadingFails", unreadable),
    "no byte is left": ("DiskFull", lambda site: small_volume(site, (), filled)),
    "no inode is left": ("DiskFull", lambda site: small_volume(site, ("-N", "32"), without_inodes)),
    "a process leaks memory": ("MemoryHigh", lambda site: greedy(site, LEAKING)),
    "a process uses the whole CPU": ("CpuHigh", lambda site: greedy(site, SPINNING)),
    "a replica's replay is paused": ("ReplicaLagging", paused_replica),
    "a replica is cut off": ("ReplicaCutOff", cut_off_replica),
}  # fmt: skip
"""What is broken by hand → the alert that must ring, and how it is broken."""
