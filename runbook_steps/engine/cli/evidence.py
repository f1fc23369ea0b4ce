"""`runbooks evidence`: files of several machines become one; files are signed, and signatures verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import ConfigurationError, EvidenceError
from runbook_steps.engine.proof.evidence_file import load_evidence, write_evidence
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.engine.text.terminal import printable

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Evidence files: join, sign, verify.")
_KEY = "a key in PEM"


@app.command()
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="evidence of one target, from several machines")],
    out: Annotated[Path, typer.Option(help="the file that holds all of it; replaced")],
    *,
    whole: Annotated[bool, typer.Option("--whole", help="refuse when a scenario of the project was not run")] = False,
) -> None:
    """Join evidence of several machines: the newest of every scenario.

    `runbooks evidence merge a/embedded.json b/embedded.json --out build/evidence/embedded.json`.

    Refused when they contradict each other. The order does not matter. With `--whole` every scenario must have run on
    one commit: a part that is missing, and parts of two commits, are refused. It is then one run of the history.
    """
    from runbook_steps.engine.proof.joined_evidence import joined, remarks, shortfall  # noqa: PLC0415 - only here
    from runbook_steps.engine.proof.past_runs import keep_run  # noqa: PLC0415 - only here

    parts = {f"{number}: {file}": load_evidence(file) for number, file in enumerate(files, 1)}
    evidence = joined(list(parts.values()))
    for remark in remarks(parts):
        typer.echo(printable(remark), err=True)
    ids = _scenarios(find_root(Path.cwd())) if whole else ()
    if whole and (said := shortfall(evidence, ids)):
        raise EvidenceError(f"{said}; nothing was written")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_evidence(out, evidence)
    if whole:
        keep_run(out.parent, evidence.target, [evidence.records[key] for key in sorted(ids)])
    typer.echo(printable(f"{len(evidence.records)} scenarios of {evidence.target} in {out}"))


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="an evidence file")],
    key: Annotated[
        Path, typer.Option(metavar="FILE", help=f"the private one, {_KEY}: openssl genpkey -algorithm ed25519")
    ],
) -> None:
    """Sign an evidence file; the signature lies beside it. `runbooks evidence sign embedded.json --key k.pem`."""
    from runbook_steps.engine.proof.signed_evidence import sign_evidence  # noqa: PLC0415 - cryptography is costly

    typer.echo(printable(f"{sign_evidence(file, key)}: signed"))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="an evidence file")],
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"the public one, {_KEY}; the project’s when left out")
    ] = None,
) -> None:
    """Look whether an evidence file is as it was signed; exit 1 when not. `runbooks evidence verify embedded.json`."""
    from runbook_steps.engine.proof.signed_evidence import signature_problem  # noqa: PLC0415 - cryptography is costly

    load_evidence(file)
    public = key or load_settings(find_root(Path.cwd())).evidence_key
    if public is None:
        raise ConfigurationError("no key: --key names one, or `evidence_key` in [tool.runbooks] of pyproject.toml")
    problem = signature_problem(file, public)
    typer.echo(printable(f"{file}: {f'claimed, not proven: {problem}' if problem else 'as it was signed'}"))
    raise typer.Exit(1 if problem else 0)


def _scenarios(root: Path) -> tuple[str, ...]:
    """The ids of all scenarios of the project. Raises EvidenceError where they cannot all be known."""
    from runbook_steps.engine.project.project import load_project  # noqa: PLC0415 - only one option needs it

    project = load_project(root)
    for problem in project.unread_features:
        raise EvidenceError(f"{problem}: so nobody knows whether all scenarios ran; nothing was written")
    return project.scenario_ids
