"""`beautycort rollback-manager assess|rollback|watch`."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from runbook_steps.engine.errors import ConfigurationError, OperationError, RefusedError
from runbook_steps.operations.confirmation import require_yes
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.health_settings import HealthSettings
from runbook_steps.operations.not_aws import NOT_AWS
from runbook_steps.operations.releases import Releases
from runbook_steps.operations.rollback_criteria import (
    Criterion,
    baseline_ms,
    by_minute,
    errors_criterion,
    slow_criterion,
)
from runbook_steps.operations.rollback_manager import LONGEST_S, Pace, Rollback, backup_before
from runbook_steps.operations.settings import Unreachable, required
from runbook_steps.operations.smoke_tests import run_smoke_tests
from runbook_steps.operations.spans import seconds

__all__ = ["register"]

SECURITY_ALARMS = "beautycort-security"
Span = Annotated[str, typer.Option(help="like 30s, 5m")]
# a drill's target shortens these; no page does
Minute = Annotated[str, typer.Option(help="how long a minute is", envvar="ROLLBACK_MINUTE", hidden=True)]
Pause = Annotated[str, typer.Option(help="between two tries, like 30s", envvar="ROLLBACK_PAUSE")]
Watch = Annotated[str, typer.Option(help="how long it must be stable, like 5m", envvar="ROLLBACK_WATCH")]
Baseline = Annotated[float | None, typer.Option(help="mean response time before, in ms; from the log, if not given")]


def register(app: typer.Typer) -> None:
    """Adds `rollback-manager` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="When to roll back, and how. Examples: `rollback-manager assess`, "
        "`rollback-manager rollback 'error rate 12 %' --yes staging`, `rollback-manager watch --minutes 15`.",
    )
    group.command("assess")(assess)
    group.command("rollback")(rollback)
    group.command("watch")(watch)
    app.add_typer(group, name="rollback-manager")


_NOT_ASKED = "not asked: --no-smoke"


def assess(
    window: Annotated[str, typer.Option(help="15m, or since a moment like 2026-01-31T09:00:00+00:00")] = "15m",
    minute: Minute = "60s",
    baseline_ms: Baseline = None,
    smoke: Annotated[bool, typer.Option(help="run the smoke tests: they book, pay and cancel")] = True,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Compute the four criteria of a rollback. Exit 1 when one fires, 4 when one is unknown. --no-smoke only reads.

    What could not be looked at is told as unknown, and the advice then is not to keep the release.
    """
    since = _since(window)
    criteria = _traffic(since, seconds(minute, "--minute"), baseline_ms)
    criteria += [_features(ask=smoke), _security()]
    _report(criteria, format)


def watch(
    minutes: Annotated[int, typer.Option(min=1, max=120, help="how long")] = 15,
    minute: Minute = "60s",
    baseline_ms: Baseline = None,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Watch error rate and response time after a deployment. Only reads. Exit 1 when one fires, 4 when unknown."""
    length, since = seconds(minute, "--minute"), datetime.now(UTC)
    criteria: list[Criterion] = []
    for number in range(1, minutes + 1):
        time.sleep(max(0.0, number * length - (datetime.now(UTC) - since).total_seconds()))
        criteria = _traffic(since, length, baseline_ms)
        if format is Format.CONSOLE:
            typer.echo(f"minute {number} of {minutes}: {criteria[0].detail}")
        if any(each.fires for each in criteria):
            break
    if criteria[0].fires is None:
        raise OperationError("no request was served while watching: nothing was proven; send some, then watch again")
    _report(criteria, format)


def rollback(  # noqa: PLR0917 - the arguments and options of a command
    reason: Annotated[str, typer.Argument(help="why; it is told to people and recorded, and decides nothing")],
    where: Annotated[str | None, typer.Argument(metavar="[staging|production|embedded]")] = None,
    yes: Annotated[str | None, typer.Option("--yes", help="the name of the target, as an explicit yes")] = None,
    limit: Span = "15m",
    with_database: Annotated[
        bool, typer.Option("--with-database", help="also restore the last backup from before the deployment")
    ] = False,
    tries: Annotated[int, typer.Option(min=1, max=100, help="of the health validation")] = 10,
    pause: Pause = "30s",
    watch: Watch = "5m",
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Go back to the previous release. Stops after 15 minutes; safe to run twice. Exit 0 only when it is stable."""
    if not reason.strip():
        raise ConfigurationError("give a reason: people and the record will ask for it")
    releases = Releases.from_environ(os.environ)
    name = os.environ.get("RUNBOOKS_TARGET", "")
    if where is not None and where != name:
        raise RefusedError(f"this is {name!r}, not {where!r}; nothing was done")
    require_yes(
        os.environ,
        yes,
        what="this replaces the running release by the previous one" + (_loses(releases) if with_database else ""),
        again=f"beautycort rollback-manager rollback {shlex.quote(reason)}" + (" --with-database" * with_database),
    )
    longest = seconds(limit, "--limit")
    if longest > LONGEST_S:
        raise ConfigurationError("--limit: 15m is the longest a rollback may take")
    pace = Pace(longest, tries, seconds(pause, "--pause"), seconds(watch, "--watch"))
    with releases.exclusive():
        result = Rollback(os.environ, reason, pace, _tell, with_database=with_database).run()
    typer.echo(json.dumps(result, indent=1) if format is Format.JSON else _as_text(result))
    raise typer.Exit(0 if result["success"] else 1)


def _loses(releases: Releases) -> str:
    """What a restore of the database costs, for the question. A missing backup is told by the rollback itself."""
    try:
        backup = backup_before(os.environ, releases)
    except OperationError:
        return ", and the database by a backup that there is none of"
    age = datetime.now(UTC) - datetime.fromisoformat(backup.created)
    return (
        f", and the database by {backup.backup_id}, which is {age.days} days and {age.seconds / 3600:.1f} hours old: "
        "every booking, payment and customer since then is lost"
    )


def _traffic(since: datetime, minute_s: float, baseline: float | None) -> list[Criterion]:
    file = Path(required(os.environ, "LOG_DIR")["LOG_DIR"]) / "app.log"
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read ({error.strerror}): is LOG_DIR right?") from error
    if baseline is None:
        baseline = _baseline(lines, since)
    minutes = by_minute(lines, since, minute_s)
    return [errors_criterion(minutes), slow_criterion(minutes, baseline)]


def _baseline(lines: list[str], since: datetime) -> float | None:
    """Of the day before the current release was deployed; of the day before the window when none is recorded."""
    releases = Releases.from_environ(os.environ)
    deployed = releases.deployed_at(releases.current())
    until = min(deployed, since) if deployed else since
    return baseline_ms(lines, until - timedelta(days=1), until)


def _features(*, ask: bool) -> Criterion:
    name = "a critical feature is broken"
    if not ask:
        return Criterion(name, None, _NOT_ASKED)
    tests = asyncio.run(
        run_smoke_tests(os.environ, HealthSettings.from_environ(os.environ).tls(), lambda test: _tell(test.name))
    )
    failed = [test.name for test in tests if test.status == "failed"]
    skipped = [f"{test.name} ({test.error})" for test in tests if test.status == "skipped"]
    if failed:
        return Criterion(name, True, f"failed: {', '.join(failed)}")
    if skipped:
        return Criterion(name, None, f"not asked: {'; '.join(skipped)}")
    return Criterion(name, False, f"{len(tests)} smoke tests passed")


def _security() -> Criterion:
    name = "a security incident was detected"
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "me-south-1"
    try:
        client = boto3.client(
            "cloudwatch",
            region_name=region,
            endpoint_url=os.environ.get("AWS_ENDPOINT_URL") or None,
            config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2}),
        )
        pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=SECURITY_ALARMS)
        found = {alarm["AlarmName"]: alarm["StateValue"] for page in pages for alarm in page["MetricAlarms"]}
    except (BotoCoreError, ClientError) as error:
        return Criterion(name, None, f"CloudWatch does not answer: {type(error).__name__}")
    except NOT_AWS:
        return Criterion(name, None, "what answers is not CloudWatch")
    if ringing := [alarm for alarm, state in found.items() if state == "ALARM"]:
        return Criterion(name, True, f"ringing: {', '.join(ringing)}")
    if not found:
        return Criterion(name, None, f"no alarm is named {SECURITY_ALARMS}…: none could ring")
    if blind := [alarm for alarm, state in found.items() if state != "OK"]:
        return Criterion(name, None, f"no data reaches {', '.join(blind)}: that they do not ring says nothing")
    return Criterion(name, False, f"{len(found)} security alarms, and none rings")


def _report(criteria: list[Criterion], form: Format) -> None:
    fires = [each for each in criteria if each.fires]
    unknown = [each for each in criteria if each.fires is None and each.detail != _NOT_ASKED]
    advice = "roll back" if fires else "could not look everywhere" if unknown else "keep the release"
    if form is Format.JSON:
        typer.echo(json.dumps({"advice": advice, "criteria": [each.as_json() for each in criteria]}, indent=1))
    else:
        words = {True: "YES", False: "no", None: "unknown"}
        for each in criteria:
            typer.echo(f"{words[each.fires]:<9}{each.name}: {each.detail}")
        typer.echo(advice)
        if not fires and unknown:
            typer.echo("Nothing that was seen calls for a rollback. Find out what is unknown before you decide")
        if fires:
            typer.echo(f"next: beautycort rollback-manager rollback {json.dumps(fires[0].name)}")
    raise typer.Exit(1 if fires else Unreachable.exit_code if unknown else 0)


def _as_text(result: dict[str, Any]) -> str:
    lines = [f"{row['status']:<13}{row['name']:<26}{row['duration']:>8.1f} s  {row.get('error', '')}".rstrip()
             for row in result["steps"]]  # fmt: skip
    return "\n".join([*lines, f"{'OK' if result['success'] else 'FAILED'}: {result['finalStatus']}"])


def _since(window: str) -> datetime:
    try:
        moment = datetime.fromisoformat(window)
    except ValueError:
        return datetime.now(UTC) - timedelta(seconds=seconds(window, "--window"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"  … {text}\n")
