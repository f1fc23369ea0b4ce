"""The words and signs that a page uses for values: durations, times, outcomes, risks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from runbook_steps.engine.model import Outcome, Risk
from runbook_steps.engine.proof.standing import Tone

__all__ = [
    "NO_UNDO_SAYS",
    "RISK_SAYS",
    "age",
    "commit_text",
    "duration",
    "local_time",
    "minutes",
    "outcome_tone",
    "risk_sign",
    "show_times_in",
    "sign",
]

_SHOWN_IN = [ZoneInfo("UTC")]
"""The time zone of the site, of one process as a locale is: set once, by who builds it or answers for it."""
_SIGNS: Mapping[Tone, str] = {Tone.GOOD: "✓", Tone.BAD: "✗", Tone.PARTLY: "!", Tone.NONE: "?"}
_RISK_SIGNS: Mapping[Risk, str] = {Risk.READONLY: "○", Risk.MUTATING: "◐", Risk.DESTRUCTIVE: "▲"}
_TONES: Mapping[Outcome, Tone] = {
    Outcome.PASSED: Tone.GOOD,
    Outcome.FAILED: Tone.BAD,
    Outcome.TIMED_OUT: Tone.BAD,
    Outcome.INTERRUPTED: Tone.BAD,
    Outcome.NEVER_PROVEN: Tone.NONE,
    Outcome.NOT_REACHED: Tone.NONE,
}
RISK_SAYS: Mapping[Risk, tuple[str, str]] = {
    Risk.READONLY: ("Read-only", "only reads"),
    Risk.MUTATING: ("Changes state", "and keeps its undo ready"),
    Risk.DESTRUCTIVE: ("Destructive", "can lose data or interrupt service"),
}
"""Risk → its name on the page, and what it means."""
NO_UNDO_SAYS = "and keeps no undo ready"
"""Of a procedure that changes state, and nothing takes that back by itself."""


def sign(tone: Tone) -> str:
    """A sign that tells the tone without colour."""
    return _SIGNS[tone]


def risk_sign(risk: Risk) -> str:
    """A sign that tells the risk without colour."""
    return _RISK_SIGNS[risk]


def outcome_tone(outcome: Outcome) -> Tone:
    """How to take an outcome; one that neither passed nor failed is `partly`."""
    return _TONES.get(outcome, Tone.PARTLY)


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:  # noqa: PLR2004 - below ten seconds, one decimal tells something
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def minutes(count: int) -> str:
    """`about 15 min`, `about 2 h`."""
    return f"about {duration(count * 60)}"


def show_times_in(zone: ZoneInfo) -> None:
    """From now on `local_time` speaks of this zone."""
    _SHOWN_IN[0] = zone


def local_time(iso: str) -> str:
    """An ISO 8601 time as `2026-11-23 18:00 (UTC)`, in the site's zone; what cannot be read is shown as it is."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    if at.tzinfo is None:
        return iso
    return f"{at.astimezone(_SHOWN_IN[0]):%Y-%m-%d %H:%M} ({_SHOWN_IN[0].key})"


def age(iso: str, now: datetime) -> str:
    """`today`, `1 day`, `12 days` between an ISO 8601 time and now (with a time zone); empty when it is no time."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return ""
    if at.tzinfo is None:
        return ""
    days = max(0, (now - at).days)
    return "today" if days == 0 else f"{days} day" + ("s" if days > 1 else "")


def commit_text(commits: tuple[str, ...], *, dirty: bool) -> str:
    """`commit abc1234`, `2 commits`, with what was not committed."""
    shown = f"commit {commits[0][:7]}" if len(commits) == 1 else f"{len(commits)} commits"
    return shown + (" + uncommitted changes" if dirty else "")
