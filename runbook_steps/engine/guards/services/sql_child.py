"""SQL is parsed in a process of its own: what the parser cannot take ends that process, and is a refusal here.

Requests and answers are JSON over a socket, each with its length before it (4 bytes, network order). To start one takes
longer than most statements: what a guard leaves behind whole, the next guard of this process takes over.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runbook_steps.engine.guards.services.sql_child_limits import LENGTH
from runbook_steps.engine.model import Risk

__all__ = ["SqlParser", "end_spares"]

_PROGRAM = "runbook_steps.engine.guards.services.sql_child_main"
_JUDGE_S = 10.0
_MAX_TEXT = 4 * 1024 * 1024  # bytes


_MOST_SPARES = 2
_MOST_KNOWN = 8  # catalogues that a child still keeps when it is handed on: each takes memory


@dataclass(frozen=True)
class _Spare:
    """A child that waits for its next guard, and the catalogues that it was sent."""

    child: subprocess.Popen[bytes]
    socket: socket.socket
    sent: frozenset[int]

    def end(self) -> None:
        self.socket.close()
        self.child.kill()
        self.child.wait()


_SPARES: list[_Spare] = []


@atexit.register
def end_spares() -> None:
    """Ends the children that wait for a guard. They end as well when this process is killed: their socket closes."""
    while _SPARES:
        _SPARES.pop().end()


def _spare() -> _Spare | None:
    while _SPARES:
        found = _SPARES.pop()
        if found.child.poll() is None:
            return found
        found.end()
    return None


class SqlParser:
    """Judges SQL in a child, which is started when it is needed and again when it has ended. For one event loop."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._ours: socket.socket | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._sent: set[int] = set()
        self._parts: dict[int, Sequence[str]] = {}  # by catalogue; a child that ends takes nothing of it along
        self._turn = asyncio.Lock()

    async def refused(
        self, text: str, risk: Risk, catalogue: str, types: Sequence[int] = (), *, shared: bool = False
    ) -> str | None:
        """What of the SQL goes beyond the risk, judged with that answer of CATALOGUE_SQL.

        `types` are the numbers of its parameters' types, as far as its client says them; in a `shared` session
        nothing may be left behind.
        """
        if len(text) > _MAX_TEXT:
            return f"SQL that cannot be judged (longer than {_MAX_TEXT} characters)"
        async with self._turn:
            key = hash(catalogue)
            about = {"risk": str(risk), "key": key, "shared": shared}
            asked: dict[str, Any] = {"text": text, "types": list(types), "parts": self._parts.get(key, ()), **about}
            if key not in self._sent or self._child is None:
                asked["catalogue"] = catalogue
            try:
                async with asyncio.timeout(_JUDGE_S):
                    answer, self._parts[key] = await self._asked(asked)
            except TimeoutError:
                await self._end()
                return f"SQL that cannot be judged (the parser took longer than {_JUDGE_S:g} s)"
            except (OSError, EOFError):
                return f"SQL that cannot be judged (the parser ended: {await self._end()})"
            self._sent.add(key)
            return None if answer is None else str(answer)

    async def ready(self) -> None:
        """Starts the child, so that it loads while its first client signs in. What hinders it is said by `refused`."""
        if self._child is None and not self._turn.locked():
            async with self._turn:
                try:
                    await self._start()
                except OSError:
                    await self._end()

    async def _asked(self, request: dict[str, Any]) -> Any:
        reader, writer = self._streams or await self._start()
        body = json.dumps(request).encode()
        writer.write(LENGTH.pack(len(body)) + body)
        await writer.drain()
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        return json.loads(await reader.readexactly(length))

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if spare := _spare():
            self._child, self._ours, self._sent = spare.child, spare.socket, set(spare.sent)
        else:
            self._ours = self._started()
        self._streams = await asyncio.open_connection(sock=self._ours.dup())
        return self._streams

    def _started(self) -> socket.socket:
        ours, its = socket.socketpair()
        with its:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", _PROGRAM, str(its.fileno())],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the run; this one ends with its socket
                env={},
            )
        return ours

    async def _end(self) -> str:
        """How it ended, in a few words; the next request starts another."""
        child, streams, ours = self._child, self._streams, self._ours
        self._child, self._streams, self._ours = None, None, None
        self._sent.clear()
        if streams is not None:
            streams[1].close()
        if ours is not None:
            ours.close()
        if child is None:
            return "it could not be started"
        with suppress(subprocess.TimeoutExpired):
            child.wait(0.5)
        child.kill()
        code = child.wait()
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    async def close(self) -> None:
        """Hands the child on when it is idle and whole, and ends it when it is not; idempotent."""
        child, streams, ours = self._child, self._streams, self._ours
        idle = not self._turn.locked() and len(self._sent) <= _MOST_KNOWN and len(_SPARES) < _MOST_SPARES
        if idle and child is not None and streams is not None and ours is not None and child.poll() is None:
            spare = _Spare(child, ours, frozenset(self._sent))
            self._child, self._streams, self._ours, self._sent = None, None, None, set()
            streams[1].close()
            with suppress(OSError):
                await streams[1].wait_closed()
            _SPARES.append(spare)  # last: nobody reads from its socket any more
        elif child is not None:
            child.kill()
            await self._end()
