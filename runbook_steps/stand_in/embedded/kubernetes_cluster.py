"""The state behind the Kubernetes emulator: the slots as pods of one deployment, its autoscalers, their loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import psutil

from runbook_steps.engine.errors import RunbookError
from runbook_steps.stand_in.embedded.kubernetes_hpa import Decision, decide, target_percent, window_s
from runbook_steps.stand_in.embedded.kubernetes_objects import DEPLOYMENT
from runbook_steps.stand_in.embedded.layout import API_SLOTS

__all__ = ["Cluster", "now"]

LOOP_S = 0.2  # the real one looks every 15 s: --horizontal-pod-autoscaler-sync-period
SAMPLE_S = 1.0  # the shortest time over which CPU is measured

Ask = Callable[..., Any]


def now() -> str:
    """As Kubernetes writes a moment."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Cluster:
    """One deployment, `api`; one namespace, `default`. `ask` sends an operation to the keeper of the run."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._scaling = threading.Lock()
        self._wanted = 0
        self._processes: dict[int, psutil.Process] = {}
        self._sampled: tuple[float, float | None] = (0.0, None)
        self._remembered: dict[str, list[tuple[float, int]]] = {}
        self.autoscalers: dict[str, dict[str, Any]] = {}
        self.changing = threading.RLock()
        self.created = now()
        self.version = 1
        self.load_percent: float | None = None
        """CPU that all instances use together, in percent of one's request, as a drill says; None: measured."""

    def states(self) -> dict[str, str]:
        """Slot → running, stopped or dead."""
        status = self._ask("status")
        return {slot: str(status[slot]["state"]) for slot in API_SLOTS}

    def replicas(self, states: Mapping[str, str]) -> int:
        """What the deployment asks for: as it was told last, unless the slots were scaled by other means since."""
        there = sum(state != "stopped" for state in states.values())
        if not self._scaling.locked() and there != min(self._wanted, len(API_SLOTS)):
            self._wanted = there
        return self._wanted

    def scale(self, replicas: int) -> None:
        """Brings the slots to that number; beyond the slots there are, pods are pending."""
        with self._scaling:
            self._wanted = replicas
            self.version += 1
            self._ask("scale", slots=min(replicas, len(API_SLOTS)))

    # -- the autoscalers ------------------------------------------------------------------------------
    def remove(self, name: str) -> None:
        """The autoscaler, and what it remembers."""
        with self.changing:
            self.autoscalers.pop(name, None)
            self._remembered.pop(name, None)
            self.version += 1

    def run(self) -> None:
        """The control loop; never returns."""
        while True:
            for name in list(self.autoscalers):
                try:
                    self._sync(name)
                except (RunbookError, psutil.Error, OSError):
                    continue  # the keeper is ending, or a slot ended while it was looked at
            time.sleep(LOOP_S)

    def _sync(self, name: str) -> None:
        with self.changing:
            document = self.autoscalers.get(name)
            if document is None:
                return
        reference = document["spec"]["scaleTargetRef"]
        if (reference["kind"], reference["name"]) != ("Deployment", DEPLOYMENT):
            self._tell(name, document, _no_scale(reference))
            return
        states = self.states()
        current = self.replicas(states)
        percent = self.cpu(states)
        decision = decide(document, current, percent, self._highest(name, window_s(document), current))
        self._remembered.setdefault(name, []).append((time.monotonic(), decision.recommended))
        conditions = _conditions(document, percent, decision)
        self._tell(name, document, conditions, current=current, percent=percent, desired=decision.replicas)
        if decision.replicas != current:
            self.scale(decision.replicas)

    def _highest(self, name: str, window: float, current: int) -> int:
        """The highest recommendation within the window; an autoscaler that is new remembers how many there were."""
        began = time.monotonic() - window
        kept = self._remembered.setdefault(name, [(time.monotonic(), current)])
        kept[:] = [entry for entry in kept if entry[0] >= began]
        return max((replicas for _, replicas in kept), default=0)

    def _tell(
        self,
        name: str,
        document: Mapping[str, Any],
        conditions: list[dict[str, str]],
        *,
        current: int = 0,
        percent: float | None = None,
        desired: int = 0,
    ) -> None:
        measured = {"name": "cpu", "current": {"averageUtilization": round(percent or 0)}}
        status = {
            "currentReplicas": current,
            "desiredReplicas": desired,
            "currentMetrics": [{"type": "Resource", "resource": measured}] if percent is not None else [],
            "conditions": conditions,
        }
        with self.changing:
            kept = self.autoscalers.get(name)
            if kept is not None and kept.get("status") != status and kept["spec"] == document["spec"]:
                kept["status"] = status
                self.version += 1

    # -- CPU ----------------------------------------------------------------------------------------------
    def cpu(self, states: Mapping[str, str]) -> float | None:
        """Mean CPU of the ready instances, in percent of the one core that each requests."""
        ready = sum(state == "running" for state in states.values())
        if not ready:
            return None
        if self.load_percent is not None:
            return self.load_percent / ready
        at, percent = self._sampled
        if time.monotonic() - at >= SAMPLE_S:
            percent = self._measure()
            self._sampled = (time.monotonic(), percent)
        return percent

    def _measure(self) -> float | None:
        status = self._ask("status")
        pids = [status[slot]["pid"] for slot in API_SLOTS if status[slot]["pid"]]
        self._processes = {pid: self._processes.get(pid) or psutil.Process(pid) for pid in pids}
        used = [process.cpu_percent(None) for process in self._processes.values()]
        return sum(used) / len(used) if used else None


def _condition(kind: str, good: bool, reason: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": str(good), "reason": reason, "message": message}


def _no_scale(reference: Mapping[str, str]) -> list[dict[str, str]]:
    text = f'deployments/scale.apps "{reference["name"]}" not found'
    message = f"the HPA controller was unable to get the target's current scale: {text}"
    return [_condition("AbleToScale", False, "FailedGetScale", message)]


def _conditions(document: Mapping[str, Any], percent: float | None, decision: Decision) -> list[dict[str, str]]:
    known = percent is not None and target_percent(document) is not None
    metric = (
        "the HPA was able to successfully calculate a replica count from cpu resource utilization"
        if known
        else "the HPA was unable to compute the replica count: no CPU is known"
    )
    limit = {
        "": "the desired count is within the acceptable range",
        "TooManyReplicas": "the desired replica count is more than the maximum replica count",
        "TooFewReplicas": "the desired replica count is less than the minimum replica count",
    }[decision.limited]
    return [
        _condition("AbleToScale", True, "ReadyForNewScale", "recommended size matches current size"),
        _condition("ScalingActive", known, "ValidMetricFound" if known else "FailedGetResourceMetric", metric),
        _condition("ScalingLimited", bool(decision.limited), decision.limited or "DesiredWithinRange", limit),
    ]
