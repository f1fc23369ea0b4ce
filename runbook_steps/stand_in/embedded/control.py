"""Hands on the services of a run, through its keeper."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded.nginx import reload_nginx
from runbook_steps.stand_in.embedded.parts import SERVICES

__all__ = ["EmbeddedControl"]

RELOAD_LIMIT_S = 20.0


class EmbeddedControl:
    """Implements `targets.base.ServiceControl`. `ask` sends an operation to the keeper."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def services(self) -> tuple[str, ...]:
        """All names, running or not."""
        return SERVICES

    def pid(self, service: str) -> int | None:
        """The process id, None when it is not running. Raises TargetError for an unknown service."""
        pid: int | None = self._state(service)["pid"]
        return pid

    def start(self, service: str) -> None:
        """Start it and return when it is ready; nothing to do when it runs."""
        self._ask("start", service=service)

    def stop(self, service: str) -> None:
        """Stop it in order and return when it is gone; nothing to do when it is stopped."""
        self._ask("stop", service=service)

    def restart(self, service: str) -> None:
        """Stop, then start: with the settings that the container was created with."""
        self._ask("restart", service=service)

    def recreate(self, slots: Iterable[str]) -> None:
        """New containers for these API slots, all at once: they take up settings and release as they are now."""
        self._ask("recreate", slots=list(slots))

    def reload(self, service: str) -> None:
        """Read its configuration anew; returns when nothing is answered with the old one any more. Only nginx can."""
        pid = self.pid(service)
        if service != "nginx" or pid is None:
            raise TargetError(
                f"{service} cannot be reloaded: " + ("it is not running" if pid is None else "restart it")
            )
        reload_nginx(pid, limit_s=RELOAD_LIMIT_S)

    def scale(self, slots: int) -> None:
        """Exactly that many API slots, known to the proxy: what `docker compose up --scale api=N` does."""
        self._ask("scale", slots=slots)

    def settle(self) -> None:
        """The proxy's limit forgets who asked before."""
        self._ask("settle")

    def status(self) -> dict[str, dict[str, Any]]:
        """Service → {state: running | stopped | dead, pid, restarts}."""
        answer: dict[str, dict[str, Any]] = self._ask("status")
        return answer

    def _state(self, service: str) -> dict[str, Any]:
        if service not in SERVICES:
            raise TargetError(f"the embedded target has no service {service!r}; it has {', '.join(SERVICES)}")
        return self.status()[service]
