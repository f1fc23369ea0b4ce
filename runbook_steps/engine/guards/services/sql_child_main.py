"""The process that parses SQL for the guard: it may run out of memory or stack, and takes nothing down with it."""

from __future__ import annotations

import json
import resource
import socket
import sys
from typing import Any

from runbook_steps.engine.guards.services.sql_catalogue import read_catalogue
from runbook_steps.engine.guards.services.sql_child_limits import LENGTH, MEMORY
from runbook_steps.engine.guards.services.sql_policy import SqlJudge
from runbook_steps.engine.model import Risk

__all__ = ["main"]


def main(descriptor: int) -> None:
    """The child: answers until its socket is closed."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    catalogues: dict[int, Any] = {}
    judges: dict[tuple[int, str, bool], SqlJudge] = {}
    with socket.socket(fileno=descriptor) as there, there.makefile("rwb") as stream:
        while head := stream.read(LENGTH.size):
            request = json.loads(stream.read(LENGTH.unpack(head)[0]))
            parts = set(request["parts"])
            try:
                if "catalogue" in request:
                    catalogues[request["key"]] = read_catalogue(request["catalogue"])
                where = (request["key"], request["risk"], request["shared"])
                if where not in judges:
                    judges[where] = SqlJudge(Risk(request["risk"]), catalogues[request["key"]], request["shared"])
                judges[where].parts = parts
                answer = judges[where].refused(request["text"], request["types"])
            except Exception as fault:
                judges.clear()  # one that was left in the middle has noted what it did not finish
                answer = f"SQL that cannot be judged ({type(fault).__name__})"
            body = json.dumps([answer, sorted(parts)]).encode()
            stream.write(LENGTH.pack(len(body)) + body)
            stream.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
