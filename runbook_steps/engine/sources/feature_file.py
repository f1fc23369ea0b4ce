"""Gherkin text → model. The features are parsed by `gherkin-official`; the rules of the house are added here.

A step that ends with a colon holds a command, in a docstring with its media type:

    When I measure the memory that Redis uses:            30 seconds, must succeed
    When I restore the backup (within 5 minutes):         its own time limit
    When I try to restore without a confirmation:         may fail; a Then looks at how
    When I remove the old file (the undo ends here):      behind it nothing that is kept ready can be undone
    When a person looks at the error chart                manual: only a person can do it

What is read here is what is shown and what runs: pytest-bdd is given these steps, and reads no feature of its own.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from gherkin.dialect import Dialect
from gherkin.errors import CompositeParserException, ParserException
from gherkin.parser import Parser

from runbook_steps.engine.errors import FeatureError, Position
from runbook_steps.engine.model import Command, Procedure, Risk, Role, Row, Runbook, Step
from runbook_steps.engine.sources.gherkin_error import feature_error
from runbook_steps.engine.sources.good_without import GoodWithout, declared_good_without
from runbook_steps.engine.sources.harmless import Harmless, declared_harmless
from runbook_steps.engine.sources.outline import (
    examples_of,
    filled,
    refuse_other_shape,
    refuse_useless_outline,
    row_name,
)
from runbook_steps.engine.sources.parse_rules import refuse_too_long, time_limit_s

__all__ = ["BYTE_ORDER_MARK", "COMMAND_STEP", "MANUAL_STEP", "MARKED", "parse_feature", "stem_of"]

MEDIA_TYPES = ("bash", "sql")
COMMAND_STEP = re.compile(
    r"I (?:(?P<may_fail>try to )|(?P<undo>get ready to ))?(?P<purpose>.+?)(?P<ends_undo> \(the undo ends here\))?"
    r"(?: \(within (?P<limit>\d+) (?P<unit>second|minute)s?\))?:"
)
MANUAL_STEP = re.compile(r"a person (?P<what>.+)")
_ROLES = {"Context": Role.GIVEN, "Action": Role.WHEN, "Outcome": Role.THEN}
_SHORTEST_WORD = 4  # letters of a keyword in another language that a mistyped one is compared with
BYTE_ORDER_MARK = "\ufeff"
MARKED = "begins with a byte order mark, which some editors add: save it as UTF-8 without one (BOM)"
_UNSAFE_IN_A_NAME = re.compile(r"::|[\[\]\x00-\x1f]")


def parse_feature(text: str, path: str, *, default_timeout_s: float = 30.0) -> Runbook:
    """The runbook that a feature's text describes; `path` is relative to the project.

    Raises FeatureError, with file and line, for text that is not Gherkin or breaks a rule.
    """
    if text.startswith(BYTE_ORDER_MARK):
        raise FeatureError(Position(path, 1), MARKED)
    document = _gherkin(text, path)
    feature = document.get("feature")
    if feature is None:
        raise FeatureError(Position(path, 1), "no `Feature:` here; start the file with one")
    above = (document.get("comments", ()), tuple(_step_lines(feature)), path)
    declared = (declared_harmless(*above), declared_good_without(*above))
    walker = _Walker(path, text.splitlines(), default_timeout_s, feature["language"], declared)
    procedures = tuple(walker.procedures(feature))
    walker.refuse_duplicates(procedures)
    return Runbook(
        stem=stem_of(path),
        feature_path=path,
        name=feature["name"],
        description=_dedent(feature.get("description", "")),
        procedures=procedures,
    )


def stem_of(path: str) -> str:
    """`features/redis/full.feature` → `redis/full`: what page and feature share."""
    parts = PurePosixPath(path).with_suffix("").parts
    return "/".join(parts[1:] if parts and parts[0] in {"features", "docs"} else parts)


def _text_hash(procedure: Procedure) -> str:
    """SHA-256 (hex) of what the scenario says: a changed command, step, tag or example changes it."""
    said = [procedure.name, *sorted(procedure.tags)]
    for step in procedure.steps:
        said += [step.role, step.text, step.said, repr(step.table)]
        if step.command:
            said += [step.command.media_type, step.command.text, str(step.command.timeout_s)]
    said.append(repr(procedure.examples))
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def _gherkin(text: str, path: str) -> Mapping[str, Any]:
    try:
        document: Mapping[str, Any] = Parser().parse(text)
    except CompositeParserException as error:
        raise feature_error(error.errors[0], path) from error
    except ParserException as error:
        raise feature_error(error, path) from error
    return document


def _step_lines(node: Mapping[str, Any]) -> Iterator[int]:
    for child in node.get("children", ()):
        for part in child.values():
            yield from (int(step["location"]["line"]) for step in part.get("steps", ()))
            yield from _step_lines(part)


class _Walker:
    """Turns one parsed feature into procedures; holds only where it is."""

    def __init__(
        self,
        path: str,
        lines: Sequence[str],
        default_timeout_s: float,
        language: str,
        declared: tuple[Mapping[int, Harmless], Mapping[int, GoodWithout]],
    ) -> None:
        self._path = path
        self._harmless, self._good_without = declared
        self._lines = lines
        self._timeout_s = default_timeout_s
        dialect = Dialect.for_name(language)
        if dialect is None:  # pragma: no cover - the parser has refused it
            raise AssertionError
        self._outline_words = frozenset(dialect.scenario_outline_keywords) - frozenset(dialect.scenario_keywords)
        self._step_words = tuple(_step_words(dialect, language))

    def procedures(self, feature: Mapping[str, Any]) -> Iterator[Procedure]:
        yield from self._children(feature, self._tags(feature), ())

    def _children(
        self, parent: Mapping[str, Any], tags: frozenset[str], background: tuple[Step, ...]
    ) -> Iterator[Procedure]:
        for child in parent["children"]:
            if "background" in child:
                background = background + self._background(child["background"])
            elif "rule" in child:
                yield from self._children(child["rule"], tags | self._tags(child["rule"]), background)
            else:
                yield self._procedure(child["scenario"], tags, background)

    def _background(self, node: Mapping[str, Any]) -> tuple[Step, ...]:
        self._refuse_swallowed_step(node)
        steps = tuple(self._steps(node, from_background=True))
        for step in steps:
            if step.role is not Role.GIVEN:
                raise FeatureError(step.position, "a Background holds Given only; move this into a scenario")
        return steps

    def _procedure(self, node: Mapping[str, Any], inherited: frozenset[str], background: tuple[Step, ...]) -> Procedure:
        position = self._position(node)
        name = node["name"].strip()
        if not name or _UNSAFE_IN_A_NAME.search(name):
            raise FeatureError(position, "a scenario needs a name, without `::`, `[` and `]`")
        tags = inherited | self._tags(node)
        self._refuse_swallowed_step(node)
        steps = (*background, *self._steps(node))
        if not any(step.role is Role.THEN and not step.manual for step in steps):
            raise FeatureError(
                position, "checks nothing: it needs a Then that a machine reads back, or it proves nothing"
            )
        examples = examples_of(node, self._path)
        outline = node["keyword"].strip() in self._outline_words
        refuse_useless_outline(examples, background, node["steps"], position, outline=outline)
        procedure = Procedure(
            name=name,
            description=_dedent(node.get("description", "")),
            risk=self._risk(tags, position),
            tags=tags,
            steps=steps,
            position=position,
            examples=examples,
            rows=tuple(self._rows(node, examples, steps, background)),
        )
        return replace(procedure, text_hash=_text_hash(procedure))

    def _rows(
        self,
        node: Mapping[str, Any],
        examples: tuple[tuple[str, ...], ...],
        steps: tuple[Step, ...],
        background: tuple[Step, ...],
    ) -> Iterator[Row]:
        """Each row of the examples as it runs: its steps read anew, from the text with the cells in their places."""
        for cells in examples[1:]:
            values = dict(zip(examples[0], cells, strict=True))
            row = Row(row_name(cells), (*background, *self._steps({**node, "steps": filled(node["steps"], values)})))
            refuse_other_shape(row, steps)
            yield row

    def _refuse_swallowed_step(self, node: Mapping[str, Any]) -> None:
        """Gherkin reads a mistyped first step as description, and drops it without a word."""
        first = int(node["location"]["line"])
        for line in (node.get("description") or "").splitlines():
            word = (line.split() or [""])[0]
            meant = difflib.get_close_matches(word.capitalize(), self._step_words, n=1, cutoff=0.6)
            if meant and len(word) <= len(meant[0]) + 1:
                said = f"“{line.strip()}” is no step: did you mean {meant[0]}? (else reword the description)"
                raise FeatureError(Position(self._path, self._line_of(line, first)), said)

    def _line_of(self, text: str, first: int) -> int:
        wanted = text.strip()
        return next((n for n, line in enumerate(self._lines[first:], first + 1) if line.strip() == wanted), first)

    def _risk(self, tags: frozenset[str], position: Position) -> Risk:
        risks = sorted(tag for tag in tags if tag.startswith("risk_"))
        known = {f"risk_{risk}": risk for risk in Risk}
        if len(risks) != 1 or risks[0] not in known:
            found = ", ".join(f"@{risk}" for risk in risks) or "none"
            wanted = ", ".join(f"@{risk}" for risk in known)
            raise FeatureError(position, f"needs exactly one risk tag of {wanted}; found {found}")
        return known[risks[0]]

    def _steps(self, node: Mapping[str, Any], *, from_background: bool = False) -> Iterator[Step]:
        role: Role | None = None
        for step in node["steps"]:
            position = self._position(step)
            stated = _ROLES.get(step["keywordType"], role)
            if stated is None:
                word = step["keyword"].strip()
                raise FeatureError(position, f"starts with “{word}”: begin with Given, When or Then")
            role = stated
            text = step["text"].strip()
            command = self._command(step, role, text, position)
            yield Step(
                role=role,
                keyword=step["keyword"].strip(),
                text=text,
                position=position,
                command=command,
                said="" if command else step.get("docString", {}).get("content", ""),
                manual=MANUAL_STEP.fullmatch(text) is not None,
                table=_cells(step.get("dataTable", {}).get("rows", ())),
                from_background=from_background,
                harmless=self._harmless.get(position.line, ()),
                good_without=self._good_without.get(position.line, ()),
            )

    def _command(self, step: Mapping[str, Any], role: Role, text: str, position: Position) -> Command | None:
        shape = COMMAND_STEP.fullmatch(text) if role is Role.WHEN else None
        docstring = step.get("docString")
        media_type = (docstring or {}).get("mediaType", "")
        if shape is None:
            if media_type in MEDIA_TYPES:
                raise FeatureError(
                    position, "a command belongs to a step like `When I <purpose>:`, ending with a colon"
                )
            return None
        if docstring is None:
            raise FeatureError(position, 'ends with a colon but holds no command: add a """bash docstring')
        if media_type not in MEDIA_TYPES:
            raise FeatureError(
                self._position(docstring),
                f'name the language after the quotes: """{" or ".join(MEDIA_TYPES)}',
            )
        if not docstring["content"].strip():
            raise FeatureError(self._position(docstring), "the command is empty")
        refuse_too_long(docstring["content"], media_type, self._position(docstring))
        return Command(
            text=docstring["content"],
            media_type=media_type,
            purpose=shape["purpose"],
            position=self._position(docstring),
            timeout_s=time_limit_s(text, shape["limit"], shape["unit"], self._timeout_s, position),
            may_fail=shape["may_fail"] is not None,
            undo=shape["undo"] is not None,
            ends_undo=shape["ends_undo"] is not None,
        )

    def _tags(self, node: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(tag["name"].removeprefix("@") for tag in node.get("tags", ()))

    def _position(self, node: Mapping[str, Any]) -> Position:
        return Position(self._path, int(node["location"]["line"]))

    def refuse_duplicates(self, procedures: tuple[Procedure, ...]) -> None:
        seen: dict[str, Procedure] = {}
        for procedure in procedures:
            first = seen.setdefault(procedure.name, procedure)
            if first is not procedure:
                raise FeatureError(
                    procedure.position,
                    f"a second scenario named “{procedure.name}” (first at line {first.position.line})",
                )


def _step_words(dialect: Dialect, language: str) -> Iterator[str]:
    """The first words of the language's step keywords; short ones of other languages are words of prose as well."""
    for keywords in (
        dialect.given_keywords,
        dialect.when_keywords,
        dialect.then_keywords,
        dialect.and_keywords,
        dialect.but_keywords,
    ):
        for word in (keyword.split()[0].capitalize() for keyword in keywords if keyword.strip() != "*"):
            if language == "en" or len(word) >= _SHORTEST_WORD:
                yield word


def _cells(rows: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cell["value"] for cell in row["cells"]) for row in rows)


def _dedent(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
