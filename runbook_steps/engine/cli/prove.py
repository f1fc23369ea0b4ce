"""`runbooks prove`: breaks procedures in every way there is, and tells which of them nobody would notice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from runbook_steps.engine.cli.completion import targets
from runbook_steps.engine.cli.options import RUNBOOK, Format, TextFormat
from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.model import Procedure, Runbook
from runbook_steps.engine.project.find import named_runbook
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.proof.evidence_file import now
from runbook_steps.engine.proof.rests_on import source_index
from runbook_steps.engine.proof.worth import (
    WORTH,
    Score,
    Tried,
    Worth,
    WorthThen,
    current_worth,
    load_worth,
    score_of,
    worth_history,
    worth_key,
    write_worth,
)  # fmt: skip
from runbook_steps.engine.settings import Settings, find_root
from runbook_steps.engine.text.terminal import printable

__all__ = ["register"]

_EPILOG = """
Examples:\n
runbooks prove nginx                    one runbook, on the embedded target\n
runbooks prove -n 2 --minutes 30        all of them, as many as half an hour allows\n
runbooks prove nginx --only no-op@34    one way again, and what was said\n
runbooks prove --record                 and keep the numbers, for the pages\n
Exit codes: 0 everything is noticed or declared harmless, 1 something is not, 2 wrong use or sources,
3 not all could be tried, or not in time.
"""
_NOT_ALL = 3
_FAR = 30 * 24 * 60.0


@dataclass(frozen=True)
class _Case:
    """A scenario to try: of an outline its first row."""

    runbook: Runbook
    procedure: Procedure
    key: str

    @property
    def id(self) -> str:
        return self.procedure.id_in(self.runbook.feature_path)


@dataclass(frozen=True)
class _Wish:
    """What was said on the command line. `deadline` is a time since the epoch in seconds."""

    target: str
    seed: int
    workers: int
    deadline: float
    only: tuple[str, ...]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(prove)


def prove(  # noqa: PLR0917 - what was said on the command line
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[RUNBOOK]…", help=f"all when left out; {RUNBOOK}")
    ] = None,
    scenario: Annotated[str, typer.Option(help="only the scenarios with these words in their name")] = "",
    only: Annotated[list[str] | None, typer.Option(metavar="WAY@LINE", help="one way alone, of that line")] = None,
    workers: Annotated[int, typer.Option("-n", min=1, max=64, help="how many at a time, each on its own target")] = 1,
    minutes: Annotated[float, typer.Option(min=0.001, max=_FAR, help="begin nothing more after that")] = _FAR,
    seed: Annotated[int, typer.Option(help="decides where there is a choice: which number, which other thing")] = 0,
    target: Annotated[
        str | None, typer.Option(help="a disposable one (default: the project's)", autocompletion=targets)
    ] = None,
    record: Annotated[bool, typer.Option("--record", help=f"keep what was found in {WORTH}, for the pages")] = False,
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Break procedures in every way there is; each must turn its scenario red.

    A command that does nothing, stops half-way or acts on another thing, a fault that is not there, a check that checks
    nothing: what nobody notices is told, with the command that tries it again. Only what changed is tried again.
    """
    signal.signal(signal.SIGTERM, _as_ctrl_c)  # a polite end takes the workers with it
    project = load_project(find_root(Path.cwd()))
    if project.problems:
        raise ConfigurationError(str(project.problems[0]))
    on = target or project.settings.default_target
    _refuse_live(on, project.settings)
    cases = _cases(project, names or [], scenario)
    wish = _Wish(on, seed, workers, time.time() + 60 * minutes, tuple(only or ()))
    found = _tried_alone(project, cases, wish) if only else _tried(project, cases, wish, record=record)
    show = _as_json if format is TextFormat.JSON else _as_text
    show(cases, found, wish)
    raise typer.Exit(_exit_code(cases, found, wish))


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _refuse_live(name: str, settings: Settings) -> None:
    from runbook_steps.engine.targets.by_name import make_target  # noqa: PLC0415 - targets are costly to import

    target = make_target(name, settings, None)
    try:
        if not target.facts.disposable:
            raise RefusedError(f"{name} is live: procedures are broken on a disposable target only")
    finally:
        target.close()


def _cases(project: Project, names: Sequence[str], words: str) -> tuple[_Case, ...]:
    """What is asked for, in the order of the files. Raises ConfigurationError when that is nothing."""
    runbooks = [named_runbook(project, name) for name in names] or list(project.runbooks)
    index = source_index(project.settings)
    mistaken = project.settings.mistaken
    found = tuple(
        _Case(runbook, procedure.runs[0], worth_key(procedure.runs[0], index.of(procedure, runbook.stem), mistaken))
        for runbook in runbooks
        for procedure in runbook.procedures
        if words.casefold() in procedure.name.casefold()
    )
    if not found:
        raise ConfigurationError(f"no scenario with “{words}” in its name" if words else "there is no scenario")
    return found


def _tried(project: Project, cases: Sequence[_Case], wish: _Wish, *, record: bool) -> dict[str, Worth]:
    """What is known of the cases: what did not change from before, the rest tried now. Kept as it comes."""
    settings = project.settings
    kept, pages = settings.evidence_dir.parent / "worth" / f"{wish.target}.json", project.root / WORTH
    known = {**load_worth(pages), **load_worth(kept)}
    todo = [case for case in cases if not _is_known(known.get(case.id), case, wish)]
    if len(todo) < len(cases):
        typer.echo(f"{len(cases) - len(todo)} of {len(cases)} scenarios are as they were: not tried again", err=True)

    def keep(worth: Worth) -> None:
        known[worth.id] = worth
        write_worth(kept, known)

    _work(project, todo, wish, keep)
    if record:
        _record(project, known)
    return {case.id: known[case.id] for case in cases if _is_known(known.get(case.id), case, wish)}


def _record(project: Project, known: Mapping[str, Worth]) -> None:
    """Keeps the numbers of the scenarios that there are, and what all of it comes to when that has changed."""
    now_known = current_worth(known, project.runbooks, source_index(project.settings).of, project.settings.mistaken)
    procedures = [(procedure.runs[0], each) for each in project.runbooks for procedure in each.procedures]
    tried = [(p, now_known[key]) for p, each in procedures if (key := p.id_in(each.feature_path)) in now_known]
    tried = [(procedure, worth) for procedure, worth in tried if not worth.problem]
    total = sum((score_of(worth, procedure) for procedure, worth in tried), start=Score())
    point = WorthThen(now(), len(tried), total.total, len(total.noticed), len(total.harmless))
    history = worth_history(project.root / WORTH)
    if not history or replace(history[-1], at=point.at) != point:
        history += (point,)
    write_worth(project.root / WORTH, {key: known[key] for key in now_known}, history)


def _tried_alone(project: Project, cases: Sequence[_Case], wish: _Wish) -> dict[str, Worth]:
    """Only some ways, of the scenarios that have those lines; nothing is kept."""
    lines = {int(line) for each in wish.only for _, _, line in [each.partition("@")] if line.isdecimal()}
    todo = [case for case in cases if lines & {step.position.line for step in case.procedure.steps}]
    if not todo:
        raise ConfigurationError("--only is a way and the line of its step in the feature, like no-op@34")
    found: dict[str, Worth] = {}
    _work(project, todo, wish, lambda worth: found.update({worth.id: worth}))
    return found


def _is_known(worth: Worth | None, case: _Case, wish: _Wish) -> bool:
    return worth is not None and (worth.key, worth.target, worth.seed) == (
        case.key,
        wish.target,
        wish.seed,
    )


def _work(project: Project, cases: Sequence[_Case], wish: _Wish, keep: Callable[[Worth], None]) -> None:
    """Tries them, and tells how far it is."""
    from runbook_steps.engine.mutation.notebook import Ask, Told  # noqa: PLC0415 - only when something is tried
    from runbook_steps.engine.mutation.workers import Work, try_variants  # noqa: PLC0415

    by_id, done = {case.id: case for case in cases}, 0

    def finished(key: str, told: Told) -> None:
        nonlocal done
        done += 1
        case = by_id[key]
        worth = Worth(key, case.key, wish.target, now(), told.seconds, told.tried or (), told.problem, wish.seed)
        keep(worth)
        score = score_of(worth, case.procedure)
        said = (
            f"could not be tried: {told.problem}" if told.problem else f"{len(score.noticed)} of {score.total} noticed"
        )
        typer.echo(printable(f"[{done}/{len(cases)}] {key}: {said}"), err=True)
        for name in wish.only:
            if name in told.why:
                typer.echo(printable(f"    {name}: {told.why[name]}"), err=True)

    if not by_id:
        return
    folder = project.root / "build/prove" / str(os.getpid())
    folder.mkdir(parents=True)
    features = tuple(sorted({case.runbook.feature_path for case in cases}))
    ask = Ask(tuple(by_id), wish.seed, wish.deadline, wish.only)
    told = try_variants(Work(project.root, wish.target, features, ask, folder, wish.workers), finished)
    if all(key in told and told[key].finished and not told[key].problem for key in by_id):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        typer.echo(f"what the workers said is in {folder}", err=True)


# ── what is told ─────────────────────────────────────────────────────────────────────────────────


def _score(case: _Case, found: dict[str, Worth]) -> Score:
    return score_of(found[case.id], case.procedure) if case.id in found else Score()


def _needless(case: _Case, found: dict[str, Worth], wish: _Wish) -> list[str]:
    """Declarations that are not so; with `--only` most are just not tried."""
    steps = case.procedure.steps
    return [
        f"{steps[number].position}: declared harmless ({way}), but it is noticed, or there is no such way: take it out"
        for number, way in (() if wish.only else _score(case, found).needless)
    ]


def _said(case: _Case, tried: Tried) -> str:
    step = case.procedure.steps[tried.step]
    change = f" ({tried.change})" if tried.change else ""
    return f"“{step.text.removesuffix(':')}” {tried.way.meaning}{change}: {tried.told}"


def _again(case: _Case, tried: Tried, wish: _Wish) -> str:
    seed = f" --seed {wish.seed}" if wish.seed else ""
    return f"runbooks prove {case.runbook.stem} --only {tried.name}{seed}"


def _as_text(cases: Sequence[_Case], found: dict[str, Worth], wish: _Wish) -> None:
    for case in cases:
        for tried in _score(case, found).unnoticed:
            where = case.procedure.steps[tried.step].position
            typer.echo(printable(f"{where}: not noticed: {_said(case, tried)}\n    {_again(case, tried, wish)}"))
        for line in _needless(case, found, wish):
            typer.echo(printable(line))
        if case.id in found and found[case.id].problem:
            typer.echo(printable(f"{case.procedure.position}: could not be tried: {found[case.id].problem}"))
    late = [case for case in cases if case.id not in found] if not wish.only else []
    if late:
        typer.echo(f"{len(late)} scenarios were not reached in time")
    total = sum((_score(case, found) for case in cases), start=Score())
    typer.echo(
        f"{len(total.noticed)} of {total.total} ways to break {len(cases) - len(late)} scenarios are noticed, "
        f"{len(total.harmless)} are declared harmless, {len(total.unnoticed)} are not noticed"
    )


def _as_json(cases: Sequence[_Case], found: dict[str, Worth], wish: _Wish) -> None:
    rows = []
    for case in cases:
        score, worth = _score(case, found), found.get(case.id)
        rows.append(
            {
                "id": case.id,
                "tried": worth is not None and not worth.problem,
                "problem": worth.problem if worth else "not reached in time",
                "noticed": len(score.noticed),
                "harmless": [{"way": each.name, "why": why} for each, why in score.harmless],
                "unnoticed": [
                    {"way": each.name, "what": _said(case, each), "again": _again(case, each, wish)}
                    for each in score.unnoticed
                ],
                "needless": _needless(case, found, wish),
            }
        )
    typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))


def _exit_code(cases: Sequence[_Case], found: dict[str, Worth], wish: _Wish) -> int:
    if any(_score(case, found).unnoticed or _needless(case, found, wish) for case in cases):
        return 1
    wanted = cases if not wish.only else [case for case in cases if case.id in found]
    whole = all(case.id in found and not found[case.id].problem for case in wanted)
    return 0 if whole and wanted else _NOT_ALL
