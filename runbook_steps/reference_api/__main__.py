"""One slot: `python -m runbook_steps.reference_api --port 3000`."""

from __future__ import annotations

import argparse
import logging
import sys

import uvicorn

from runbook_steps.errors import ConfigurationError
from runbook_steps.reference_api.app import create_app


def main() -> int:
    """Serves until SIGTERM, then ends the requests under way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    try:
        app = create_app()
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
