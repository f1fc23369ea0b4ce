"""What is wrong in a feature that the parser of Gherkin cannot read, told to whom wrote it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from gherkin.errors import ParserException, UnexpectedEOFException, UnexpectedTokenException

from runbook_steps.engine.errors import FeatureError, Position

__all__ = ["feature_error"]

_KEYWORDS = ("Given", "When", "Then", "And", "But", "Scenario", "Scenario Outline", "Feature", "Background", "Examples")
_WANTED = {
    "#FeatureLine": "the file begins with `Feature:` and its title",
    "#StepLine": "a step begins with Given, When, Then, And or But",
    "#TagLine": "a scenario begins with `Scenario:` and its name",
}


def feature_error(error: ParserException, path: str) -> FeatureError:
    """What the parser says, in words of this project, with its place."""
    location: Mapping[str, Any] | None = error.location
    line = int(location["line"]) if location else 1
    said = re.sub(r"^\(\d+:\d+\): ", "", str(error))
    if isinstance(error, UnexpectedTokenException):
        expected, _, line_there = said.partition(", got '")
        said = _not_understood(line_there.removesuffix("'").strip(), expected)
    elif isinstance(error, UnexpectedEOFException):
        said = 'it ends too early: a block that """ opens is not closed, or tags have no scenario'
    return FeatureError(Position(path, line), said)


def _not_understood(line: str, expected: str) -> str:
    """The line, what could stand there, and the keyword that was meant, where it begins with one that is mistyped."""
    word = line.partition(" ")[0]
    meant = difflib.get_close_matches(word.strip(":").title(), _KEYWORDS, n=1, cutoff=0.6)
    hint = f"; did you mean “{meant[0]}”?" if meant and meant[0] != word.strip(":") else ""
    wanted = next((text for token, text in _WANTED.items() if token in expected), _WANTED["#StepLine"])
    return f"“{line}” does not belong here: {wanted}{hint}"
