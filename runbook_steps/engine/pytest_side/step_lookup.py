"""Finds the Python step of a Gherkin step once, and refuses a line that two steps would match.

pytest-bdd looks through every fixture at every step, and asks pytest for the found one under a name made up for it;
of two matching steps it takes one without a word. This takes the place of that one function
(pytest-bdd is pinned by hash; a test runs a scenario through it).
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["StepIndex"]


class StepIndex:
    """Feature file, step type and text → the one Python step that matches."""

    def __init__(self) -> None:
        self._visible: dict[Any, tuple[StepFunctionContext, ...]] = {}
        self._found: dict[tuple[Any, str, str], StepFunctionContext] = {}

    def install(self) -> Callable[[], None]:
        """Takes the place of pytest-bdd's look-up; gives the way back."""
        # the package has a function of the module's name, so the module is asked for by its own
        module: Any = importlib.import_module("pytest_bdd.scenario")
        before = module.get_step_function
        module.get_step_function = self.find

        def undo() -> None:
            module.get_step_function = before

        return undo

    def find(self, request: Any, step: Any) -> StepFunctionContext:
        """The step's function. Raises ConfigurationError when none matches its text, and when two do."""
        key = (request.node.parent, step.type, step.name)
        if key not in self._found:
            self._found[key] = self._only(request, step)
        return self._found[key]

    def _only(self, request: Any, step: Any) -> StepFunctionContext:
        found = [
            each
            for each in self._seen_from(request.node, request._fixturemanager)  # noqa: SLF001 - as pytest-bdd does
            if each.type in {None, step.type} and each.parser.is_matching(step.name)
        ]
        functions = {each.step_func for each in found}
        if len(functions) > 1:
            where = " and ".join(sorted(f"{inspect.getsourcefile(f)}:{f.__code__.co_firstlineno}" for f in functions))
            error = ConfigurationError(f"two Python steps match it: {where}")
            request.config.hook.pytest_bdd_step_func_lookup_error(
                request=request, feature=None, scenario=None, step=step, exception=error
            )
            raise error
        if not functions:
            self._refuse_undefined(request, step)
        for function in functions:  # asked for twice at every step: kept
            vars(function)["__signature__"] = inspect.signature(function)
        return found[-1]

    def _refuse_undefined(self, request: Any, step: Any) -> NoReturn:
        """Raises ConfigurationError with the step that is to be written."""
        name = re.sub(r"\W+", "_", step.name.casefold()).strip("_") or "step"
        text = step.name.replace("\\", "\\\\").replace('"', '\\"')
        error = ConfigurationError(
            "no Python step matches it. Mistyped? Or write it:\n\n"
            f'@{step.type}("{text}")\ndef {name[:60]}() -> None:\n    …'
        )
        request.config.hook.pytest_bdd_step_func_lookup_error(
            request=request, feature=None, scenario=None, step=step, exception=error
        )
        raise error

    def _seen_from(self, node: Any, fixturemanager: Any) -> tuple[StepFunctionContext, ...]:
        """The steps that a feature file sees: those of the project, and of its own folder's conftest."""
        if node.parent not in self._visible:
            names = get_fixture_names(fixturemanager=fixturemanager)
            self._visible[node.parent] = tuple(_contexts(names, fixturemanager, node))
        return self._visible[node.parent]


def _contexts(names: list[str], fixturemanager: Any, node: Any) -> Iterator[StepFunctionContext]:
    for name in names:
        for definition in getfixturedefs(fixturemanager, name, node) or ():
            context = step_function_context_registry.get(definition.func)
            if context is not None:
                yield context
