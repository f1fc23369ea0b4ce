"""Outlines: the tables of their examples, and the cells of a row in the places where steps name them. Pure.

Gherkin's own compiler takes a column's name for a regular expression, and puts the cells in one after the other, so
that a cell may be taken for a place; here every place is found once, by its exact name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runbook_steps.engine.errors import FeatureError, Position
from runbook_steps.engine.model import Row, Step

__all__ = ["examples_of", "filled", "refuse_other_shape", "refuse_useless_outline", "row_name"]

Rows = tuple[tuple[str, ...], ...]


def examples_of(node: Mapping[str, Any], path: str) -> Rows:
    """All rows of a scenario's examples, header first; the columns of later tables in the order of the first.

    Raises FeatureError for tables with other columns, a column or a row that is there twice, and tags of a table.
    """
    tables = [table for table in node.get("examples", ()) if "tableHeader" in table]
    if not tables:
        return ()
    header = _cells(tables[0]["tableHeader"])
    rows: dict[str, tuple[str, ...]] = {}
    for table in tables:
        columns = _cells(table["tableHeader"])
        _refuse_columns(columns, header, table, path)
        for row in table["tableBody"]:
            values = dict(zip(columns, _cells(row), strict=True))
            cells = tuple(values[column] for column in header)
            if rows.setdefault(row_name(cells), cells) is not cells:
                raise FeatureError(_position(row, path), f"a second row “{row_name(cells)}”: they share one proof")
    return (header, *rows.values())


def row_name(cells: Sequence[str]) -> str:
    """What ids and pages call a row: its cells, what cannot be seen in them spelt out."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in "-".join(cells)) or "-"


def _refuse_columns(columns: tuple[str, ...], header: tuple[str, ...], table: Mapping[str, Any], path: str) -> None:
    position = _position(table, path)
    if table.get("tags"):
        raise FeatureError(position, f"{table['tags'][0]['name']} on Examples: give the tag to the scenario")
    if len(set(columns)) < len(columns):
        raise FeatureError(position, f"a column stands twice in the Examples: {', '.join(columns)}")
    if set(columns) != set(header):
        wanted = ", ".join(header)
        raise FeatureError(position, f"the Examples of one scenario have the same columns; the first has {wanted}")


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """The parsed steps with every `<column>` replaced by its cell: in texts, commands, tables and languages."""
    place = re.compile("|".join(re.escape(f"<{column}>") for column in values))
    return _filled(value, place, values)


def _filled(value: Any, place: re.Pattern[str], values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return place.sub(lambda found: values[found[0][1:-1]], value)
    if isinstance(value, Mapping):
        return {key: _filled(entry, place, values) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, place, values) for entry in value]
    return value


def refuse_useless_outline(
    examples: Rows, background: Sequence[Step], steps: Any, position: Position, *, outline: bool
) -> None:
    """Raises FeatureError for an outline that runs nothing, or has a column that no step uses."""
    if (outline or examples) and len(examples) <= 1:
        raise FeatureError(position, "an outline without a row of Examples runs nothing: add a row")
    for column in examples[0] if examples else ():
        place = f"<{column}>"
        if any(place in text for step in background for text in _texts(step)):
            raise FeatureError(position, f"{place} stands in the Background, which is the same for every row")
        if place not in "\n".join(_words(steps)):
            raise FeatureError(position, f"no step has {place}: the column of the Examples is not used, or mistyped")


def refuse_other_shape(row: Row, steps: Sequence[Step]) -> None:
    """Raises FeatureError when a cell makes of a step what the page does not show: another kind of step."""
    for step, shown in zip(row.steps, steps, strict=True):
        if _shape(step) != _shape(shown):
            raise FeatureError(step.position, f"the row “{row.name}” makes another kind of step of this: write it out")


def _shape(step: Step) -> tuple[object, ...]:
    command = step.command
    return step.manual, command and (command.media_type, command.may_fail, command.undo, command.ends_undo)


def _texts(step: Step) -> tuple[str, ...]:
    command = step.command.text if step.command else ""
    return step.text, step.said, command, *(cell for row in step.table for cell in row)


def _words(value: Any) -> Iterator[str]:
    """Every text below a parsed node."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _words(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _words(entry)


def _cells(row: Any) -> tuple[str, ...]:
    return tuple(cell["value"] for cell in row["cells"])


def _position(node: Mapping[str, Any], path: str) -> Position:
    return Position(path, int(node["location"]["line"]))
