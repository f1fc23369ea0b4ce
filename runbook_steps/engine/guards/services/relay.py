"""The one shape of every relay: read strictly → a typed request → judged by an allowlist → written anew → sent.

A protocol is three pieces, each a file that stands alone:

- a **reader** takes bytes of a client and gives a typed request (a frozen dataclass). What two readers could
  understand in two ways, what is too long, said twice, or unknown raises `Unreadable`, which says what it was.
- a **policy** says what of a typed request goes beyond the risk, in a few words, or None. It lists what is good;
  what it does not know is refused.
- a **writer** gives the bytes of a typed request, from its fields alone. Not a byte of the client is handed on as
  it came, so that the server reads what was judged.

`pass_on` puts them together. A fault in any of them is a refusal with a name, and the next client is served all
the same. Who may connect at all is decided once for every relay, by `listening.Listener` (see `peers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Refused", "Shape", "Unreadable", "pass_on"]

R = TypeVar("R")


class Unreadable(ValueError):
    """A request that cannot be read in one way only; its text says why, and never holds what was sent."""


@dataclass(frozen=True)
class Shape(Generic[R]):
    """A protocol as the guard speaks it. `read` gives None when the client has ended between two requests.

    `judge` gives the operation that goes beyond the risk, `FLUSHALL`, or None; it may ask others, so it may wait.
    """

    read: Callable[[asyncio.StreamReader], Awaitable[R | None]]
    judge: Callable[[R], Awaitable[str | None]]
    write: Callable[[R], bytes]


class Refused(Exception):
    """A request is not let through; its text is the operation that is refused, `FLUSHALL`."""


async def next_request(shape: Shape[R], client: asyncio.StreamReader) -> R | None:
    """The client's next request, which may pass; None when it left, in the middle or not. Raises Refused."""
    try:
        request = await shape.read(client)
        refused = None if request is None else await shape.judge(request)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError:
        raise Refused("a request that cannot be judged (a line without end)") from None
    except Unreadable as error:
        raise Refused(f"a request that cannot be judged ({error})") from None
    except Exception as fault:
        # whatever is wrong with the guard, it lets nothing through
        raise Refused(f"a request that cannot be judged (the guard failed: {type(fault).__name__})") from fault
    if refused is not None:
        raise Refused(refused)
    return request


async def pass_on(shape: Shape[R], client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
    """Request after request to the server, until the client leaves.

    Raises Refused for the first that may not pass, OSError when the server is gone.
    """
    while (request := await next_request(shape, client)) is not None:
        server.write(shape.write(request))
        await server.drain()
