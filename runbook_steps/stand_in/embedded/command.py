"""`runbooks target`: keep an embedded target running for hand work, look at it, break it, take it down."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from runbook_steps.engine.cli.options import Format, TextFormat
from runbook_steps.engine.errors import ConfigurationError, TargetError
from runbook_steps.stand_in.embedded import EmbeddedTarget, practice_command, registry
from runbook_steps.stand_in.embedded.kept import Name, ours
from runbook_steps.stand_in.embedded.parts import PARTS, SERVICES, with_needs

__all__ = ["as_dotenv", "as_shell", "register"]


class EnvFormat(StrEnum):
    """How `target env` writes variables."""

    SHELL = "shell"
    JSON = "json"
    DOTENV = "dotenv"


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")


def register(app: typer.Typer, target_app: typer.Typer) -> None:
    """Adds the commands below `runbooks target`: what an entry point of `runbooks.commands` does."""
    del app
    for command in (up, down, env, status, restart, logs, prune):
        target_app.command()(command)
    target_app.command("list")(list_targets)
    practice_command.register(target_app)


def up(
    parts: Annotated[list[str] | None, typer.Argument(help=f"parts to start: {', '.join(PARTS)}")] = None,
    name: Name = "embedded",
    rate_limit: Annotated[
        int | None, typer.Option(min=1, help="the proxy's limit, requests per minute and client")
    ] = None,
) -> None:
    """Start a target that stays, until `runbooks target down`; returns when it is ready."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no good name: letters, digits, `_`, `.`, `-`, at most 41")
    wanted = with_needs(parts or PARTS)
    with registry.one_at_a_time(name):
        try:
            target, new = ours(name), False
        except TargetError:
            target, new = EmbeddedTarget.create(name=name, detached=True, rate_limit=rate_limit), True
        try:
            target.start(wanted)
        except BaseException:
            if new:  # half a target is none
                target.close()
            raise
    _tell_how(target, name)


def _tell_how(target: EmbeddedTarget, name: str) -> None:
    option = "" if name == "embedded" else f" --name {name}"
    slowest = sorted(target.start_timings.items(), key=lambda item: -sum(item[1].values()))
    took = ", ".join(f"{service} {sum(times.values()):.1f}" for service, times in slowest[:4])
    typer.echo(
        f"{name} is up after {target.start_total_s:.1f} s (seconds: {took})\n"
        f"  API       {target.environment()['API_BASE_URL']}\n"
        f'  use it    eval "$(runbooks target env{option})"\n'
        f"  look      runbooks target status{option}\n"
        f"  stop      runbooks target down{option}"
    )


def down(
    name: Name = "embedded",
    every: Annotated[bool, typer.Option("--all", help="all targets that `up` has started for this project")] = False,
) -> None:
    """Stop a target and remove everything it has written."""
    names = _detached() if every else [name]
    for each in names:
        ours(each).close()
        typer.echo(f"{each} is down")
    if not names:
        typer.echo("no target is up")


def _detached() -> list[str]:
    layouts = [run.layout for run in registry.live_runs()]
    # one that does not say whose it is may be anybody's: only its name takes it down
    here = registry.checkout()
    return [each.name for each in layouts if each is not None and each.owner_pid is None and each.checkout == here]


def env(
    name: Name = "embedded",
    format: Annotated[EnvFormat, typer.Option(help="shell, json or dotenv")] = EnvFormat.SHELL,  # noqa: A002 - the option's name
) -> None:
    """Print the environment of a command on the target, secrets included: `eval "$(runbooks target env)"`."""
    # HOME and TMPDIR are for the commands of a drill: a person keeps the own ones
    everything = EmbeddedTarget.attach(name).environment()
    variables = {key: value for key, value in everything.items() if key not in {"HOME", "TMPDIR"}}
    if format is EnvFormat.JSON:
        typer.echo(json.dumps(dict(variables), indent=2, sort_keys=True))
    elif format is EnvFormat.DOTENV:
        typer.echo(as_dotenv(variables))
    else:
        typer.echo(as_shell(variables))


def as_shell(variables: Mapping[str, str]) -> str:
    """`export NAME='value'` lines, safe to eval whatever the values hold."""
    return "\n".join(f"export {name}={_single_quoted(value)}" for name, value in sorted(variables.items()))


def _single_quoted(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"


def as_dotenv(variables: Mapping[str, str]) -> str:
    """`NAME="value"` lines, with what is special inside double quotes escaped."""
    escapes = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`", "\n": "\\n"})
    return "\n".join(f'{name}="{value.translate(escapes)}"' for name, value in sorted(variables.items()))


def status(name: Name = "embedded", format: Format = TextFormat.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Show what runs. Exit 1 when something that should run does not."""
    target = EmbeddedTarget.attach(name)
    services = target.control.status()
    layout = target.layout
    if format is TextFormat.JSON:
        document = {
            "name": name,
            "directory": str(layout.directory),
            "since": layout.created,
            "emulated": dict(target.facts.emulated),
            "versions": dict(target.versions()),
            "services": {service: {**state, "port": layout.ports[service]} for service, state in services.items()},
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        table = Table("service", "state", "pid", "port", "restarts", title=f"{name}, since {layout.created}")
        for service, state in services.items():
            port = str(layout.ports[service])
            pid = str(state["pid"] or "")
            table.add_row(service, state["state"], pid, port, str(state["restarts"] or ""))
        Console().print(table)
    raise typer.Exit(1 if any(state["state"] == "dead" for state in services.values()) else 0)


def list_targets(format: Format = TextFormat.CONSOLE) -> None:  # noqa: A002 - the option's name
    """List every run of yours that lives: those of `up`, and those that a test run owns."""
    layouts = [run.layout for run in registry.live_runs() if run.layout is not None]
    rows = [
        {
            "name": layout.name,
            "owner_pid": layout.owner_pid,
            "since": layout.created,
            "directory": str(layout.directory),
        }
        for layout in layouts
    ]
    if format is TextFormat.JSON:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        owner = f"owned by process {row['owner_pid']}" if row["owner_pid"] else "kept by `target up`"
        typer.echo(f"{row['name']}  since {row['since']}  {owner}  {row['directory']}")
    if not rows:
        typer.echo("no target is up", err=True)


def restart(
    service: Annotated[str, typer.Argument(help=f"one of {', '.join(SERVICES)}")], name: Name = "embedded"
) -> None:
    """Stop a service, if it runs, and start it."""
    target = EmbeddedTarget.attach(name)
    target.control.restart(service)
    typer.echo(f"{service} is up, pid {target.control.pid(service)}")


def logs(
    service: Annotated[str, typer.Argument(help=f"one of {', '.join(SERVICES)}, or keeper")],
    name: Name = "embedded",
    tail: Annotated[int, typer.Option(min=1, help="how many lines")] = 100,
) -> None:
    """Print the last lines that a service has written."""
    if service not in (*SERVICES, "keeper"):
        raise ConfigurationError(f"no service {service!r}; there is {', '.join(SERVICES)}, and keeper")
    layout = EmbeddedTarget.attach(name).layout
    files = [layout.service_log(service)]
    if service == "nginx":
        files.append(layout.nginx / "logs" / "error.log")
    for file in files:
        if file.exists():
            for line in file.read_text("utf-8", errors="replace").splitlines()[-tail:]:
                typer.echo(line)


def prune() -> None:
    """Clear what dead runs have left: processes and folders. Living ones are not touched."""
    cleared = registry.sweep()
    for directory in cleared:
        typer.echo(f"cleared {directory}")
    if not cleared:
        typer.echo("nothing to clear")
