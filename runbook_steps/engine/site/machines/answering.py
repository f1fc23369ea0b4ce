"""Serves an assistant on standard input and output, and leaves no line of it unanswered.

The protocol's library drops a line that it cannot read, half a surrogate for instance; who asked would wait for ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anyio
import mcp_types
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

__all__ = ["serve_stdio"]

_LONGEST_ID = 200


def serve_stdio(server: MCPServer) -> None:
    """Until the input ends."""
    anyio.run(_serve, server)


async def _serve(server: MCPServer) -> None:
    inner = server._lowlevel_server  # noqa: SLF001 - the public way takes no streams
    send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    async with stdio_server() as (read, write), anyio.create_task_group() as group:

        async def judge() -> None:
            async with send:
                async for message in read:
                    if isinstance(message, Exception):
                        await write.send(SessionMessage(_refusal_of(message)))
                    else:
                        await send.send(message)

        group.start_soon(judge)
        await inner.run(receive, write, inner.create_initialization_options())


def _refusal_of(error: Exception) -> mcp_types.JSONRPCError:
    """What is answered to a line that could not be read, under its own id where that can be read."""
    found = error.errors()[:1] if hasattr(error, "errors") else []
    line = found[0].get("input") if found else None
    if isinstance(line, str | bytes):
        try:
            line = json.loads(line)
        except ValueError:
            line = None
    broken = found[:1] and found[0].get("type") == "json_invalid"
    said = "this line is not JSON in whole characters" if broken else "this is no request of the protocol"
    code = mcp_types.PARSE_ERROR if broken else mcp_types.INVALID_REQUEST
    return mcp_types.JSONRPCError(jsonrpc="2.0", id=_id_of(line), error=mcp_types.ErrorData(code=code, message=said))


def _id_of(request: Any) -> str | int | None:
    said = request.get("id") if isinstance(request, Mapping) else None
    if isinstance(said, bool) or not isinstance(said, str | int):
        return None
    return None if isinstance(said, str) and (len(said) > _LONGEST_ID or not said.isprintable()) else said
