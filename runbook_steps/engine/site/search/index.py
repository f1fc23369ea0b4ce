"""The project → the index of words that the site and the Model Context Protocol both ask. Pure.

Its shape, as JSON: `pages` are `[stem, weight]`; `terms` name `[rarity, page, strength, page, strength, …]`, a page by
its place in `pages`; `same` are the phrases that mean one thing, `stop` the words that lead nobody, `aside` the
patterns of what stands around a message.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runbook_steps.engine.model import Runbook
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.site.search.aside import ASIDE
from runbook_steps.engine.site.search.terms import STOP_WORDS, concepts_of, terms, words
from runbook_steps.engine.site.search_weights import page_weight
from runbook_steps.engine.sources.page_file import Page

__all__ = ["make_index"]

LEAST_WEIGHT = 0.2
"""A page that counts less is not in the index: decisions, what is about this project, and pages of links."""
_SAID, _NAME, _SHOWN, _STEP, _COMMAND, _TEXT, _ASIDE = 4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.15
_WHOLE = frozenset({_SAID, _NAME, _COMMAND})
"""Where pairs of words and numbers lead: in a message, a name, a saying or a command, which people paste whole."""
_MARKUP = re.compile(r"\{\{.*?\}\}|\]\([^)]*\)|<[^>]+>")
_NUMBER = re.compile(r"\d+")


def make_index(project: Project) -> dict[str, Any]:
    """The index, ready to be written as JSON."""
    concepts = concepts_of(project.sayings.same)
    pages, strengths = [], list[Mapping[str, float]]()
    for page in project.pages:
        runbook = project.runbook(page.stem)
        weight = page_weight(page.path.removeprefix("docs/"), project.order.search, runbook=runbook is not None)
        if weight >= LEAST_WEIGHT:
            pages.append([page.stem, weight])
            strengths.append(_strengths(_fields(project, page, runbook), concepts))
    found = {"pages": pages, "terms": _terms(strengths), "same": dict(concepts)}
    return {**found, "stop": sorted(STOP_WORDS), "aside": list(ASIDE)}


def spoken(text: str, concepts: Mapping[str, str]) -> Iterator[str]:
    """Every term of a text: words, whole names, concepts, and neighbours as pairs."""
    found = list(words(text))
    stems = [word for word, _ in found]
    yield from (word for word in stems if word not in STOP_WORDS)
    for _, whole in found:
        if whole:
            yield whole
            if whole in concepts:
                yield concepts[whole]
    yield from (term for term, _, _ in terms(stems, concepts) if term not in stems)


_Field = tuple[float, str]


def _fields(project: Project, page: Page, runbook: Runbook | None) -> Iterator[_Field]:
    """What stands on the page and what people say of it, each with how much a word there counts."""
    front = runbook.front_matter if runbook else None
    yield _NAME, str(page.head.values.get("title") or page.title)
    if runbook is not None and front is not None:
        yield _NAME, front.id
        yield from ((_SAID, each) for each in (*front.alerts, *front.errors, *front.symptoms))
        yield from ((_SAID, each) for each in project.sayings.said.get(front.id, ()))
        yield from ((_SHOWN, project.alerts[name].means) for name in front.alerts if name in project.alerts)
        yield from ((_TEXT, service) for service in front.services)
    if runbook is not None:
        for procedure in runbook.procedures:
            yield _STEP, procedure.name
            yield from ((_TEXT, step.text) for step in procedure.steps)
            yield from ((_COMMAND, command.text) for command in procedure.commands)
    yield from _texts(page)


def _texts(page: Page) -> Iterator[_Field]:
    """The sections; what they say of other situations and other versions hardly counts."""
    for section in page.sections:
        weight = {"Use this when": _SHOWN, "Background": _ASIDE}.get(section.title, _TEXT)
        yield _TEXT, section.title
        for line in _MARKUP.sub(" ", section.text).split("\n"):
            yield _ASIDE if line.startswith("**Not when**") else weight, line
    if not page.sections:
        yield _TEXT, _MARKUP.sub(" ", "\n".join(page.lines[page.head.length :]))


def _strengths(fields: Iterable[_Field], concepts: Mapping[str, str]) -> dict[str, float]:
    """Each term → how much it says of the page: where it stands at its best, and a little for how often."""
    best: dict[str, float] = defaultdict(float)
    times: dict[str, int] = defaultdict(int)
    for weight, text in fields:
        for term in spoken(text, concepts):
            if weight not in _WHOLE and (" " in term or _NUMBER.fullmatch(term)):
                continue
            best[term] = max(best[term], weight)
            times[term] += 1
    return {term: weight * (1 + math.log(times[term]) / 8) for term, weight in best.items()}


def _terms(strengths: list[Mapping[str, float]]) -> dict[str, list[float]]:
    """Each term with its rarity. A page where it hardly counts hardly makes it less rare."""
    of_term: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, page in enumerate(strengths):
        for term, strength in page.items():
            of_term[term].append((number, strength))
    found = {}
    for term, places in sorted(of_term.items()):
        most = max(strength for _, strength in places)
        held = sum(strength / most for _, strength in places)
        rarity = math.log(1 + (len(strengths) - held + 0.5) / (held + 0.5))
        found[term] = [round(rarity, 3), *(n for place, s in places for n in (place, round(s, 2)))]
    return found
