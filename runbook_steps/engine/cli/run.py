"""`runbooks run`: a person is led through one procedure, step by step, and asked before each command."""

from __future__ import annotations

import functools
import getpass
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from runbook_steps.engine.cli.completion import runbooks, targets
from runbook_steps.engine.cli.options import RUNBOOK, Format, TextFormat
from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.guided.brief import (
    Brief,
    as_lines,
    as_row,
    make_brief,
    named_procedure,
)
from runbook_steps.engine.guided.opening import chosen, introduce
from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.model import Risk, TargetFacts
from runbook_steps.engine.project.find import named_runbook
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.settings import Settings, find_root, load_settings
from runbook_steps.engine.text.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_steps.engine.guided.events import Events
    from runbook_steps.engine.guided.past import Past
    from runbook_steps.engine.guided.session import GuidedRun

__all__ = ["register"]

# every other plugin of this environment is loaded for seconds, and not one of them has a word in a guided run
_ONLY_THESE = ("--disable-plugin-autoload", "-p", "pytest_bdd.plugin", "-p", "runbook_steps.engine.pytest_side.plugin")

_EPILOG = """
Examples:\n
runbooks run nginx                      practise on the embedded target\n
runbooks run nginx --target production  look at production\n
runbooks run nginx --target staging --allow mutating\n
runbooks run nginx --dry-run            show what would run\n
runbooks run nginx --resume build/journal/NAME.jsonl\n
runbooks run nginx --scenario "change is loaded" --from 4\n
runbooks run nginx --scenario "runs, and" --then "change is loaded"\n
runbooks run nginx --format json > events.jsonl\n
Exit codes: 0 it went through, 1 something failed or was skipped, 2 wrong use,
3 refused, 4 no target, 130 stopped by the person.
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(run)


def run(  # noqa: PLR0917 - what was said on the command line
    name: Annotated[str, typer.Argument(metavar="RUNBOOK", help=RUNBOOK, autocompletion=runbooks)],
    scenario: Annotated[str | None, typer.Option(help="its name, or words of it; asked for when left out")] = None,
    then: Annotated[
        list[str] | None, typer.Option("--then", metavar="SCENARIO", help="go on with that one when all went through")
    ] = None,
    target: Annotated[str | None, typer.Option(help="embedded, staging, production …", autocompletion=targets)] = None,
    allow: Annotated[Risk | None, typer.Option(help="highest risk that may run (live: readonly)")] = None,
    confirm: Annotated[
        str | None, typer.Option(metavar="NAME", help="the live target that is meant", autocompletion=targets)
    ] = None,
    role: Annotated[str | None, typer.Option("--as", metavar="ROLE", help="who you are, for the journal")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="JOURNAL", help="go on where that run stopped")] = None,
    begin_at: Annotated[
        int, typer.Option("--from", metavar="STEP", min=1, help="leave out what is before that step")
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would run, and run nothing")] = False,
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Lead a person through a procedure: each command is shown, asked for, run and checked.

    The only way to change production. Ctrl-C stops and offers the undo.
    """
    root = find_root(Path.cwd())
    project, settings = load_project(root), load_settings(root)
    runbook = named_runbook(project, name)
    facts = _facts(target or settings.default_target, settings, allow)
    if dry_run:
        asked = [named_procedure(runbook, scenario)] if scenario else list(runbook.procedures)
        _show([make_brief(project, runbook, procedure, facts) for procedure in asked], format)
        return
    behind = [named_procedure(runbook, each).name for each in then or ()]
    if behind and format is TextFormat.JSON:
        raise ConfigurationError("--then and --format json do not go together: each procedure has a journal of its own")
    events = _at_a_terminal(format)
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
    with _resumed(resume) as past:
        screen = Screen()
        wanted = past.record.scenario if past else scenario
        procedure = named_procedure(runbook, wanted) if wanted else chosen(screen, runbook)
        brief = make_brief(project, runbook, procedure, facts)
        if past:
            _refuse_resume(past, brief, settings)
            _refuse_another_system(screen, past, brief)
        if begin_at > len(procedure.steps):
            raise ConfigurationError(f"--from {begin_at}: “{procedure.name}” has {len(procedure.steps)} steps")
        who = _role(project, role)
        introduce(screen, brief, who)
        guided = functools.partial(_guided_run, brief, screen, who, past, begin_at - 1, events)
        code = _guide(brief, screen, guided, settings, allow, confirm)
    if code or not behind:
        for each in behind:
            screen.say(f"Not begun: “{each}”", "yellow")
        raise typer.Exit(code)
    _go_on(screen, runbook.stem, behind, {"target": target, "allow": allow, "confirm": confirm, "as": role})


def _go_on(screen: Screen, stem: str, behind: list[str], said: Mapping[str, str | None]) -> None:
    """The next procedure, by a program as fresh as the first: nothing of the one before is left in it."""
    first, *others = behind
    screen.say(f"\nNow “{first}”", "bold")
    arguments = ["run", stem, f"--scenario={first}", *(f"--then={each}" for each in others)]
    arguments += [f"--{name}={value}" for name, value in said.items() if value is not None]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, sys.argv[0], *arguments])  # noqa: S606 - this very program


def _at_a_terminal(format: TextFormat) -> Events | None:  # noqa: A002 - the option's name
    """Where the events go, when a program listens; refused without a person, whom standard error reaches then."""
    listens = format is TextFormat.JSON
    if not (sys.stdin.isatty() and (sys.stderr if listens else sys.stdout).isatty()):
        raise RefusedError("a guided run needs a person at a terminal; `--dry-run` shows what would run")
    if not listens:
        return None
    if sys.stdout.isatty():
        raise ConfigurationError(
            "--format json: send the events to a file or a program, `--format json > events.jsonl`"
        )
    from runbook_steps.engine.guided.events import Events  # noqa: PLC0415 - only when asked

    return Events()


def _facts(name: str, settings: Settings, allow: Risk | None) -> TargetFacts:
    from runbook_steps.engine.targets.by_name import make_target  # noqa: PLC0415 - targets are costly to import

    target = make_target(name, settings, allow)
    try:
        return target.facts
    finally:
        target.close()


def _show(briefs: list[Brief], format: TextFormat) -> None:  # noqa: A002 - the option's name
    if format is TextFormat.JSON:
        typer.echo(json.dumps([as_row(brief) for brief in briefs], ensure_ascii=False, indent=1))
        return
    screen = Screen()
    for brief in briefs:
        introduce(screen, brief, "")
        screen.say()
        for line in as_lines(brief):
            screen.say(line)
        screen.say()


@contextmanager
def _resumed(journal: Path | None) -> Iterator[Past | None]:
    if journal is None:
        yield None
        return
    from runbook_steps.engine.guided.past import held, read_past  # noqa: PLC0415 - only a resumed run pays

    with held(journal):
        yield read_past(journal)


def _refuse_resume(past: Past, brief: Brief, settings: Settings) -> None:
    from runbook_steps.engine.proof.rests_on import source_index  # noqa: PLC0415 - reads all steps
    from runbook_steps.engine.run.undo import left_behind  # noqa: PLC0415

    left = left_behind(settings.undo_folder(brief.target.name))
    sources = source_index(settings).of(brief.procedure, brief.runbook.stem)
    if past.record.feature != brief.runbook.feature_path:
        raise RefusedError(f"{past.journal} is of {past.record.feature}, not of {brief.runbook.feature_path}")
    if not brief.live:
        raise RefusedError(
            f"{past.journal}: the target that it practised on went with it; start it anew, without --resume"
        )
    past.refuse(brief.procedure, sources, brief.target.name, left, settings.reads)


def _refuse_another_system(screen: Screen, past: Past, brief: Brief) -> None:
    """The name of a target stays, and what it names may be another one since: whether it is, a person knows."""
    if not (moved := past.moved(brief.target.places)):
        return
    screen.say(f"Since that run these of {brief.target.name} say another place: {', '.join(moved)}", "bold yellow")
    screen.say("What it did was done there; an undo that it kept would be done here.", "yellow")
    try:
        answer = screen.ask("Is it the same system all the same? [y/N]:", ("y", "n", "q"), "n")
    except EOFError:
        answer = "n"
    if answer != "y":
        raise RefusedError(f"{past.journal} ran elsewhere; set the addresses back, or start anew, without --resume")


def _role(project: Project, role: str | None) -> str:
    """Who it is: a role of the contacts; the name of the account when nothing was said."""
    if role is None:
        return getpass.getuser()
    if project.contacts and role not in project.contacts:
        raise ConfigurationError(f"--as {role!r} is no role of the contacts; there is {', '.join(project.contacts)}")
    return role


def _guided_run(  # noqa: PLR0917 - what was said on the command line
    brief: Brief, screen: Screen, who: str, past: Past | None, begin_at: int, events: Events | None
) -> GuidedRun:
    from runbook_steps.engine.guided.channel import channel_of  # noqa: PLC0415 - a dry run does without
    from runbook_steps.engine.guided.session import GuidedRun  # noqa: PLC0415 - a dry run does without

    channel = channel_of(os.environ) if brief.live else None
    return GuidedRun(brief, screen, who, past, begin_at=begin_at, channel=channel, events=events)


def _guide(  # noqa: PLR0917 - what was said on the command line
    brief: Brief,
    screen: Screen,
    guided: Callable[[], GuidedRun],
    settings: Settings,
    allow: Risk | None,
    confirm: str | None,
) -> int:
    """The procedure, by pytest in this process; the exit code."""
    import pytest  # noqa: PLC0415 - a dry run does without

    from runbook_steps.engine.guided.desk import INTERRUPTED_EXIT  # noqa: PLC0415

    if brief.refusal:
        raise RefusedError(printable(brief.refusal))
    screen.say("Looking at it …" if brief.live else "Starting it …", "dim")
    guide = guided()
    _until_it_is_over(guide)
    arguments = [str(settings.root / brief.runbook.feature_path), "--rootdir", str(settings.root), "-s", "-q"]
    arguments += ["-o", "addopts=", "-o", "filterwarnings=ignore", "-p", "no:cacheprovider", *_ONLY_THESE]
    arguments += ["--target", brief.target.name]
    arguments += ["--allow", str(allow)] if allow else []
    arguments += ["--confirm", confirm] if confirm else []
    code = int(pytest.main(arguments, plugins=[guide]))
    _let_go_of_the_terminal()
    if guide.exit_code is not None:
        return guide.exit_code
    return INTERRUPTED_EXIT if code == pytest.ExitCode.INTERRUPTED else code


def _until_it_is_over(guide: GuidedRun) -> None:
    """A terminal that goes away, and a polite end, are Ctrl-C: what was done is undone.

    When the last step is written down, none of them changes what came of it any more.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if not guide.is_over:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _let_go_of_the_terminal() -> None:
    """One that is gone may not make an error of the end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
