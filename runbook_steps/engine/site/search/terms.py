"""Text → the terms that the index holds and that a question is made of. Pure.

`worker.js` does the same in the browser: whoever changes one changes both, and a test compares their answers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

__all__ = ["STOP_WORDS", "concepts_of", "stem", "terms", "words"]

LONGEST_PHRASE = 4
"""Words of the longest phrase that may mean the same as another."""
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’](?=[^\W\d_])")
_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u0640\u0621\u0626]")
_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ؤ": "و"})
_HUMP = re.compile(r"([a-z])([A-Z])")
_HEAD = re.compile(r"([A-Z]+)([A-Z][a-z])")
_ARABIC = re.compile("[\u0600-\u06ff]")


def words(text: str) -> Iterator[tuple[str, str]]:
    """Each word as `(stem, whole)`: `HighErrorRate` gives high, error and rate; `whole` is its own at the first."""
    plain = _MARKS.sub("", _APOSTROPHE.sub("", text)).translate(_LETTERS)
    for found in re.finditer(r"[^\W_]+", plain):
        yield from _parts(found[0])


@functools.lru_cache(maxsize=1 << 16)  # a language has few words, and a site says them again on every page
def _parts(word: str) -> tuple[tuple[str, str], ...]:
    parts = _HEAD.sub(r"\1 \2", _HUMP.sub(r"\1 \2", word)).lower().split(" ")
    whole = word.lower() if len(parts) > 1 else ""
    return tuple((stem(part), "" if number else whole) for number, part in enumerate(parts))


def stem(word: str) -> str:
    """A word without its ending, so that its forms meet: expires, expired and expiring. Rough on purpose."""
    if _ARABIC.search(word):
        return _arabic(word)
    if len(word) > 4 and word.endswith("ies"):  # noqa: PLR2004 - as the two below: what is left must be a word
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):  # noqa: PLR2004
        word = word[:-1]
    if len(word) > 5 and word.endswith("ing"):  # noqa: PLR2004
        word = _single(word[:-3])
    elif len(word) > 4 and word.endswith("ed"):  # noqa: PLR2004
        word = _single(word[:-2])
    return word[:-1] if len(word) > 4 and word.endswith("e") else word  # noqa: PLR2004


def _single(word: str) -> str:
    """Stopped is stop; full stays full."""
    return word[:-1] if word[-1:] == word[-2:-1] and word[-1:] not in "lsz" else word


def _arabic(word: str) -> str:
    for article in ("وال", "بال", "لل", "ال"):
        if word.startswith(article) and len(word) - len(article) >= 3:  # noqa: PLR2004
            word = word[len(article) :]
            break
    for ending in ("ات", "ون", "ين", "ة", "ه"):
        if word.endswith(ending) and len(word) - len(ending) >= 2:  # noqa: PLR2004
            return word[: -len(ending)]
    return word


def concepts_of(same: Iterable[Iterable[str]]) -> Mapping[str, str]:
    """Each phrase, its words stemmed → the concept that its group stands for."""
    found: dict[str, str] = {}
    for number, group in enumerate(same):
        for phrase in group:
            found.setdefault(" ".join(word for word, _ in words(phrase)), f"~{number}")
    return found


STOP_WORDS = frozenset(
    word
    for word, _ in words(
        "a an and are as at be been but by did do does for from had has have how i if in is it its me my of on or our "
        "so that the their them then there they this to us was we were what when where which while who why will with "
        "you your في من على الى هو هي ما لا هل عن مع هذا هذه تم"
    )
)
"""Words that lead nobody."""


def terms(text: Sequence[str], concepts: Mapping[str, str]) -> Iterator[tuple[str, int, int]]:
    """What stems in their order say: `(term, first word, words it took)`; a phrase that is a concept is one term.

    Then each pair of neighbours as one term more, joined by a space; what leads nobody is passed over.
    """
    kept, at = [], 0
    while at < len(text):
        length = next((n for n in range(LONGEST_PHRASE, 0, -1) if " ".join(text[at : at + n]) in concepts), 0)
        term = concepts[" ".join(text[at : at + length])] if length else text[at]
        if term not in STOP_WORDS:
            kept.append((term, at, max(length, 1)))
        at += max(length, 1)
    yield from kept
    for (first, begin, _), (second, start, length) in pairwise(kept):
        yield f"{first} {second}", begin, start + length - begin
