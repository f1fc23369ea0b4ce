"""Whether a step evaluated a check while it ran: an assertion, or a condition in a function that may raise.

Told from the lines that ran. A loop over nothing has a check in its text and evaluates none.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["CheckTrace"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class CheckTrace:
    """Watches the functions of the files below some folders; `begin`, run a step, `end`."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = tuple(f"{folder}/" for folder in folders)
        self._lines: dict[str, frozenset[int]] = {}
        self._seen = False

    def begin(self) -> None:
        """From now on, in this thread."""
        self._seen = False
        sys.settrace(self._called)

    def end(self) -> bool:
        """Whether a check was evaluated since `begin`."""
        sys.settrace(None)
        return self._seen

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        del event, argument
        return self._line if self._checks(frame.f_code.co_filename) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        del argument
        if event == "line" and frame.f_lineno in self._checks(frame.f_code.co_filename):
            self._seen = True
        return self._line

    def _checks(self, file: str) -> frozenset[int]:
        if file not in self._lines:
            ours = file.startswith(self._folders) and "/site-packages/" not in file
            self._lines[file] = frozenset(_check_lines(file)) if ours else frozenset()
        return self._lines[file]


def _check_lines(file: str) -> Iterator[int]:
    try:
        tree = ast.parse(Path(file).read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return
    for function in (node for node in ast.walk(tree) if isinstance(node, _Function)):
        below = list(ast.walk(function))
        raises = any(isinstance(node, ast.Raise) for node in below)
        for node in below:
            until = isinstance(node, ast.While) and any(isinstance(each, ast.Assert) for each in ast.walk(node))
            if isinstance(node, ast.Assert) or (isinstance(node, ast.If | ast.While) and (raises or until)):
                yield from range(node.test.lineno, (node.test.end_lineno or node.test.lineno) + 1)
            elif isinstance(node, ast.With) and "raises(" in ast.unparse(node.items[0].context_expr):
                yield node.lineno
