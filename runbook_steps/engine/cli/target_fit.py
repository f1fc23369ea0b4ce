"""`runbooks target fit NAME`: what of the platform's contract a target offers, looked at read-only."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from runbook_steps.engine.cli.options import Format, TextFormat
from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import Risk
from runbook_steps.engine.proof.evidence_file import now
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.engine.sources.contract_file import CONTRACT_FILE, load_contract
from runbook_steps.engine.targets.by_name import make_target
from runbook_steps.engine.text.atomic_file import write_atomically
from runbook_steps.engine.text.redact import Redactor
from runbook_steps.engine.text.terminal import printable

if TYPE_CHECKING:  # its clients are costly
    from runbook_steps.engine.run.probes import Fitting

__all__ = ["register"]

_VERSION = 1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(fit)


def fit(
    name: Annotated[str, typer.Argument(help="staging, production, or a target of pyproject.toml")],
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Compare a target with the platform's contract, reading only. Exit 1 when something differs or cannot be seen.

    What is missing or different is named with what a person does instead. Writes `<evidence>/fit/NAME.json`.
    """
    # only when a target is looked at: each of them loads every client
    from runbook_steps.engine.run.held_to_risk import Restraint  # noqa: PLC0415
    from runbook_steps.engine.run.probes import Fit, look_at  # noqa: PLC0415

    root = find_root(Path.cwd())
    settings, contract = load_settings(root), load_contract(root)
    if not contract.interfaces:
        raise ConfigurationError(f"there is no {CONTRACT_FILE}: nothing says what the platform must offer")
    target = make_target(name, settings, Risk.READONLY)
    hide = Redactor(target.secrets())
    try:
        target.start(())
        with tempfile.TemporaryDirectory(prefix="runbooks-fit-") as folder:
            restraint = Restraint(Risk.READONLY, target.facts, Path(folder))
            real = target.environment()
            held = restraint.hold(real).environment
            found = look_at(contract.interfaces, held, host=real.get("HOST_IS_HERE") == "yes")
            restraint.close()
    finally:
        target.close()
    document = _document(name, found, hide)
    path = settings.evidence_file(name).parent / "fit" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    if format is TextFormat.JSON:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        _show(name, found, hide)
    raise typer.Exit(1 if any(each.fit in {Fit.DIFFERS, Fit.UNKNOWN} for each in found) else 0)


def _document(name: str, found: Sequence[Fitting], hide: Redactor) -> dict[str, object]:
    from runbook_steps.engine.run.probes import Fit  # noqa: PLC0415 - as above

    return {
        "version": _VERSION,
        "target": name,
        "at": now(),
        "fits": sum(each.fit is Fit.FITS for each in found),
        "of": len(found),
        "interfaces": [
            {
                "id": each.interface.id,
                "fit": str(each.fit),
                "expected": each.interface.expected,
                "seen": hide(each.seen),
                **({} if each.fit is Fit.FITS else {"instead": each.interface.missing}),
            }
            for each in found
        ],
    }


def _show(name: str, found: Sequence[Fitting], hide: Redactor) -> None:
    from runbook_steps.engine.run.probes import Fit  # noqa: PLC0415 - as above

    signs = {Fit.FITS: "✓", Fit.DIFFERS: "✗", Fit.MISSING: "·", Fit.UNKNOWN: "?"}
    table = Table(title=f"{name} and {CONTRACT_FILE}", box=None, title_justify="left", show_header=False)
    for each in found:
        seen = printable(hide(each.seen))
        told = seen if each.fit is Fit.FITS else f"{each.fit}: {seen}\n  instead: {each.interface.missing}"
        table.add_row(signs[each.fit], each.interface.id, told)
    Console(markup=False).print(table)
    good = sum(each.fit is Fit.FITS for each in found)
    typer.echo(f"fits {name}: {good} of {len(found)}")
