"""A table that is locked again and again, as by a job that rewrites it: every reader waits a moment."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.operations.patient import waited_s

__all__ = ["UsersLockedAgainAndAgain"]

HOLD_S = 0.4  # below the two seconds after which the API calls the database unhealthy
SAMPLES = 3
SLOW_MS = 200.0  # production-interfaces.md, "Alert thresholds": the daily check's limit


class UsersLockedAgainAndAgain:
    """Locks the table `users` in a session of its own; the session ends with this process, and its lock with it."""

    def __init__(self, connect: Callable[..., Any], api: httpx.Client) -> None:
        self._connect = connect
        self._api = api
        self._over = threading.Event()
        self._worker: threading.Thread | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return "the health endpoint is slow: the table users is locked again and again"

    def arrange(self) -> None:
        """Begins to lock. Raises FaultError when the first lock is not given within 10 seconds."""
        held = threading.Event()
        self._over.clear()
        self._worker = threading.Thread(target=self._lock, args=(held,), daemon=True)
        self._worker.start()
        if not held.wait(timeout=10):
            raise FaultError("the table users could not be locked: something else holds it")

    def _lock(self, held: threading.Event) -> None:
        with self._connect() as connection:
            while not self._over.is_set():
                try:
                    with connection.transaction():
                        connection.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
                        held.set()
                        self._over.wait(HOLD_S)
                except psycopg.Error:
                    return  # the session was ended, as a procedure may do

    def observe(self) -> Observation:
        """Measures the health endpoint. Raises httpx.HTTPError where another one answers."""
        times = []
        for _ in range(SAMPLES):
            began = time.perf_counter()
            answer = self._api.get("/api/health")
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # its own word for: I cannot serve
                answer.raise_for_status()
            times.append(1000 * (time.perf_counter() - began - waited_s(answer)))
        median = statistics.median(times)
        return Observation(median >= SLOW_MS, f"median of {SAMPLES} answers: {median:.0f} ms")

    def clear(self) -> None:
        """Stops, and waits until the lock is gone."""
        self._over.set()
        if self._worker is not None:
            self._worker.join(timeout=10)
