"""`beautycort`: the operations commands, put together; every error is one line and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from runbook_steps.errors import RunbookError
from runbook_steps.operations import (
    backup_cli,
    ci_cli,
    data_validation_cli,
    health_cli,
    host_cli,
    migrations_cli,
    notify_cli,
    releases_cli,
    rollback_cli,
    secrets_cli,
    traffic_cli,
)

__all__ = ["app", "main"]

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Operate the BeautyCort platform.",
    epilog="Exit codes: 0 good, 1 not good, 2 wrong use or settings, 3 refused, 4 cannot reach.",
)
health_cli.register(app)
host_cli.register(app)
backup_cli.register(app)
migrations_cli.register(app)
data_validation_cli.register(app)
notify_cli.register(app)
traffic_cli.register(app)
ci_cli.register(app)
releases_cli.register(app)
rollback_cli.register(app)
secrets_cli.register(app)


def main() -> None:
    """Runs the command."""
    try:
        app(standalone_mode=True)
    except RunbookError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("BEAUTYCORT_DEBUG"):
            raise
        # the text of an unknown error may hold anything, a URL with its password too
        sys.stderr.write(f"error: internal: {type(error).__name__}; BEAUTYCORT_DEBUG=1 shows where\n")
        sys.exit(INTERNAL_ERROR)
