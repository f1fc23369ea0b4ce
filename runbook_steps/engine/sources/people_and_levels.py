"""The data files that pages refer to: severities, contacts, vendors, links. Text → values, pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.text.data_file import NOT_YAML, not_yaml
from runbook_steps.engine.text.yaml_text import loaded

__all__ = [
    "Contact",
    "Link",
    "Severity",
    "Vendor",
    "parse_contacts",
    "parse_links",
    "parse_severities",
    "parse_vendors",
    "url_problem",
]

_SEVERITY_WORDS = ("impact", "response", "escalation")
_CONTACT_WORDS = ("name", "phone", "email", "backup")
_VENDOR_WORDS = ("contact", "support", "priority", "serves")
_LINK_WORDS = ("group", "url", "use")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)


@dataclass(frozen=True)
class Severity:
    """How bad it is. `escalate_to` are roles of the contacts, the other fields are words; the last two may be empty.

    `channel` is where it is announced, `updates` how often customers and colleagues hear of it.
    """

    name: str
    impact: str
    response: str
    escalation: str
    escalate_to: tuple[str, ...]
    channel: str = ""
    updates: str = ""


@dataclass(frozen=True)
class Contact:
    """A role and how to reach it."""

    role: str
    name: str
    phone: str
    email: str
    backup: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of name, phone and backup is still the template's: `[Name]`, `XXX XXXX`."""
        found = {"name": self.name, "phone": self.phone, "backup": self.backup}
        return tuple(key for key, value in found.items() if not value or value.startswith("[") or "XXX" in value)


@dataclass(frozen=True)
class Vendor:
    """A company whose part the platform depends on: `support` is the address of its support, `serves` what it does."""

    name: str
    contact: str
    support: str
    priority: str
    serves: str


@dataclass(frozen=True)
class Link:
    """An address outside this site, and what a person on call uses it for."""

    name: str
    group: str
    url: str
    use: str


def parse_severities(text: str, path: str) -> Mapping[str, Severity]:
    """Name → severity, the worst first. Raises PageError for a file that is not as it should be."""
    found: dict[str, Severity] = {}
    for key, entry, position in _entries(text, path, "levels"):
        to = entry.get("escalate_to", [])
        if not isinstance(to, list):
            raise PageError(position, f"`escalate_to` of {key} must be a list of roles")
        words = {name: _word(entry, key, name, position) for name in _SEVERITY_WORDS}
        words |= {name: _word(entry, key, name, position) for name in ("channel", "updates") if name in entry}
        found[key] = Severity(name=key, escalate_to=tuple(str(contact) for contact in to), **words)
    return found


def parse_contacts(text: str, path: str) -> Mapping[str, Contact]:
    """Role → contact. Raises PageError for a file that is not as it should be."""
    return {
        key: Contact(role=key, **{name: _word(entry, key, name, position) for name in _CONTACT_WORDS})
        for key, entry, position in _entries(text, path, "team")
    }


def parse_vendors(text: str, path: str) -> Mapping[str, Vendor]:
    """Name → vendor; none when the file names none. Raises PageError for a file that is not as it should be."""
    found: dict[str, Vendor] = {}
    for key, entry, position in _entries(text, path, "vendors", optional=True):
        words = {name: _word(entry, key, name, position) for name in _VENDOR_WORDS}
        _refuse_bad_url(words["support"], key, position)
        found[key] = Vendor(name=key, **words)
    return found


def parse_links(text: str, path: str) -> Mapping[str, Link]:
    """Name → link. Raises PageError for a file that is not as it should be."""
    found: dict[str, Link] = {}
    for key, entry, position in _entries(text, path, "links"):
        words = {name: _word(entry, key, name, position) for name in _LINK_WORDS}
        _refuse_bad_url(words["url"], key, position)
        found[key] = Link(name=key, **words)
    return found


def url_problem(url: str) -> str:
    """Why an external address is not well formed; empty when it is. Nothing is fetched."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme != "https":
        return "is not https"
    if parts.username or parts.password:
        return "holds a user or a password"
    if not _HOST.fullmatch(host):
        return "has no host name"
    return "holds a blank" if re.search(r"\s", url) else ""


def _refuse_bad_url(url: str, key: str, position: Position) -> None:
    if problem := url_problem(url):
        raise PageError(position, f"{key}: the address {problem}")


def _entries(
    text: str, path: str, top: str, *, optional: bool = False
) -> list[tuple[str, Mapping[str, Any], Position]]:
    try:
        document = loaded(text)
    except NOT_YAML as error:
        raise not_yaml(path, text, error) from error
    table = document.get(top) if isinstance(document, dict) else None
    if optional and isinstance(document, dict) and top not in document:
        return []
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
