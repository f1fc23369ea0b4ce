"""Collects `.feature` files; scenarios are items like `features/redis/full.feature::Memory is freed`.

pytest-bdd stays the one that matches and runs the steps: it is handed them as our own reader has read them.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from runbook_steps.engine.errors import FeatureError, Position, RunbookError
from runbook_steps.engine.model import Procedure, Runbook
from runbook_steps.engine.pytest_side.bdd_scenario import SCENARIO, as_scenario, run_steps
from runbook_steps.engine.settings import relative_path
from runbook_steps.engine.sources.feature_file import parse_feature

__all__ = ["FeatureFile", "id_of", "procedure_of"]

PROCEDURE = pytest.StashKey[Procedure]()


def procedure_of(item: pytest.Item) -> Procedure | None:
    """The procedure an item drills; None for an ordinary test."""
    return item.stash.get(PROCEDURE, None)


def id_of(item: pytest.Item) -> str:
    """The id in evidence of the scenario that an item drills; empty for an ordinary test."""
    procedure = procedure_of(item)
    return procedure.id_in(str(getattr(item.parent, "feature_path", ""))) if procedure else ""


class FeatureFile(pytest.Module):
    """One feature as a collector. Its errors are one line with file and line, never a traceback."""

    default_timeout_s: float = 30.0
    to_run: Callable[[Procedure], Iterable[Procedure]] = staticmethod(lambda procedure: procedure.runs)
    _runbook: Runbook | None = None

    def _getobj(self) -> types.ModuleType:
        # pytest asks a Module for a Python module: this one holds nothing but the scenarios
        return types.ModuleType(self.path.stem)

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The scenarios, in the order they are written; an outline gives an item per row."""
        self._runbook = self._parse()
        for procedure in self._runbook.procedures:
            self._refuse_unknown_tags(procedure)
            for each in self.to_run(procedure):
                yield self.item_of(each)

    @property
    def feature_path(self) -> str:
        """As ids have it; empty before it is collected."""
        return self._runbook.feature_path if self._runbook else ""

    def _parse(self) -> Runbook:
        path = relative_path(self.path, self.config.rootpath)
        try:
            text = self.path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FeatureError(Position(path, 1), f"cannot be read as UTF-8 text: {error}") from error
        return parse_feature(text, path, default_timeout_s=self.default_timeout_s)

    def _refuse_unknown_tags(self, procedure: Procedure) -> None:
        lines: list[str] = self.config.getini("markers")
        known = {line.split(":")[0].split("(")[0].strip() for line in lines}
        unknown = sorted(tag for tag in procedure.tags if tag not in known)
        if unknown:
            raise FeatureError(
                procedure.position,
                f"unknown tag @{unknown[0]}; the vocabulary is `markers` in pyproject.toml",
            )

    def item_of(self, procedure: Procedure) -> pytest.Function:
        """A procedure of this feature as an item: one that the feature holds, or one that was changed."""
        if self._runbook is None:
            self._runbook = self._parse()
        item: pytest.Function = pytest.Function.from_parent(self, name=procedure.title, callobj=run_steps)
        item._id = type(item.id).parse(item.nodeid)  # noqa: SLF001 - as `--last-failed` reads it: `[…]` apart
        item.stash[PROCEDURE] = procedure
        item.stash[SCENARIO] = as_scenario(self._runbook, procedure, self.path)
        for tag in sorted(procedure.tags):
            item.add_marker(tag)
        place = (self.path, procedure.position.line - 1, procedure.name)
        item.reportinfo = lambda: place  # type: ignore[method-assign]
        return item

    def repr_failure(  # type: ignore[override]
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> Any:
        """Our errors as their one line."""
        if isinstance(excinfo.value, RunbookError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)
