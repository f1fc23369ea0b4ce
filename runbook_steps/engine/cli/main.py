"""The `runbooks` command: check the sources, see what is proven, read journals, keep a target running."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from runbook_steps.engine.cli import (
    authoring,
    evidence,
    feedback,
    machines,
    prove,
    review,
    run,
    site,
    target,
    target_fit,
    target_undos,
)
from runbook_steps.engine.cli.completion import targets
from runbook_steps.engine.cli.options import Format, TextFormat
from runbook_steps.engine.errors import ConfigurationError, JournalError, RunbookError
from runbook_steps.engine.model import Outcome, ScenarioRecord
from runbook_steps.engine.proof.evidence_file import journal_lines, read_journal
from runbook_steps.engine.proof.journal_chain import broken_at
from runbook_steps.engine.proof.standing import is_proof
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.engine.text.any_locale import in_any_locale
from runbook_steps.engine.text.short_lived import short_lived
from runbook_steps.engine.text.terminal import printable

if TYPE_CHECKING:
    from runbook_steps.engine.project.project import Project

__all__ = ["app", "main"]

_WIDE = 300
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Runbooks that are proven. Prove with `pytest features/`; this command does the rest.",
    epilog="Exit codes: 0 good, 1 not good, 2 wrong use or sources, 3 refused, 4 no target.",
)
target_fit.register(target.app)
target_undos.register(target.app)
app.add_typer(target.app, name="target")
app.add_typer(evidence.app, name="evidence")
for part in (site, authoring, review, feedback, machines, run, prove):
    part.register(app)


@app.command()
def check(
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
    drift: Annotated[bool, typer.Option("--drift", help="also tell what comes apart; that breaks nothing")] = False,
    on: Annotated[
        str, typer.Option("--target", help="whose tools the commands need, for --drift", autocompletion=targets)
    ] = "embedded",
    undo: Annotated[bool, typer.Option("--undo", help="also list the changes that nothing takes back")] = False,
) -> None:
    """Check pages and features against the rules of the house. `runbooks check --format json`."""
    from runbook_steps.engine.checks.contract import against_the_contract  # noqa: PLC0415 - as the next line
    from runbook_steps.engine.checks.drift_of_target import drift_of  # noqa: PLC0415
    from runbook_steps.engine.checks.no_undo import without_undo  # noqa: PLC0415
    from runbook_steps.engine.checks.pages import check_project  # noqa: PLC0415 - reads all pages: only when asked
    from runbook_steps.engine.checks.proofless import without_proof  # noqa: PLC0415
    from runbook_steps.engine.project.house import house_of  # noqa: PLC0415
    from runbook_steps.engine.project.project import load_project  # noqa: PLC0415

    project = load_project(find_root(Path.cwd()))
    problems = (*check_project(project), *against_the_contract(project), *without_proof(project))
    problems += tuple(house_of(project.settings).problems(project))
    warnings = drift_of(project, on) if drift else []
    without = without_undo(project)
    listed = without if undo else []
    if format is TextFormat.JSON:
        rows = [*(("problem", p) for p in problems), *(("drift", p) for p in warnings)]
        rows += [("no undo", each) for each in listed]
        print_json(
            [{"kind": k, "file": p.position.path, "line": p.position.line, "message": p.message} for k, p in rows]
        )
    else:
        for problem in problems:
            typer.echo(printable(str(problem)))
        for warning in warnings:
            typer.echo(printable(f"{warning.position}: drift: {warning.message}"))
        for each in listed:
            typer.echo(printable(f"{each.position}: no undo: {each.message}"))
        if without and not undo:
            typer.echo(f"{len(without)} changes have no undo (`runbooks check --undo` lists them)", err=True)
        typer.echo(f"{len(problems)} problems" if problems else "no problems", err=True)
    raise typer.Exit(1 if problems else 0)


@app.command()
def status(
    on: Annotated[
        str, typer.Option("--target", help="the target whose evidence to read", autocompletion=targets)
    ] = "embedded",
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Show what is proven on a target, what is stale or was never proven, and why. Exit 1 when anything is not."""
    from runbook_steps.engine.project.project import load_project  # noqa: PLC0415 - reads all features: only when asked

    project = load_project(find_root(Path.cwd()))
    records = records_on(project, on)
    rows = [(key, records.get(key)) for key in project.scenario_ids]
    if format is TextFormat.JSON:
        print_json([_row(key, record) for key, record in rows])
    else:
        _status_table(on, rows)
    for problem in project.unread_features:
        typer.echo(printable(f"{problem}: its scenarios are not listed"), err=True)
    good = all(is_proof(record) for _, record in rows) and not project.unread_features
    raise typer.Exit(0 if good else 1)


@app.command()
def journal(
    path: Annotated[
        str,
        typer.Argument(
            metavar="[JOURNAL|RUNBOOK]",
            help="a journal, or whose; the newest when left out. `verify` first: is it whole?",
        ),
    ] = "",
    verified: Annotated[str, typer.Argument(metavar="", help="behind `verify`: the journal, or whose")] = "",
    report: Annotated[bool, typer.Option("--report", help="of a guided run: what was done, in Markdown")] = False,
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Read a journal, also of a run that was killed: how far it came, and what it did.

    `runbooks journal verify FILE` looks whether every line still hangs on those before it; exit 1 when not.
    """
    if path == "verify":
        _verify_journal(_journal(verified))
        return
    chosen = _journal(path)
    if report:
        from runbook_steps.engine.guided.report import report_of  # noqa: PLC0415 - only when asked

        typer.echo(printable(report_of(chosen)), nl=False)
        return
    records = read_journal(chosen)
    if format is TextFormat.JSON:
        print_json([asdict(record) for record in records])
        return
    typer.echo(str(chosen))
    for record in records:
        typer.echo(printable(f"\n{record.outcome}  {record.id}  ({record.duration_s:.1f} s on {record.target})"))
        for step in record.steps:
            typer.echo(printable(f"    {step.outcome:<16} {step.keyword} {step.text}"))
            for note in step.notes:  # who skipped it and why, what was decided, seen or edited
                typer.echo(printable(f"                     {note.splitlines()[0]}"))
            for line in step.error.splitlines()[:3]:
                typer.echo(printable(f"                     {line}"))


def _verify_journal(path: Path) -> None:
    lines = journal_lines(path)
    if not lines:
        raise JournalError(f"{path} is empty: nothing was recorded, or everything was removed")
    broken = broken_at(lines)
    if broken is None:
        typer.echo(f"{path}: whole, {len(lines)} lines hang together")
        return
    cut = broken == len(lines) and not lines[-1].endswith("}")
    why = "was cut by a kill" if cut else "does not hang on the lines before it: edited, or of an older version"
    typer.echo(f"{path}:{broken}: {why}", err=True)
    raise typer.Exit(1)


def records_on(project: Project, target: str) -> Mapping[str, ScenarioRecord]:
    """What is known of a target as of now, stale proofs told as such; empty when there is no evidence yet.

    Raises ConfigurationError for what is no name of a target.
    """
    load_settings(project.root).evidence_file(target)
    return next((each.records for each in project.evidence if each.target == target), {})


def _journal(name: str) -> Path:
    return Path(name) if _is_journal(name) else newest_journal(name)


def _is_journal(path: str) -> bool:
    """Whether that is a file to read as a journal, not the name or a file of a runbook."""
    there = Path(path).exists() and not Path(path).is_dir()
    return path.endswith(".jsonl") or (there and not path.endswith((".feature", ".md")))


def newest_journal(name: str) -> Path:
    """The journal that was written last, or the last one with that runbook. Raises ConfigurationError without one."""
    root = find_root(Path.cwd())
    folder = load_settings(root).journal_dir
    journals = sorted(folder.glob("*.jsonl"), key=lambda file: file.stat().st_mtime, reverse=True)
    if not name:
        if not journals:
            raise ConfigurationError(f"no journal in {folder}; `pytest features/` writes one")
        return journals[0]
    feature = _named_feature(root, name)
    for each in journals:
        if any(record.feature == feature for record in read_journal(each)):
            return each
    raise ConfigurationError(f"no journal in {folder} is of {feature}; `pytest {feature}` writes one")


def _named_feature(root: Path, name: str) -> str:
    from runbook_steps.engine.project.find import named_runbook  # noqa: PLC0415 - reads all features: only when asked
    from runbook_steps.engine.project.project import load_project  # noqa: PLC0415

    return named_runbook(load_project(root), name).feature_path


def print_json(document: object) -> None:
    """JSON on standard output, and nothing else."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1, default=str))


def _row(key: str, record: ScenarioRecord | None) -> dict[str, object]:
    if record is None:
        return {"id": key, "outcome": str(Outcome.NEVER_PROVEN)}
    return {
        "id": key,
        "outcome": str(record.outcome),
        "started": record.started,
        "commit": record.commit,
        "dirty": record.dirty,
        "duration_s": record.duration_s,
        "reason": record.reason,
    }


def _status_table(target: str, rows: Iterable[tuple[str, ScenarioRecord | None]]) -> None:
    table = Table(title=f"Proven on {target}", box=None, title_justify="left", header_style="bold")
    for heading in ("result", "scenario", "when", "commit", "why"):
        table.add_column(heading, overflow="fold")
    for key, record in rows:
        if record is None:
            table.add_row(str(Outcome.NEVER_PROVEN), key, "", "", "")
        else:
            changed = " + changes" if record.dirty else ""
            why = printable(record.reason.strip().splitlines()[0]) if record.reason.strip() else ""
            table.add_row(str(record.outcome), printable(key), record.started[:16], record.commit[:10] + changed, why)
    # into a file or a pipe: one line a scenario
    Console(markup=False, width=None if sys.stdout.isatty() else _WIDE).print(table)


def _ready() -> None:
    """Without an input, an output, its letters, or a folder to be in, nothing else would say so in words."""
    if sys.stdout is None or sys.stderr is None:  # started with a closed output
        nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the program runs
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    if sys.stdin is None:  # a closed input has nothing to say, and is no error of its own
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as above
    in_any_locale()
    try:
        Path.cwd()
    except OSError:
        sys.stderr.write("error: the folder that this is run in is gone; go to another one\n")
        sys.exit(2)


def add_extensions() -> None:
    """The commands that the project here, or a package that is installed, adds. Raises ConfigurationError."""
    from runbook_steps.engine.extensions import COMMANDS, extension_names, load_extension  # noqa: PLC0415

    try:
        settings = load_settings(find_root(Path.cwd()))
    except ConfigurationError:  # said by the command that needs it
        settings = None
    for name in extension_names(COMMANDS, settings):
        load_extension(COMMANDS, name, settings)(app, target.app)


def main() -> None:
    """Runs the command; an error is one line on standard error."""
    _ready()
    short_lived()
    try:
        add_extensions()
        app(standalone_mode=True)
    except RunbookError as error:
        typer.echo(f"error: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # the reader of our output went away: nothing to say, and Python must not try again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # a full disk under our output, a file that went away
        where = f"{error.filename}: " if error.filename else "what is printed cannot be written: "
        typer.echo(f"error: {printable(where)}{error.strerror}", err=True)
        with contextlib.suppress(OSError, ValueError):  # what is left of it cannot be written either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
