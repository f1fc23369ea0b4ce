"""From what is found to what helps: the way through a runbook, read from its page. Pure.

Nothing is drawn by hand. Under Diagnosis every procedure is a look; a link there, and under Mitigation every procedure
and every link, is a way to go, under the condition that the page states before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runbook_steps.engine.model import Runbook
from runbook_steps.engine.sources.page_file import Page

__all__ = ["LONGEST", "Look", "Way", "decisions"]

LONGEST = 90
"""Characters of a condition; what is longer is cut at a word. The page has the whole of it."""

_HEADING_LEFT = 3  # line ends in a row where a deeper heading was taken out of the section's text
_CALL = re.compile(r"""^\{\{\s*procedure\(\s*(["'])(?P<name>.*)\1\s*\)\s*\}\}$""")
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+\.md(?:#[\w-]+)?)\)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`“\[0-9*])")
_LEADS_ON = re.compile(r"(?:[,;:–-]|\b(?:and|see|go to|the|next is|first|is|to|a|with|by))+\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Look:
    """A procedure that finds something out."""

    procedure: str


@dataclass(frozen=True)
class Way:
    """Where to go when the condition holds: a procedure of this page, or a page (`../a/b.md`, with its link's text).

    Without a condition it is simply what comes next; with `then`, what comes next on the way before it.
    """

    condition: str
    procedure: str = ""
    page: str = ""
    said: str = ""
    then: bool = False


def decisions(page: Page, runbook: Runbook) -> tuple[Look | Way, ...]:
    """The looks and the ways in the order of the page."""
    known = {procedure.name for procedure in runbook.procedures}
    found: list[Look | Way] = []
    for title in ("Diagnosis", "Mitigation"):
        section = page.section(title)
        if section is not None:
            found += _section(section.text, known, looks=title == "Diagnosis")
    return tuple(found)


def _section(text: str, known: set[str], *, looks: bool) -> Iterator[Look | Way]:
    lead = ""
    first: list[Way] = []  # what is said before the first look is about what it will show
    waiting = looks
    on_a_way = False  # a condition holds until the page states the next one
    for block in re.split(r"(\n\s*\n)", text):
        call = _CALL.match(block.strip())
        if not block.strip():
            on_a_way = on_a_way and block.count("\n") < _HEADING_LEFT
        elif call is None:
            ways = tuple(_ways(block))
            first += ways if waiting else ()
            yield from () if waiting else ways
            lead = _lead(block) or lead
        elif call["name"] in known:
            yield Look(call["name"]) if looks else Way(lead, procedure=call["name"], then=on_a_way and not lead)
            yield from first
            on_a_way = on_a_way or bool(lead)
            lead, first, waiting = "", [], False
    yield from first


def _lead(block: str) -> str:
    """The first sentence of a paragraph, or the last one when the first leads elsewhere; no table, no list."""
    if re.match(r"\s*(?:[!?]{3}|\||[-*] |\s{4})", block):
        return ""
    sentences = _SENTENCE.split(" ".join(block.split()))
    return _words(sentences[-1 if _LINK.search(sentences[0]) else 0])


def _ways(block: str) -> Iterator[Way]:
    for line in _lines(block):
        for sentence in _SENTENCE.split(line):
            before = ""
            for link in _LINK.finditer(sentence):
                before = before or _condition(sentence, link.start())
                yield Way(before, page=link["target"], said=_words(link["text"]))


def _lines(block: str) -> Iterator[str]:
    """Rows of a table and items of a list each stand alone; the lines of a paragraph are one."""
    rows = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith(("!!!", "???"))]
    if all(row.startswith("|") for row in rows):
        for row in rows:
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            yield f"{cells[0]}: {' '.join(cells[1:])}"
    elif all(row.startswith(("- ", "* ")) for row in rows):
        yield from (re.sub(r"^[-*] (?:\[[ x]\] )?", "", row) for row in rows)
    else:
        yield " ".join(rows)


def _condition(sentence: str, link_at: int) -> str:
    """What stands before the colon that leads to the link, or before the link itself, or the whole sentence."""
    before = sentence[:link_at]
    head, colon, _ = before.rpartition(":")
    said = _words(head if colon else before)
    while (shorter := _LEADS_ON.sub("", said).strip()) != said:
        said = shorter
    return said or _words(sentence)


def _words(text: str) -> str:
    plain = re.sub(r"\*\*|__|^\[[ x]\] ", "", _LINK.sub(lambda link: link["text"], text))
    line = " ".join(plain.split()).strip(" .:,;")
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rsplit(' ', 1)[0]} …"
