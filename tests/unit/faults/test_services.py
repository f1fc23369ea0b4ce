"""A service that is down: gone with everything that answered for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from runbook_steps.engine.targets.protocol import ServiceControl
from runbook_steps.faults.services import ServiceDown

MASTER = """
import os, subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
print(worker.stdout.readline(), end="", flush=True)
worker.wait()
"""
WORKER = """
import http.server, os, threading, time
served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
served.daemon_threads = True
threading.Thread(target=served.serve_forever, daemon=True).start()
master = os.getppid()
print(served.server_port, flush=True)
while os.getppid() == master:
    time.sleep(0.01)
time.sleep(0.5)
"""
"""Goes on answering for a moment when its master was killed."""


@pytest.fixture
def master() -> Iterator[subprocess.Popen[str]]:
    """A server whose worker outlives it for half a second."""
    process = subprocess.Popen([sys.executable, "-c", MASTER, WORKER], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def test_a_worker_that_outlives_its_master_is_waited_for(master: subprocess.Popen[str]) -> None:
    """On a busy machine it answers on, and what was arranged was not there."""
    assert master.stdout is not None
    address = f"http://127.0.0.1:{master.stdout.readline().strip()}"
    control = Mock(spec=ServiceControl, **{"pid.return_value": master.pid})
    down = ServiceDown(control, "nginx", {"API_BASE_URL": address})
    assert not down.observe().present
    down.arrange()
    assert down.observe().present
