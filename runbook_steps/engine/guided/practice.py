"""Practice: what a project's Given steps break, by name, broken on a disposable target until somebody heals it.

A fault's name is the text of its Given. What stands before it in its scenario is arranged as well, since it may build
on that.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from runbook_steps.engine.errors import ConfigurationError, FaultError
from runbook_steps.engine.model import Role
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.pytest_side.feature_collector import id_of
from runbook_steps.engine.pytest_side.session_settings import BORROWED, PROOF
from runbook_steps.engine.run.situation import Fault, Observation, Situation
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.sources.python_steps import Catalog, load_catalog
from runbook_steps.engine.targets.protocol import Target

__all__ = ["Practice", "arguments_of", "named_fault", "practice_faults"]

_BREAKS = "situation"  # the fixture that a step arranges with


@dataclass(frozen=True)
class PracticeFault:
    """A Given that breaks something: `number` is its step in the scenario of that id, counted from 0."""

    name: str
    runbook: str
    feature: str
    scenario: str
    id: str
    number: int


def practice_faults(project: Project) -> tuple[PracticeFault, ...]:
    """Each once, where it first stands, in the order of the files."""
    catalog = load_catalog(project.settings)
    asks = dict(_asked_for(catalog))
    found: dict[str, PracticeFault] = {}
    for runbook in project.runbooks:
        for case in (each for procedure in runbook.procedures for each in procedure.runs):
            for number, step in enumerate(case.steps):
                if step.role is Role.GIVEN and not step.command and _breaks(catalog, asks, step.text):
                    fault = PracticeFault(
                        step.text,
                        runbook.stem,
                        runbook.feature_path,
                        case.name,
                        case.id_in(runbook.feature_path),
                        number,
                    )
                    found.setdefault(step.text, fault)
    return tuple(found.values())


def _breaks(catalog: Catalog, asks: Mapping[str, frozenset[str]], text: str) -> bool:
    names = [each.function.rpartition(":")[2] for each in catalog.of(Role.GIVEN, text)]
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name == _BREAKS:
            return True
        if name not in seen:
            seen.add(name)
            names += asks.get(name, frozenset())
    return False


def _asked_for(catalog: Catalog) -> Iterator[tuple[str, frozenset[str]]]:
    """Step or fixture → the fixtures that it asks for."""
    for tree in catalog.trees.values():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                yield node.name, frozenset(each.arg for each in (*node.args.args, *node.args.kwonlyargs))


def named_fault(faults: tuple[PracticeFault, ...], words: str) -> PracticeFault:
    """The one of that name, or the only one that holds those words. Raises ConfigurationError."""
    exact = [each for each in faults if each.name.casefold() == words.casefold()]
    found = exact or [each for each in faults if words.casefold() in each.name.casefold()]
    if len(found) == 1:
        return found[0]
    hint = suggestion(words, [each.name for each in faults]) if not found else ""
    listed = "".join(f"\n  {each.name}" for each in found)
    raise ConfigurationError(f"{len(found) or 'no'} faults are named {words!r}{hint}; `--list` has all{listed}")


def arguments_of(fault: PracticeFault, root: str, folder: str) -> list[str]:
    """What pytest is started with; journal and evidence go to that folder, for they prove nothing."""
    only = ("--disable-plugin-autoload", "-p", "pytest_bdd.plugin", "-p", "runbook_steps.engine.pytest_side.plugin")
    quiet = ("-q", "-o", "addopts=", "-o", "filterwarnings=ignore", "-p", "no:cacheprovider", *only)
    # in one word each: pytest looks for the project's settings above every path that stands alone
    kept = (f"--journal-dir={folder}/journal", f"--evidence-dir={folder}/evidence")
    return [f"{root}/{fault.feature}", "--rootdir", root, *quiet, *kept]


class Practice:
    """A pytest plugin that breaks what `fault` says on `target`, calls `hold` with what was seen, and heals.

    `problem` is why it could not be broken, `left` what is broken behind the healing; both are empty when all is well.
    """

    def __init__(self, fault: PracticeFault, target: Target, hold: Callable[[list[str]], None]) -> None:
        self._fault = fault
        self._target = target
        self._hold = hold
        self._held = False
        self.seen: list[str] = []
        self.problem = ""
        self.left = ""

    def pytest_configure(self, config: pytest.Config) -> None:
        """The target is a borrowed one, and nobody reads what pytest prints."""
        config.stash[BORROWED] = self._target
        if reporter := config.pluginmanager.unregister(name="terminalreporter"):
            del reporter
            config.pluginmanager.register(pytest.TerminalReporter(config, io.StringIO()), "terminalreporter")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only the scenario of the fault."""
        items[:] = [item for item in items if id_of(item) == self._fault.id][:1]
        if not items:
            self.problem = f"{self._fault.id} is not among the scenarios any more"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """From here on what is arranged is told."""
        if proof := session.config.pluginmanager.get_plugin(PROOF):
            proof.situations = lambda **values: _Told(self, **values)

    def pytest_bdd_after_step(self, step: Any) -> None:
        """It is broken: held so, and healed behind that by the end of the scenario."""
        if step.number == self._fault.number:
            self._held = True
            self._hold(self.seen)
            pytest.exit("healed")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What kept it from being broken."""
        if not self._held and (report.failed or report.skipped):
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            self.problem = self.problem or str(text).strip()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Stopped before it was broken, or the engine's word that it cannot go on."""
        if not self._held:
            self.problem = self.problem or str(getattr(excinfo.value, "msg", "")) or "stopped before it was broken"


class _Told(Situation):
    """The situation of a scenario, which tells the practice what it saw and what it could not clear."""

    def __init__(self, practice: Practice, **values: Any) -> None:
        super().__init__(**values)
        self._practice = practice

    def arrange(self, fault: Fault) -> Observation:
        self._practice.left = f"{fault.name}: nobody cleared it"
        seen = super().arrange(fault)
        self._practice.seen.append(f"{fault.name}: {seen.detail}")
        return seen

    def undo(self) -> None:
        try:
            super().undo()
        except FaultError as error:
            self._practice.left = str(error)
            raise
        self._practice.left = ""
