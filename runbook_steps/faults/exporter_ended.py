"""An exporter that has ended: what it watches goes on unwatched."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.sessions import wait_until

__all__ = ["ExporterEnded"]


class ExporterEnded:
    """`answers`: whether Prometheus had an answer of it at the last scrape, None before the first one."""

    def __init__(
        self, job: str, pid: Callable[[], int], answers: Callable[[], bool | None], restart: Callable[[], None]
    ) -> None:
        self._job = job
        self._pid = pid
        self._answers = answers
        self._restart = restart

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the exporter of the job {self._job} has ended"

    def arrange(self) -> None:
        """Kills it, and waits until a scrape was not answered."""
        os.kill(self._pid(), signal.SIGKILL)
        wait_until(lambda: self.observe().present, "a scrape of the exporter that ended fails")

    def observe(self) -> Observation:
        """As Prometheus sees it."""
        answers = self._answers()
        told = {True: "answers", False: "does not answer", None: "was never asked"}[answers]
        return Observation(answers is False, f"the exporter of the job {self._job} {told}")

    def clear(self) -> None:
        """Starts it again, if the procedure did not, and waits until a scrape was answered."""
        if self.observe().present:
            self._restart()
            wait_until(lambda: not self.observe().present, "the exporter that was started again is scraped")
