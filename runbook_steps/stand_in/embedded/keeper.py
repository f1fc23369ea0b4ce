"""The process that keeps a run: starts and watches the services, answers requests, ends with its owner.

`python -m runbook_steps.stand_in.embedded.keeper RUN_DIRECTORY [--owner-fd FD]`

It inherits, and holds while it lives, the run's lock and its ports.

It ends when its owner ends (the pipe from it is closed, or its pid is gone), when it is asked to, and on
SIGTERM. A second process, the reaper, ends everything when the keeper itself is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import RunbookError, TargetError
from runbook_steps.stand_in.embedded.kept_services import KeptServices
from runbook_steps.stand_in.embedded.layout import Layout, read_layout
from runbook_steps.stand_in.embedded.processes import become_subreaper, start_mark
from runbook_steps.stand_in.embedded.reaper import start_reaper
from runbook_steps.stand_in.embedded.wire import REFUSALS_FILE, TOKEN_FILE

__all__ = ["main"]

_LOOK_S = 0.1


async def _look_again_and_again(kept: KeptServices) -> None:
    """A container is no child: no signal tells of its end."""
    while True:
        await asyncio.sleep(_LOOK_S)
        kept.look()


_LOOKING = frozenset({"status", "broken"})


class _Wire:
    """Reads one request a connection, gives one answer."""

    def __init__(self, kept: KeptServices, token: str, refusals: Path) -> None:
        self._refusals = refusals
        self._token = token
        self._operations: dict[str, Callable[..., Awaitable[Any]]] = {
            "start_parts": kept.start_parts,
            "start": kept.start,
            "stop": kept.stop,
            "restart": kept.restart,
            "recreate": kept.recreate,
            "status": kept.status,
            "scale": kept.scale,
            "settle": kept.settle,
            "hold": kept.hold,
            "broken": kept.broken,
            "healed": kept.healed,
            "reset": kept.reset,
            "shutdown": kept.shutdown,
        }

    def _permit(self, name: str, token: str) -> None:
        if name not in _LOOKING and not hmac.compare_digest(token, self._token):
            with contextlib.suppress(OSError), self._refusals.open("a", encoding="utf-8") as out:
                out.write(json.dumps(["Services", f"{name[:40]} without permission"]) + "\n")
            raise TargetError(f"`{name}` changes a service, and this procedure is read-only")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection."""
        try:
            request = json.loads(await reader.readline())
            name, token = request.pop("operation"), request.pop("token", "")
            self._permit(name, token)
            answer = {"result": await self._operations[name](**request)}
        except RunbookError as error:
            answer = {"error": str(error)}
        except asyncio.CancelledError:
            answer = {"error": "the embedded target is being stopped"}
        except Exception as error:
            answer = {"error": f"the keeper failed: {error!r}"}
        with contextlib.suppress(OSError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()


async def _keep(layout: Layout, owner_fd: int | None, reaper: int) -> bool:
    """Runs until the end; True when somebody asked for it, and waits for it."""
    kept = KeptServices(layout, _say, spared=reaper)
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Task[None]] = []

    def end() -> None:
        if not ends:
            ends.append(loop.create_task(kept.shutdown()))

    loop.add_signal_handler(signal.SIGCHLD, kept.look)
    looking = loop.create_task(_look_again_and_again(kept)) if layout.images else None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    watched = _watch_owner(loop, layout, owner_fd, end)
    token = (layout.directory / TOKEN_FILE).read_text("utf-8")
    server = await asyncio.start_unix_server(
        _Wire(kept, token, layout.directory / REFUSALS_FILE).serve, str(layout.control_socket)
    )
    layout.control_socket.chmod(0o600)
    await kept.done.wait()
    asked = not ends
    await asyncio.sleep(0.01)  # the answer to whoever asked for the end
    server.close()
    if looking is not None:
        looking.cancel()
    for fd in watched:
        loop.remove_reader(fd)
    return asked


def _watch_owner(
    loop: asyncio.AbstractEventLoop, layout: Layout, owner_fd: int | None, end: Callable[[], None]
) -> list[int]:
    """Calls `end` when the owner is gone; two signs, as a forked child of the owner may hold the pipe."""
    watched = []
    if owner_fd is not None:
        watched.append(owner_fd)
    if layout.owner_pid is not None:
        with contextlib.suppress(OSError, AttributeError):
            watched.append(os.pidfd_open(layout.owner_pid))
        if start_mark(layout.owner_pid) != layout.owner_start:
            loop.call_soon(end)
    for fd in watched:
        loop.add_reader(fd, end)
    return watched


def _say(text: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(f"{now} {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Keeps the run until its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--owner-fd", type=int, default=None)
    arguments = parser.parse_args()
    layout = read_layout(arguments.directory)
    become_subreaper()
    reaper = start_reaper(layout, arguments.owner_fd)
    loop = asyncio.new_event_loop()
    try:
        asked = loop.run_until_complete(_keep(layout, arguments.owner_fd, reaper.pid))
        if asked and not layout.directory.exists():
            reaper.dismiss()
    finally:
        # at once: a thread that still waits for a service must not hold up the end; the reaper looks after us
        os._exit(0)


if __name__ == "__main__":
    main()
