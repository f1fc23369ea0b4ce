"""A question → the pages that help, the best first. Pure; `worker.js` does the same in the browser."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runbook_steps.engine.site.search.aside import said_in
from runbook_steps.engine.site.search.terms import stem, terms, words

__all__ = ["ranked"]

BEGUN, SLIP = 0.6, 0.7
"""How much a word counts of which only the beginning was typed, and one with a slip of the hand."""
SHOWN = 2.0
"""The least strength of a word that a name, a message, a saying or the situation has."""
MOST_BEGUN = 8
"""Words that one beginning may stand for."""
_LONGEST_JOINED = 24
"""Letters of two words that were typed as one."""
_SHORT, _LONG = 4, 8  # letters: from the first one slip is forgiven, from the second two


def ranked(index: Mapping[str, Any], question: str) -> list[str]:
    """The stems of the pages that share a word with the question, the best first."""
    asked, unknown, known = _asked(index, question)
    most = sum(index["terms"][term][0] * quality for term, quality in asked.items())
    score, met, surest = [0.0] * len(index["pages"]), [0.0] * len(index["pages"]), 0.0
    for term, quality in asked.items():
        rarity, *places = index["terms"][term]
        for place, strength in zip(places[::2], places[1::2], strict=True):
            score[place] += rarity * quality * strength
            met[place] += rarity * quality
            surest = max(surest, strength)
    if surest < SHOWN and unknown >= known:
        return []  # a common word of a text about something else
    found = [
        (value * weight * (0.5 + 0.5 * met[place] / most), stem)
        for place, ((stem, weight), value) in enumerate(zip(index["pages"], score, strict=True))
        if value > 0
    ]
    return [stem for _, stem in sorted(found, key=lambda pair: (-pair[0], pair[1]))]


def _asked(index: Mapping[str, Any], question: str) -> tuple[dict[str, float], int, int]:
    """The terms of the index that the question names → how surely; how many of its words are unknown, and known."""
    known, concepts = index["terms"], index["same"]
    spelled = _spelled(index)
    found = [each for word in words(said_in(question)) for each in _apart(index, spelled, *word)]
    meant = [_meant(spelled, word) for word, _ in found]
    asked: dict[str, float] = {}

    def ask(term: str, quality: float) -> None:
        if term in known:
            asked[term] = max(asked.get(term, 0.0), quality)

    stems = [each[0][0] for each in meant]
    surely = [each[0][1] for each in meant]
    for each in meant:
        for word, quality in each:
            if word not in index["stop"]:
                ask(word, quality)
    for _, whole in found:
        if whole:
            ask(whole, 1.0)
            ask(concepts.get(whole, ""), 1.0)
    for term, first, length in terms(stems, concepts):
        ask(term, min(surely[first : first + length]))
    unknown = sum(word not in spelled for word in stems)
    return asked, unknown, len(stems) - unknown


def _spelled(index: Mapping[str, Any]) -> frozenset[str]:
    """Every word that the index can read."""
    single = {term for term in index["terms"] if " " not in term and not term.startswith("~")}
    return frozenset(single.union(index["stop"], *(phrase.split(" ") for phrase in index["same"])))


def _apart(index: Mapping[str, Any], spelled: Collection[str], word: str, whole: str) -> Iterator[tuple[str, str]]:
    """The word itself, or two that were typed as one and stand beside each other on a page: `diskspace`."""
    if word not in spelled and word.isalpha() and len(word) <= _LONGEST_JOINED:
        for cut in range(_SHORT - 1, len(word) - _SHORT + 2):
            first, rest = stem(word[:cut]), word[cut:]
            for second in (stem(rest), f"{rest}e"):  # the stem of a long word has lost what a short one keeps
                if first in spelled and second in spelled and _beside(index, first, second):
                    yield from ((first, whole), (second, ""))
                    return
    yield word, whole


def _beside(index: Mapping[str, Any], first: str, second: str) -> bool:
    return any(" " in term and term in index["terms"] for term, _, _ in terms([first, second], index["same"]))


def _meant(spelled: Collection[str], word: str) -> list[tuple[str, float]]:
    """The word itself when it is known; else those that begin with it, else those a slip of the hand away."""
    if word in spelled or not word.isalpha() or len(word) < _SHORT - 1:
        return [(word, 1.0)]
    if begun := sorted(each for each in spelled if each.startswith(word))[:MOST_BEGUN]:
        return [(each, BEGUN) for each in begun]
    allowed = 0 if len(word) < _SHORT else 1 if len(word) < _LONG else 2
    near = [
        (_slips(word, each), each) for each in spelled if each[0] == word[0] and abs(len(each) - len(word)) <= allowed
    ]
    best = min((slips for slips, _ in near), default=allowed + 1)
    return [(each, SLIP) for slips, each in sorted(near) if slips == best <= allowed] or [(word, 1.0)]


def _slips(one: str, other: str) -> int:
    """Letters that were added, left out, mistaken, or swapped with their neighbour."""
    before, row = list[int](), list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, last, row = row, before, [at]
        for to, wanted in enumerate(other, 1):
            row.append(min(before[to] + 1, row[-1] + 1, before[to - 1] + (letter != wanted)))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                row[to] = min(row[to], last[to - 2] + 1)
    return row[-1]
