"""The Python steps of a project, read without running them: which scenario lines each matches, and what it imports."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import parse as patterns
from parse_type import cfparse

from runbook_steps.engine.errors import Position
from runbook_steps.engine.model import Procedure, Role, Runbook
from runbook_steps.engine.settings import Operations, Settings
from runbook_steps.engine.sources.alerts_file import RINGS, SILENT
from runbook_steps.engine.sources.feature_file import COMMAND_STEP, MANUAL_STEP
from runbook_steps.engine.sources.parameters import TAKES

__all__ = ["Catalog", "lines_of", "load_catalog"]

_ENGINE = Path(__file__).parents[1]
_OF_THE_ENGINE = ("pytest_side/command_steps.py", "run/situation.py")
"""What of the engine counts as a proof's own: the steps that it brings, and what a fault is."""
_ROLES = {"given": (Role.GIVEN,), "when": (Role.WHEN,), "then": (Role.THEN,), "step": tuple(Role)}
_KNOWN = {
    "COMMAND_STEP.pattern": COMMAND_STEP.pattern,
    "MANUAL_STEP.pattern": MANUAL_STEP.pattern,
    "TAKES": TAKES,
    "RINGS": RINGS,
    "SILENT": SILENT,
}
_IMPORT = re.compile(r"^[ \t]*from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n]*)", re.MULTILINE)


@dataclass(frozen=True)
class StepDefinition:
    """One decorator above a Python step: `text` is its pattern as written. `function` parts steps of one file.

    `readable` is False for a pattern that is made at run time: what it matches is not known.
    """

    position: Position
    role: Role
    text: str
    function: str
    readable: bool
    matches: Callable[[str], bool] = field(compare=False)


@dataclass(frozen=True)
class Catalog:
    """The steps of a project, and the files of its steps, faults and operations with those each imports of them.

    `trees` are the parsed files of steps.
    """

    steps: tuple[StepDefinition, ...] = ()
    imports: Mapping[str, frozenset[str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    trees: Mapping[str, ast.Module] = field(default_factory=dict, compare=False)
    own_command: Operations | None = None
    _found: dict[tuple[Role, str], tuple[StepDefinition, ...]] = field(default_factory=dict, compare=False)

    def of(self, role: Role, text: str) -> tuple[StepDefinition, ...]:
        """The steps that match a line."""
        key = (role, text)
        if key not in self._found:
            self._found[key] = tuple(d for d in self.steps if d.role is role and d.readable and d.matches(text))
        return self._found[key]

    def reach(self, runbook: Runbook) -> tuple[str, ...]:
        """The files of steps, faults and operations that a runbook uses, those they import too; sorted."""
        todo = {d.position.path for p in runbook.procedures for role, text in lines_of(p) for d in self.of(role, text)}
        for procedure in runbook.procedures:
            todo |= set(self.operations(procedure))
        reached: set[str] = set()
        while todo:
            path = todo.pop()
            reached.add(path)
            todo |= self.imports.get(path, frozenset()) - reached
        return tuple(sorted(reached))

    def operations(self, procedure: Procedure) -> Iterator[str]:
        """The files of the project's own commands that a procedure calls."""
        if self.own_command is None:
            return
        named = re.compile(rf"\b{re.escape(self.own_command.command)}\s+([a-z][a-z0-9-]+)")
        folder = _folder(self.own_command.package)
        for word in {word for command in procedure.commands for word in named.findall(command.text)}:
            for path, text in self.texts.items():
                own = path.startswith(f"{folder}/") and path.endswith("_cli.py")
                if own and (f'"{word}"' in text or f"def {word.replace('-', '_')}(" in text):
                    yield path


def lines_of(procedure: Procedure) -> Iterator[tuple[Role, str]]:
    """Every line as it runs: with the cells of an outline's rows in their places."""
    for each in procedure.runs:
        yield from ((step.role, step.text) for step in each.steps)


def load_catalog(settings: Settings) -> Catalog:
    """What the project's packages hold, and the engine's own steps; files that are no Python are passed over."""
    steps: list[StepDefinition] = []
    imports: dict[str, frozenset[str]] = {}
    texts: dict[str, str] = {}
    trees: dict[str, ast.Module] = {}
    own = settings.operations
    for package in filter(None, (settings.steps, *settings.rests_on, own.package if own else "")):
        for file in sorted((settings.root / _folder(package)).glob("*.py")):
            _read(file, file.relative_to(settings.root).as_posix(), texts)
    for name in _OF_THE_ENGINE:
        _read(_ENGINE / name, (_ENGINE / name).relative_to(_ENGINE.parents[1]).as_posix(), texts)
    folders = [_folder(settings.steps)] if settings.steps else []
    for path in list(texts):
        if path.rpartition("/")[0] in folders or path.endswith(_OF_THE_ENGINE[0]):
            try:
                trees[path] = ast.parse(texts[path])
            except (ValueError, SyntaxError):
                del texts[path]
                continue
            steps += _definitions(trees[path], path)
    for path, text in texts.items():
        imports[path] = frozenset(name for name in _imported(text) if name in texts)
    return Catalog(tuple(steps), imports, texts, trees, own)


def _folder(package: str) -> str:
    return package.replace(".", "/")


def _read(file: Path, path: str, texts: dict[str, str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        texts[path] = file.read_text("utf-8")


def _imported(text: str) -> Iterator[str]:
    """By the words, not by the parsed text: a mention in a docstring costs nothing, parsing every file does."""
    for found in _IMPORT.finditer(text):
        base = _folder(found["module"])
        yield f"{base}.py"
        yield from (f"{base}/{name}.py" for name in re.findall(r"(?:^|[(,])\s*(\w+)", found["names"]))


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Every statement below a node, and none of the expressions, which are nine tenths of a tree."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        below = getattr(node, name, None)
        for each in below if isinstance(below, list) else ():
            if isinstance(each, ast.stmt):
                yield each
            yield from statements(each)


def _definitions(tree: ast.Module, path: str) -> Iterator[StepDefinition]:
    words = dict(_KNOWN)
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and (text := _text(node.value, words))
        ):
            words[node.targets[0].id] = text
    for function in (node for node in statements(tree) if isinstance(node, ast.FunctionDef)):
        for call in function.decorator_list:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _ROLES and call.args:
                text, matches = _pattern(call.args[0], words)
                for role in _ROLES[call.func.id]:
                    at = Position(path, call.lineno)
                    known = matches is not None
                    yield StepDefinition(at, role, text, f"{path}:{function.name}", known, matches or _never)


def _pattern(node: ast.expr, words: Mapping[str, str]) -> tuple[str, Callable[[str], bool] | None]:
    """The pattern as written, and what tells whether it matches; None when that is only known at run time."""
    if not isinstance(node, ast.Call):
        text = _text(node, words)
        return (text, text.__eq__) if text is not None else (ast.unparse(node), None)
    kind = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    text = _text(node.args[0], words) if node.args else None
    made = _MATCHERS.get(kind)
    if made is None or text is None or node.keywords or len(node.args) > 1:
        return text or ast.unparse(node), None
    try:
        return text, made(text)
    except (ValueError, re.error):
        return text, None


def _by_parse(text: str, compiled: Callable[[str], Any] = patterns.compile) -> Callable[[str], bool]:
    parser = compiled(text)

    def matches(line: str) -> bool:
        try:
            return parser.parse(line) is not None
        except ValueError:  # a number out of all range, say
            return False

    return matches


def _by_expression(text: str) -> Callable[[str], bool]:
    expression = re.compile(text)
    return lambda line: expression.fullmatch(line) is not None


# as pytest_bdd.parsers has them, without pytest: a build of the site reads steps, and runs none
_MATCHERS: Mapping[str, Callable[[str], Callable[[str], bool]]] = {
    "parse": _by_parse,
    "cfparse": lambda text: _by_parse(text, cfparse.Parser),
    "re": _by_expression,
    "string": lambda text: text.__eq__,
}


def _text(node: ast.expr, words: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name | ast.Attribute):
        return words.get(ast.unparse(node))
    return None


def _never(_: str) -> bool:
    return False
