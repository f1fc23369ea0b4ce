"""A second person who approves a command that can lose data: typed by name, and never the person who runs it. Pure.

A name on a keyboard is no proof of who typed it. It makes somebody else look, and the journal says who that was.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from runbook_steps.engine.sources.people_and_levels import Contact

__all__ = ["why_not_second"]


def why_not_second(said: str, first: Iterable[str], contacts: Mapping[str, Contact]) -> str:
    """Why that name is not a second person's, empty when it is.

    `first` are the names of who runs it: a role, an account. A contact is the same person by role, name and address.
    """
    if not any(char.isalpha() for char in said):
        return "that is no name"
    mine = frozenset[str]().union(*(_known_as(name, contacts) for name in first))
    if not mine.isdisjoint(_known_as(said, contacts)):
        return f"{said} is the person who runs it: somebody else has to look"
    return ""


def _known_as(name: str, contacts: Mapping[str, Contact]) -> frozenset[str]:
    """Every word for the person of that name; two roles of one person are one."""
    found = {_plain(name)}
    for _ in contacts:  # a name leads to an address, that to another role
        before = len(found)
        for contact in contacts.values():
            words = _words(contact)
            if not found.isdisjoint(words):
                found |= words
        if len(found) == before:
            break
    return frozenset(found)


def _words(contact: Contact) -> frozenset[str]:
    """What nobody has filled in yet names no one."""
    name = () if "name" in contact.missing else (contact.name,)
    return frozenset(_plain(word) for word in (contact.role, contact.email, *name) if word)


def _plain(name: str) -> str:
    """Without capitals, doubled blanks, and characters that only look different."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
