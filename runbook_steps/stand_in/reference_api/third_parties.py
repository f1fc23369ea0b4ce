"""Stand-ins for Tap, Twilio, Expo, the CDN, Slack, GitHub and staging on one port; a drill makes them fail for real.

`PUT /_control/tap {"status": 503, "delay_ms": 2000}` changes how one answers, `DELETE /_control` heals all,
`GET /_control/slack/received` tells what was sent; `PUT /_control/github {"runs": […]}` sets the workflow runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runbook_steps.stand_in.reference_api.github import workflow_runs

__all__ = ["create_app"]

NAMES = ("tap", "twilio", "expo", "cdn", "slack", "supabase", "github", "staging")
KEPT = 500  # messages of each, the oldest forgotten first
OK = 200


@dataclass
class Party:
    """How one stand-in answers, and what it received."""

    status: int = OK
    delay_ms: int = 0
    runs: list[dict[str, Any]] | None = None  # of GitHub: what a drill said; else those of a quiet week
    received: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))
    count: int = 0  # of all that it received, forgotten ones too


class Switchboard:
    """All stand-ins; their state lives as long as the process."""

    def __init__(self) -> None:
        self._parties = {name: Party() for name in NAMES}

    async def serve(self, request: Request) -> Response:
        """Answers as the third party does, or as a drill told it to."""
        name, path = request.path_params["name"], "/" + request.path_params.get("path", "")
        party = self._parties.get(name)
        if party is None:
            return _unknown()
        if name == "twilio" and path == "/_inbox":
            return _inbox(party, request.query_params.get("to", ""))
        sent = await _sent(request)
        if request.method == "POST":
            party.count += 1
            party.received.append(
                {"path": path, **sent} | ({"channel": "#" + path.strip("/")} if name == "slack" else {})
            )
        if party.delay_ms:
            await asyncio.sleep(party.delay_ms / 1000)
        if party.status != OK:
            return JSONResponse({"error": f"{name} answers {party.status}"}, party.status)
        if name == "github":
            return workflow_runs(path, request.query_params, party.runs)
        return _answer(name, path, request.method, sent)

    async def control(self, request: Request) -> Response:
        """Reads or changes how one answers."""
        party = self._parties.get(request.path_params["name"])
        if party is None:
            return _unknown()
        if request.method == "PUT":
            wanted = await request.json()
            party.status = int(wanted.get("status", OK))
            party.delay_ms = int(wanted.get("delay_ms", 0))
            party.runs = wanted.get("runs")
        return JSONResponse({"status": party.status, "delay_ms": party.delay_ms})

    async def heal(self, request: Request) -> Response:
        """Makes all answer well and at once."""
        del request
        for party in self._parties.values():
            party.status, party.delay_ms, party.runs = OK, 0, None
        return JSONResponse({"healed": list(self._parties)})

    async def received(self, request: Request) -> Response:
        """Tells what one was sent: how many in all, and the newest of them."""
        party = self._parties.get(request.path_params["name"])
        if party is None:
            return _unknown()
        return JSONResponse({"count": party.count, "received": list(party.received)})


def create_app() -> Starlette:
    """The stand-ins as one application."""
    board = Switchboard()
    methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]
    return Starlette(
        routes=[
            Route("/_control", board.heal, methods=["DELETE"]),
            Route("/_control/{name}", board.control, methods=["GET", "PUT"]),
            Route("/_control/{name}/received", board.received),
            Route("/{name}", board.serve, methods=methods),
            Route("/{name}/{path:path}", board.serve, methods=methods),
        ]
    )


def _unknown() -> Response:
    return JSONResponse({"error": "no such third party"}, 404)


async def _sent(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if "json" in request.headers.get("content-type", ""):
        try:
            body = json.loads(raw)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {"body": body}
    return {key: values[0] for key, values in parse_qs(raw.decode("utf-8", errors="replace")).items()}


def _inbox(party: Party, to: str) -> Response:
    found = [{"to": m.get("To"), "body": m.get("Body")} for m in party.received if m.get("To") == to]
    return JSONResponse({"messages": found})


def _answer(name: str, path: str, method: str, sent: dict[str, Any]) -> Response:
    if name == "tap" and path == "/v2/charges" and method == "POST":
        charge = {"id": f"chg_{uuid.uuid4().hex[:20]}", "status": "CAPTURED", "amount": sent.get("amount")}
        return JSONResponse(charge)
    if name == "twilio" and method == "POST":
        return JSONResponse({"sid": f"SM{uuid.uuid4().hex}", "status": "queued"}, 201)
    if name == "slack" and method == "POST":
        return Response("ok", media_type="text/plain")
    if name == "staging":
        return JSONResponse({"status": "healthy", "version": "staging"})
    return JSONResponse({"service": name, "status": "ok"})


def main() -> int:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    uvicorn.run(create_app(), host=options.host, port=options.port, log_level="warning", access_log=False, ws="none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
