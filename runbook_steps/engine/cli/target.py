"""`runbooks target check NAME`: what of a live target is reachable, with which rights, and how it would be held."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from runbook_steps.engine.cli.options import Format, TextFormat
from runbook_steps.engine.model import Risk
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.engine.targets.by_name import make_target
from runbook_steps.engine.targets.reachable import Reached
from runbook_steps.engine.text.redact import Redactor
from runbook_steps.engine.text.terminal import printable

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look at a target; keep one running for hand work.")

_SIGNS = {True: "✓", False: "✗", None: "·"}


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="staging, production, or a target of pyproject.toml")],
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Tell what is reachable and with which rights, reading only. Exit 4 when a configured part is not.

    `runbooks target check staging`, before `pytest features/ --target staging`.
    """
    # the clients and parsers of the guard are costly: only when a target is looked at
    from runbook_steps.engine.guards.services.guard import can_lock_down, lock_words  # noqa: PLC0415
    from runbook_steps.engine.guards.services.guarded_environment import unreadable  # noqa: PLC0415
    from runbook_steps.engine.run.held_to_risk import Restraint  # noqa: PLC0415

    target = make_target(name, load_settings(find_root(Path.cwd())), Risk.READONLY)
    hide = Redactor(target.secrets())
    try:
        with tempfile.TemporaryDirectory(prefix="runbooks-check-") as folder:
            restraint = Restraint(Risk.READONLY, target.facts, Path(folder))
            environment = restraint.hold(target.environment()).environment
            rows = [Reached(row.part, row.good, hide(row.rights)) for row in target.reachable(environment)]
            withheld = unreadable(target.environment())
            rows += [Reached(each, False, f"not handed to commands: {why}") for each, why in withheld.items()]
            restraint.close()
    finally:
        target.close()
    if format is TextFormat.JSON:
        document = {
            "target": name,
            "locked_down": can_lock_down(),
            "lock": list(lock_words()),
            "parts": [asdict(row) for row in rows],
        }
        typer.echo(json.dumps(document, indent=1))
    else:
        _show(name, rows, lock_words())
    raise typer.Exit(4 if any(row.good is False for row in rows) else 0)


def _show(name: str, rows: Sequence[Reached], locks: Iterable[str]) -> None:
    table = Table(title=f"{name}, looked at read-only", box=None, title_justify="left", show_header=False)
    for row in rows:
        table.add_row(_SIGNS[row.good], row.part, printable(row.rights))
    Console(markup=False).print(table)
    for words in locks:
        typer.echo(words)
