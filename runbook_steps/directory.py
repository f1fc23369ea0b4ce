"""The two data files that pages refer to: severities and contacts. Text → values, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from runbook_steps.errors import PageError, Position

__all__ = ["Contact", "Severity", "parse_contacts", "parse_severities"]

_SEVERITY_WORDS = ("impact", "response", "escalation")
_CONTACT_WORDS = ("name", "phone", "email", "backup")


@dataclass(frozen=True)
class Severity:
    """How bad it is. `escalate_to` are roles of the contacts, `response` and `escalation` are words."""

    name: str
    impact: str
    response: str
    escalation: str
    escalate_to: tuple[str, ...]


@dataclass(frozen=True)
class Contact:
    """A role and how to reach it."""

    role: str
    name: str
    phone: str
    email: str
    backup: str


def parse_severities(text: str, path: str) -> Mapping[str, Severity]:
    """Name → severity, the worst first. Raises PageError for a file that is not as it should be."""
    found: dict[str, Severity] = {}
    for key, entry, position in _entries(text, path, "levels"):
        to = entry.get("escalate_to", [])
        if not isinstance(to, list):
            raise PageError(position, f"`escalate_to` of {key} must be a list of roles")
        words = {name: _word(entry, key, name, position) for name in _SEVERITY_WORDS}
        found[key] = Severity(name=key, escalate_to=tuple(str(contact) for contact in to), **words)
    return found


def parse_contacts(text: str, path: str) -> Mapping[str, Contact]:
    """Role → contact. Raises PageError for a file that is not as it should be."""
    return {
        key: Contact(role=key, **{name: _word(entry, key, name, position) for name in _CONTACT_WORDS})
        for key, entry, position in _entries(text, path, "team")
    }


def _entries(text: str, path: str, top: str) -> list[tuple[str, Mapping[str, Any], Position]]:
    try:
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PageError(Position(path, line), f"not YAML: {error.problem}") from error
    table = document.get(top) if isinstance(document, dict) else None
    if not isinstance(table, dict) or not table:
        raise PageError(Position(path, 1), f"needs a mapping `{top}:` of key → entry")
    lines = text.splitlines()
    entries: list[tuple[str, Mapping[str, Any], Position]] = []
    for key, entry in table.items():
        line = next((n for n, shown in enumerate(lines, 1) if shown.strip().startswith(f"{key}:")), 1)
        if not isinstance(entry, dict):
            raise PageError(Position(path, line), f"{key} needs a mapping")
        entries.append((str(key), entry, Position(path, line)))
    return entries


def _word(entry: Mapping[str, Any], key: str, name: str, position: Position) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value.strip():
        raise PageError(position, f"{key} needs `{name}:`, in words")
    return value.strip()
