"""The command begins at once: what only some commands need is loaded by them."""

from __future__ import annotations

import json
import subprocess
import sys

COSTLY = ("boto3", "botocore", "h11", "httpx", "pglast", "psycopg", "pytest", "redis", "testcontainers")
ASKS = f"""
import json, sys
import runbook_steps.engine.cli.main
print(json.dumps([each for each in {COSTLY!r} if each in sys.modules]))
"""


def test_no_client_is_loaded_for_a_list_or_a_completion() -> None:
    """Clients and parsers wait until a target is looked at: every TAB in a shell runs the command."""
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True, timeout=60)

    assert json.loads(done.stdout) == []
