"""The tables of the reference pages, each made of a data file. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runbook_steps.engine.sources.people_and_levels import Contact, Link, Severity, Vendor
from runbook_steps.engine.text.html_text import markdown_text

__all__ = ["escalation_table", "link_list", "severity_table", "team_table", "vendor_table"]


def severity_table(severities: Mapping[str, Severity]) -> str:
    """Every severity, the worst first."""
    rows = (
        (f"**{_text(s.name)}**", _text(s.impact), _text(s.response), _text(s.escalation)) for s in severities.values()
    )
    return _table(("Level", "Impact", "Response time", "Escalation"), rows)


def escalation_table(severities: Mapping[str, Severity]) -> str:
    """Whom to tell, by which way, how fast and how often."""
    rows = (
        (f"**{_text(s.name)}**", f"`{s.channel}`", _text(s.escalation), _text(s.response), _text(s.updates))
        for s in severities.values()
    )
    return _table(("Severity", "Channel", "Call", "Within", "A word in the channel"), rows)


def team_table(contacts: Mapping[str, Contact]) -> str:
    """Every role: a phone number and an address that a phone can open, and who stands in."""
    rows = (
        (f"**{_text(c.role)}**", _text(c.name), _phone(c.phone), _mail(c.email), _text(c.backup))
        for c in contacts.values()
    )
    return _table(("Role", "Name", "Phone", "Email", "Backup"), rows)


def vendor_table(vendors: Mapping[str, Vendor]) -> str:
    """Every vendor: what it serves, how to reach its support."""
    rows = (
        (f"**{_text(v.name)}**", _text(v.serves), _mail(v.contact), _address(v.support), _text(v.priority))
        for v in vendors.values()
    )
    return _table(("Service", "What it serves", "Contact", "Support URL", "Priority"), rows)


def link_list(links: Mapping[str, Link], group: str) -> str:
    """The links of one group, with what they are for; empty when the group has none."""
    rows = [(f"**{_text(e.name)}**", _address(e.url), _text(e.use)) for e in links.values() if e.group == group]
    return _table(("What", "Address", "Use it for"), rows) if rows else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["", _row(head), _row(["---"] * len(head)), *(_row(row) for row in rows), ""]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    return markdown_text(text)


def _address(url: str) -> str:
    return f"[{_text(url.removeprefix('https://').rstrip('/'))}]({url})"


def _mail(address: str) -> str:
    return f"[{_text(address)}](mailto:{address})" if "@" in address else _text(address)


def _phone(number: str) -> str:
    """A number that was filled in can be called by a touch; a placeholder cannot."""
    digits = number.replace(" ", "")
    return f"[{_text(number)}](tel:{digits})" if digits.removeprefix("+").isdigit() else _text(number)
