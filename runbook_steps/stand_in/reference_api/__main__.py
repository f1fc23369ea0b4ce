"""One slot: `python -m runbook_steps.stand_in.reference_api --port 3000`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time

import uvicorn

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.stand_in.reference_api.app import create_app
from runbook_steps.stand_in.reference_api.release import code_of_release, effective_environ


def main() -> int:
    """Serves until SIGTERM, then ends the requests under way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    _become_the_release()
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    try:
        app = create_app(effective_environ(os.environ))
    except ConfigurationError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
        server_header=False,
        ws="none",
    )
    time.sleep(float(os.environ.get("STOP_AFTER_S", "0")))  # production's lives on as well, until Docker kills it
    return 0


def _become_the_release() -> None:
    """Starts again with the release's code first on the module path; returns at once when that is so already."""
    code = code_of_release(os.environ)
    if code is None or os.environ.get("PYTHONPATH") == str(code):
        return
    os.environ["PYTHONPATH"] = str(code)
    os.execv(sys.executable, [sys.executable, "-m", "runbook_steps.stand_in.reference_api", *sys.argv[1:]])  # noqa: S606 - the same pid is kept


if __name__ == "__main__":
    sys.exit(main())
