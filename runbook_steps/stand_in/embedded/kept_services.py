"""The services of one run: started with what they need, stopped, scaled and ended, in the words of the wire."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import psutil

from runbook_steps.engine.errors import RunbookError, TargetError
from runbook_steps.stand_in.embedded.api import forget_container
from runbook_steps.stand_in.embedded.catalogue import catalogue
from runbook_steps.stand_in.embedded.clearing import clear, clear_state
from runbook_steps.stand_in.embedded.layout import API_SLOTS, Layout
from runbook_steps.stand_in.embedded.nginx import asked_mark, forget_clients, reload_nginx, write_upstream
from runbook_steps.stand_in.embedded.parts import PARTS, SERVICES, with_needs
from runbook_steps.stand_in.embedded.processes import start_mark
from runbook_steps.stand_in.embedded.service import NotReady, http_status, until
from runbook_steps.stand_in.embedded.supervision import Launch, Supervised, Timing, as_child

__all__ = ["KeptServices"]

_QUICK_END_S = 0.6
_LOOK_S = 0.2


class KeptServices:
    """All services of one run, and the words others may say to it."""

    def __init__(self, layout: Layout, say: Callable[[str], None], *, spared: int) -> None:
        """`spared` is the pid of the child that is no service: the reaper."""
        launch = _launcher(layout, say)
        self._layout = layout
        self._spared = spared
        self._services = {name: Supervised(service, layout, say, launch) for name, service in catalogue(layout).items()}
        self._starting: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._say = say
        self.done = asyncio.Event()
        self._ending = False
        self._broken: dict[str, Any] | None = None
        self._settled: tuple[int, ...] | None = None
        self._watch: asyncio.Task[None] | None = None

    # -- operations: each is a word on the wire --------------------------------------------------------
    async def start_parts(self, parts: Iterable[str]) -> dict[str, Any]:
        """The parts and what they need, in parallel; gives service → timings in seconds."""
        began = time.monotonic()
        names = sorted(with_needs(parts))
        results = await asyncio.gather(*(self._part(name) for name in names), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors:
            if not isinstance(error, RunbookError):
                raise error
        if errors:
            raise TargetError("\n".join(dict.fromkeys(str(error) for error in errors)))
        timings: dict[str, Any] = {}
        for result in results:
            if not isinstance(result, BaseException):
                timings |= result
        return {"timings": timings, "total_s": round(time.monotonic() - began, 3)}

    async def start(self, service: str) -> dict[str, float]:
        """One service, whatever the state of those it needs."""
        found = self._find(service)
        timing = await found.start()
        await self._tell_proxy(service)
        return asdict(timing)

    async def stop(self, service: str) -> None:
        """One service."""
        await self._find(service).stop()

    async def restart(self, service: str) -> dict[str, float]:
        """One service."""
        return asdict(await self._find(service).restart())

    async def recreate(self, slots: Iterable[str]) -> None:
        """New containers for these slots, all at once, as compose does it."""
        await asyncio.gather(*(self._recreate(slot) for slot in slots))

    async def _recreate(self, slot: str) -> None:
        found = self._find(slot)
        await found.stop()
        await asyncio.to_thread(forget_container, self._layout, slot)
        await found.start()

    async def status(self) -> dict[str, Any]:
        """Service → state, pid, restarts."""
        for supervised in self._services.values():
            supervised.look()
        return {name: self._services[name].state() for name in SERVICES}

    async def scale(self, slots: int) -> list[str]:
        """Exactly that many API slots run, the first ones; the proxy knows them. Gives their names."""
        if not 1 <= slots <= len(API_SLOTS):
            raise TargetError(f"the embedded target has 1 to {len(API_SLOTS)} API slots, not {slots}")
        wanted, others = API_SLOTS[:slots], API_SLOTS[slots:]
        await asyncio.gather(*(self._services[name].start() for name in wanted))
        await self._reload_proxy(write_upstream(self._layout, wanted))
        await asyncio.gather(*(self._services[name].stop() for name in others))
        for name in others:
            await asyncio.to_thread(forget_container, self._layout, name)
        return list(wanted)

    async def settle(self) -> None:
        """The proxy's limit forgets who asked before; where nobody asked, there is nothing to forget.

        Not while something is broken for practice: a reload might mend it, or spread it.
        """
        if self._broken is not None or not self._services["nginx"].pid:
            return
        asked = asked_mark(self._layout)
        if asked is None or asked != self._settled:
            await self._reload_proxy(await asyncio.to_thread(forget_clients, self._layout))
            self._settled = asked

    # -- practice ----------------------------------------------------------------------------------------
    async def hold(self, pid: int, fault: str) -> None:
        """That process breaks something, and heals it before it ends; when it cannot, everything is made anew."""
        if self._broken is not None:
            raise TargetError(f"“{self._broken['fault']}” is broken already: `runbooks target heal` first")
        self._broken = {"pid": pid, "fault": fault}
        self._watch = asyncio.get_running_loop().create_task(self._until_gone(pid, start_mark(pid)))

    async def broken(self) -> dict[str, Any] | None:
        """What is broken for practice, and the process that holds it."""
        return self._broken

    async def healed(self) -> None:
        """By the process that broke it."""
        if self._watch is not None:
            self._watch.cancel()
        self._broken, self._watch = None, None

    async def reset(self) -> None:
        """Everything as it was when the target came up: same addresses, same secrets, new data."""
        self._say("everything is made anew")
        parts = list(self._starting)
        await asyncio.gather(*(supervised.stop() for supervised in self._services.values()))
        await asyncio.to_thread(clear_state, self._layout)
        self._starting.clear()
        await self.start_parts(parts)
        await self.healed()

    async def _until_gone(self, pid: int, mark: str | None) -> None:
        while mark is not None and start_mark(pid) == mark:
            await asyncio.sleep(_LOOK_S)
        self._say(f"process {pid} is gone, and what it broke is there")
        self._watch = None  # a reset does not end itself
        await self.reset()

    async def shutdown(self) -> None:
        """Ends everything at once and removes the folder."""
        if self._ending:
            await self.done.wait()
            return
        self._ending = True
        for task in self._starting.values():
            task.cancel()
        for supervised in self._services.values():
            supervised.drop()
        end = time.monotonic() + _QUICK_END_S
        while time.monotonic() < end and any(service.pid for service in self._services.values()):
            for supervised in self._services.values():
                supervised.look()
            await asyncio.sleep(0.005)
        self._end_helpers()
        clear(self._layout.directory)
        self.done.set()

    # -- inside ------------------------------------------------------------------------------------------
    def look(self) -> None:
        """Some child has ended: finds out which one."""
        if not self._ending:
            for supervised in self._services.values():
                supervised.look()

    def _end_helpers(self) -> None:
        """What prepares a service right now: initdb, the seed."""
        for child in psutil.Process().children(recursive=True):
            if child.pid != self._spared:
                with contextlib.suppress(psutil.Error):
                    child.kill()

    def _find(self, service: str) -> Supervised:
        try:
            return self._services[service]
        except KeyError:
            raise TargetError(f"the embedded target has no service {service!r}; it has {', '.join(SERVICES)}") from None

    async def _part(self, part: str) -> dict[str, Any]:
        task = self._starting.get(part)
        if task is None or (task.done() and (task.cancelled() or task.exception() or not self._runs(part))):
            task = asyncio.get_running_loop().create_task(self._start_part(part))
            self._starting[part] = task
        return await asyncio.shield(task)

    def _runs(self, part: str) -> bool:
        return all(self._services[name].pid for name in PARTS[part])

    async def _start_part(self, part: str) -> dict[str, Any]:
        names = PARTS[part]
        needs = {need for name in names for need in self._services[name].service.needs}
        if needs:
            await asyncio.gather(*(self._part(need) for need in needs))
        timings: list[Timing] = await asyncio.gather(*(self._services[name].start() for name in names))
        if part == "api":
            await asyncio.to_thread(self._wait_until_healthy, names)
        return {name: asdict(timing) for name, timing in zip(names, timings, strict=True)}

    def _wait_until_healthy(self, slots: Iterable[str]) -> None:
        for slot in slots:
            port = self._layout.ports[slot]

            def healthy(port: int = port) -> None:
                status = http_status(port, "/api/health")
                if status != 200:  # noqa: PLR2004 - HTTP
                    raise NotReady(f"GET /api/health is answered with {status}")

            try:
                until(healthy, 10.0, lambda: self._ending)
            except NotReady as error:
                log = self._layout.service_log(slot)
                raise TargetError(f"{slot} does not become healthy: {error}; see {log}") from error

    async def _tell_proxy(self, service: str) -> None:
        if service in API_SLOTS:
            running = [name for name in API_SLOTS if self._services[name].wanted]
            await self._reload_proxy(write_upstream(self._layout, running))

    async def _reload_proxy(self, changed: bool) -> None:
        """Returns when the new configuration is in force."""
        pid = self._services["nginx"].pid
        if changed and pid:
            await asyncio.to_thread(reload_nginx, pid)


def _launcher(layout: Layout, say: Callable[[str], None]) -> Launch:
    if layout.images is None:
        return as_child
    from runbook_steps.stand_in.containers import engine  # noqa: PLC0415 - costly, and only there

    engine.prepare_ryuk(say)
    return engine.launch
