"""`beautycort database-backup status`: is a backup young, large and proven enough? And what is none."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Annotated, Any

import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.backup_store import PREFIX, Listing, Manifest, Store
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.notifications import notify
from runbook_steps.operations.postgres_connection import Database

__all__ = ["Limits", "standing", "status", "unreadable_rows", "unusable", "warn", "warn_of_unusable"]

CHANNEL = "#backup-alerts"
_SPAN = re.compile(r"([0-9]{1,6})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_COMPARED = 5  # earlier backups whose usual size a new one is held against
_STAMP = re.compile(re.escape(PREFIX) + r"(\d{8}T\d{6}Z)")


@dataclass(frozen=True)
class Standing:
    """How the backups of one database stand. Ages in seconds, sizes in bytes; `problems` is empty when all is well."""

    newest: str | None
    age: int | None
    size: int | None
    usual_size: int | None
    verified: str | None
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """How old the newest backup and the last verification may be, and how many percent of the usual size it needs."""

    age: timedelta
    verified_age: timedelta
    percent: int


def status(
    max_age: Annotated[str, typer.Option(help="how old the newest may be: `26h`, `90m`, `2d`")] = "26h",
    max_verified_age: Annotated[str, typer.Option(help="how long ago one was verified last, at most")] = "8d",
    min_size: Annotated[int, typer.Option(help="percent of the usual size, at least", min=0, max=100)] = 50,
    tell_channel: Annotated[bool, typer.Option(help="tell #backup-alerts when something is wrong")] = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Say whether the newest backup is young, large and proven enough. Only reads. Exit 1 when it is not.

    For a timer of its own, not the one that makes the backups: what does not run cannot complain.
    """
    limits = Limits(_span(max_age, "--max-age"), _span(max_verified_age, "--max-verified-age"), min_size)
    name = Database.from_url(os.environ["DATABASE_URL"]).name if os.environ.get("DATABASE_URL") else ""
    store = Store.from_environ(os.environ)
    listing = store.listing()
    found = standing(listing.backups, name, datetime.now(UTC), limits)
    if format is Format.JSON:
        typer.echo(json.dumps({"good": not found.problems, **asdict(found), **unusable(store, listing)}, indent=1))
    else:
        typer.echo(f"newest backup: {found.newest or 'none'}" + (f", {found.size} bytes" if found.size else ""))
        typer.echo("\n".join(f"✗ {problem}" for problem in found.problems) or "✓ young, large and proven enough")
        warn_of_unusable(store, listing)
    if found.problems:
        if tell_channel:
            notify(os.environ, CHANNEL, f"Backups of {name or 'any database'}: {'; '.join(found.problems)}")
        raise typer.Exit(1)


def standing(
    backups: tuple[tuple[Manifest, str | None], ...], database: str, now: datetime,
    limits: Limits,
) -> Standing:  # fmt: skip
    """Pure. Without a `database` all backups count."""
    max_age, max_verified_age, min_percent = limits.age, limits.verified_age, limits.percent
    own = [(manifest, verified) for manifest, verified in backups if database in {"", manifest.database}]
    if not own:
        return Standing(None, None, None, None, None, ("there is no backup",))
    newest = own[0][0]
    age = now - newest.made
    earlier = [manifest.size for manifest, _ in own[1 : _COMPARED + 1]]
    usual = int(median(earlier)) if earlier else None
    verified = max((when for _, when in own if when), default=None)
    problems = []
    if age > max_age:
        problems.append(f"the newest backup is {_words(age)} old, {_words(max_age)} is the limit")
    if age < timedelta(minutes=-10):
        problems.append("the newest backup is from the future: a clock is wrong")
    if usual is not None and newest.size * 100 < usual * min_percent:
        problems.append(f"the newest backup has {newest.size} bytes, {usual} are usual: is anything missing?")
    if verified is None or now - datetime.fromisoformat(verified) > max_verified_age:
        last = f"the last was verified {verified}" if verified else "none was ever verified"
        problems.append(f"no backup was verified within {_words(max_verified_age)}: {last}")
    return Standing(newest.created, int(age.total_seconds()), newest.size, usual, verified, tuple(problems))


def unusable(store: Store, listing: Listing) -> dict[str, list[dict[str, str]]]:
    """What carries a backup's name and is none that can be used, for machines."""
    return {
        "unreadable": [{"location": store.location(k), "error": why} for k, why in listing.unreadable.items()],
        "incomplete": [{"location": store.location(k), "error": why} for k, why in listing.incomplete.items()],
    }


def warn_of_unusable(store: Store, listing: Listing) -> None:
    """The same, for people."""
    for rows in unusable(store, listing).values():
        for row in rows:
            warn(f"{row['location']} is not usable: {row['error']}")


def unreadable_rows(store: Store, listing: Listing, *, newest_only: bool) -> list[dict[str, Any]]:
    """Backups that nobody can verify, as failed ones; `newest_only`: those newer than all that can be read."""
    newest = listing.backups[0][0].key if listing.backups else ""
    return [
        {"backupId": key.removeprefix(PREFIX).partition(".")[0], "location": store.location(key), "success": False,
         "error": reason, "duration": 0.0}
        for key, reason in listing.unreadable.items()
        if not newest_only or _stamp(key) > _stamp(newest)
    ]  # fmt: skip


def _stamp(key: str) -> str:
    shape = _STAMP.match(key)
    return shape[1] if shape else ""


def warn(text: str) -> None:
    """A line that fails nothing."""
    typer.echo(f"warning: {text}", err=True)


def _span(text: str, option: str) -> timedelta:
    shape = _SPAN.fullmatch(text.strip())
    if shape is None:
        raise ConfigurationError(f"{option} is a time like `26h`, `90m` or `2d`")
    return timedelta(**{_UNITS[shape[2]]: int(shape[1])})


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} days"
    return f"{minutes // 60} h" if minutes >= 2 * 60 else f"{minutes} min"
