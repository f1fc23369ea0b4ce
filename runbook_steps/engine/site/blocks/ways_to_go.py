"""The decisions of a page as a diagram for Mermaid, and as a list that says the same in words. Pure.

The list is what the page holds; the diagram is drawn from its source in the browser, by a copy of Mermaid that the
site brings along, when a person opens it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbook_steps.engine.model import Runbook
from runbook_steps.engine.sources.page_file import Page
from runbook_steps.engine.sources.ways_to_go import Look, Way, decisions
from runbook_steps.engine.text.html_text import code_spans, inert, slug

__all__ = ["decision_block", "page_address"]


def decision_block(page: Page, runbook: Runbook, titles: Mapping[str, str]) -> str:
    """HTML for the decisions; empty when the page leaves none to take. `titles` are those of all pages, by stem."""
    rungs = [_rung(each, page.stem, titles) for each in decisions(page, runbook)]
    if not any(rung.condition for rung in rungs):
        return ""
    source = inert(mermaid_source(page.title, rungs)).replace("\n", "&#10;").replace(" ", "&#32;")
    items = "".join(f"<li>{_item(rung)}</li>" for rung in rungs)
    return (
        '<details class="rb-ways"><summary>Which way to go</summary>'
        f'<figure class="rb-diagram" data-diagram="{source}" tabindex="0" hidden></figure>'
        f'<ol class="rb-way-list">{items}<li>None of these: <a href="#escalation">Escalation</a></li></ol></details>'
    )


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: a look or a remedy, where it stands, and the condition for it."""

    condition: str
    label: str
    href: str
    here: bool
    then: bool = False


def _rung(each: Look | Way, stem: str, titles: Mapping[str, str]) -> Rung:
    if isinstance(each, Look):
        return Rung("", each.procedure, f"#{slug(each.procedure)}", here=True)
    if each.procedure:
        return Rung(each.condition, each.procedure, f"#{slug(each.procedure)}", here=True, then=each.then)
    path, _, anchor = each.page.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(stem), path.removesuffix(".md")))
    address = page_address(stem, target) + (f"#{anchor}" if anchor else "")
    return Rung(each.condition, titles.get(target, each.said), address, here=False)


def page_address(stem: str, target: str) -> str:
    """Where a page is, seen from another one: `a/b`, `c/d` → `../../c/d/`."""
    return posixpath.relpath(_folder(target), _folder(stem)) + "/"


def _folder(stem: str) -> str:
    return "/" + (posixpath.dirname(stem) if posixpath.basename(stem) == "index" else stem)


def _item(rung: Rung) -> str:
    link = f'<a href="{inert(rung.href)}">{code_spans(rung.label)}</a>'
    said = "Then" if rung.then else code_spans(rung.condition)
    return f"{said}: {link}" if said else link


def mermaid_source(title: str, rungs: Sequence[Rung]) -> str:
    """A flowchart, top down: each condition leads to its remedy, and on to the next one; at last to escalation.

    “next” is true whether the condition did not hold, or its remedy is done: a page may be a list of both.
    """
    return "\n".join(_lines(title, rungs)) + "\n"


def _lines(title: str, rungs: Sequence[Rung]) -> Iterator[str]:
    yield "flowchart TD"
    yield f'  start(["{_label(title)}"])'
    before, arrow = "start", "-->"
    asked = ""
    side: list[str] = []  # the remedies of the question before: now left of what comes next, now right of it
    for number, rung in enumerate(rungs, 1):
        node = f"n{number}"
        shape = f'["{_label(rung.label)}"]' if rung.here else f'(["{_label(rung.label)}"])'
        if side and (rung.then or (rung.condition and rung.condition == asked)):
            side.append(f"  n{number - 1} -->|{'then' if rung.then else 'or'}| {node}{shape}")
        else:
            name = f"q{number}" if rung.condition else node
            drawn = f'q{number}{{{{"{_label(rung.condition)}"}}}}' if rung.condition else f"{node}{shape}"
            yield from _turn(side, f"  {before} {arrow} {drawn}", number)
            side = [f"  {name} -->|yes| {node}{shape}"] if rung.condition else []
            before, arrow, asked = name, "-->|next|" if rung.condition else "-->", rung.condition
    none = "-->|none of these|" if side else arrow
    yield from _turn(side, f'  {before} {none} last(["Escalation"])', len(rungs))
    yield from (f'  click n{number} href "{rung.href}"' for number, rung in enumerate(rungs, 1))
    yield '  click last href "#escalation"'


def _turn(side: list[str], on: str, number: int) -> list[str]:
    """Mermaid places nodes as they are named: turn about, so that the ladder stays narrow."""
    return [*side, on] if number % 2 else [on, *side]


def _label(text: str) -> str:
    """Everything but letters, digits and spaces as a character code: nothing in a label is syntax."""
    return re.sub(r"[^\w ]", lambda found: f"#{ord(found[0])};", text.replace("`", ""))
