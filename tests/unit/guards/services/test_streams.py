"""How connections of the guard end."""

from __future__ import annotations

import asyncio
import socket

from runbook_steps.engine.guards.services.streams import shut


class _Lasting(asyncio.StreamWriter):
    """One whose end is waited for, as that of TLS is."""

    async def wait_closed(self) -> None:
        """Never."""
        await asyncio.Event().wait()

    def close(self) -> None:
        """Begins the end, which the other side is to answer."""


def test_who_is_cancelled_leaves_nothing_open() -> None:
    """The guard of a run ends while the end of a TLS connection is still waited for."""

    async def ended() -> bool:
        ours, theirs = socket.socketpair()
        with theirs:
            reader, plain = await asyncio.open_connection(sock=ours)
            writer = _Lasting(plain.transport, reader._transport.get_protocol(), reader, asyncio.get_running_loop())  # type: ignore[attr-defined]
            task = asyncio.create_task(shut(writer))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            theirs.settimeout(10)
            return theirs.recv(1) == b""

    assert asyncio.run(ended())
