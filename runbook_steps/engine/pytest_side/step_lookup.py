"""Finds the Python step of a Gherkin step once, and refuses a line that two steps would match.

pytest-bdd looks through every fixture at every step, which makes a run with 800 step definitions take 5.6 times
as long; and of two matching steps it takes one without a word. This takes the place of that one function
(pytest-bdd is pinned by hash; a test runs a scenario through it).
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.steps import step_function_context_registry

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["StepIndex"]


class StepIndex:
    """Step type and text → names of the fixtures that hold the matching Python step."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def install(self) -> Callable[[], None]:
        """Takes the place of pytest-bdd's look-up; gives the way back."""
        # the package has a function of the module's name, so the module is asked for by its own
        module: Any = importlib.import_module("pytest_bdd.scenario")
        before = module.find_fixturedefs_for_step
        module.find_fixturedefs_for_step = self.find

        def undo() -> None:
            module.find_fixturedefs_for_step = before

        return undo

    def find(self, step: Any, fixturemanager: Any, node: Any) -> Iterable[Any]:
        """The fixture definitions for a step. Raises ConfigurationError when two different steps match its text."""
        key = (step.type, step.name)
        if key not in self._known:
            names = get_fixture_names(fixturemanager=fixturemanager)
            self._known[key] = tuple(n for n in names if _matching(n, step, fixturemanager, node))
        found = [d for name in self._known[key] for d in _matching(name, step, fixturemanager, node)]
        functions = {step_function_context_registry[d.func].step_func for d in found}
        if len(functions) > 1:
            where = " and ".join(sorted(f"{inspect.getsourcefile(f)}:{f.__code__.co_firstlineno}" for f in functions))
            error = ConfigurationError(f"two Python steps match it: {where}")
            node.config.hook.pytest_bdd_step_func_lookup_error(
                request=None, feature=None, scenario=None, step=step, exception=error
            )
            raise error
        return found


def _matching(name: str, step: Any, fixturemanager: Any, node: Any) -> list[Any]:
    found = []
    for definition in getfixturedefs(fixturemanager, name, node) or ():
        context = step_function_context_registry.get(definition.func)
        if context is not None and context.type in {None, step.type} and context.parser.is_matching(step.name):
            found.append(definition)
    return found
