"""`beautycort`: the operations commands, put together; every error is one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from runbook_steps.engine.errors import RunbookError
from runbook_steps.engine.text.any_locale import in_any_locale
from runbook_steps.engine.text.short_lived import loading, short_lived
from runbook_steps.engine.text.terminal import printable

__all__ = ["app", "main"]

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130
COMMANDS = {
    "health-checks": "health_cli",
    "host": "host_cli",
    "database-backup": "backup_cli",
    "migrate": "migrations_cli",
    "validate": "data_validation_cli",
    "notify": "notify_cli",
    "traffic": "traffic_cli",
    "ci": "ci_cli",
    "releases": "releases_cli",
    "rollback-manager": "rollback_cli",
    "secrets": "secrets_cli",
}
"""Command → the module of this package that registers it. Only the one that is run is imported: the clients of AWS
and PostgreSQL take longer to import than most commands take."""


class _Commands(TyperGroup):
    """Knows its commands by name, and loads one when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """As the help shows them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, its module imported now; None for a name that is not known."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        holder = typer.Typer(add_completion=False)
        holder.callback()(_no_options)  # so that a single command stays below its name
        with loading():
            importlib.import_module(f"runbook_steps.operations.{COMMANDS[cmd_name]}").register(holder)
        group: Any = typer.main.get_command(holder)
        return group.commands[cmd_name]


def _no_options() -> None:
    """Operate the BeautyCort platform."""


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Operate the BeautyCort platform.",
    epilog="Exit codes: 0 good, 1 not good, 2 wrong use or settings, 3 refused, 4 cannot reach.",
)
app.callback()(_no_options)


def main() -> None:
    """Runs the command."""
    in_any_locale()
    short_lived()
    try:
        app(standalone_mode=True)
    except RunbookError as error:
        sys.stderr.write(f"error: {printable(str(error))}\n")
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
