"""One file of steps, taken apart without running it: what it defines, and what each of these names."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

__all__ = ["StepModule", "read_step_module"]

_STEP_WORDS = frozenset({"given", "when", "then", "step"})
_OTHER = "(top level)"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class StepModule:
    """The parts of one file: functions, classes, values, imported names.

    `parts` gives the hash of each; `uses` what it names: `path::name` of a part, or the path of a whole file.
    `asks` are the fixtures it asks for: the arguments of steps and fixtures. `fixtures` are those it defines.
    """

    parts: Mapping[str, str]
    uses: Mapping[str, frozenset[str]]
    asks: Mapping[str, frozenset[str]]
    fixtures: frozenset[str]


def read_step_module(path: str, text: str, tree: ast.Module, files: Set[str], steps: str = "") -> StepModule:
    """The parts of a file; `tree` is its text as Python has it.

    `files` are the project's own sources, which an import may name: of those in the folder `steps` each part counts
    by itself.
    """
    lines = text.splitlines(keepends=True)
    parts: dict[str, str] = {}
    names: dict[str, frozenset[str]] = {}
    asks: dict[str, frozenset[str]] = {}
    uses: dict[str, set[str]] = {}
    fixtures: set[str] = set()
    for name, node in _named(tree):
        parts[name] = _hash(parts.get(name, "") + _source(node, name, lines))  # a value that is set twice counts whole
        names[name] = names.get(name, frozenset()) | _names(node)
        kinds = _kinds(node) if isinstance(node, _Function) else frozenset()
        asks[name] = _arguments(node) if isinstance(node, _Function) and kinds else frozenset()
        fixtures |= {name} if "fixture" in kinds else set()
        uses[name] = set(_imported(node, name, files, steps)) if isinstance(node, ast.ImportFrom) else set()
    for name in parts:
        # what stands at the top level and has no name (an `if`, a call) may change any of the others
        uses[name] |= {f"{path}::{other}" for other in names[name] | {_OTHER} if other in parts and other != name}
    frozen = {name: frozenset(found) for name, found in uses.items()}
    return StepModule(parts, frozen, asks, frozenset(fixtures))


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for number, node in enumerate(tree.body):
        if isinstance(node, _Function | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).partition(".")[0], node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}:
                if name != "__all__":
                    yield name, node
        elif not (number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield _OTHER, node


def _source(node: ast.stmt, name: str, lines: list[str]) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):  # the others on that line say nothing of this one
        origin = node.module if isinstance(node, ast.ImportFrom) else ""
        return f"{origin}:{[alias.name for alias in node.names if name in (alias.asname, alias.name)]}"
    decorators = node.decorator_list if isinstance(node, _Function | ast.ClassDef) else []
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "".join(lines[first - 1 : node.end_lineno])


def _kinds(node: _Function) -> frozenset[str]:
    """`step` or `fixture`, by what stands above the function."""
    called = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    words = {ast.unparse(name).rpartition(".")[2] for name in called}
    return frozenset(
        kind for kind, known in (("step", _STEP_WORDS), ("fixture", frozenset({"fixture"}))) if words & known
    )


def _arguments(node: _Function) -> frozenset[str]:
    return frozenset(argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))


def _names(node: ast.stmt) -> frozenset[str]:
    """What it reads; of a function without its own arguments and variables."""
    nodes = [each for each in ast.walk(node) if isinstance(each, ast.Name | ast.arg)]
    found = [each for each in nodes if isinstance(each, ast.Name)]
    own = {each.id for each in found if isinstance(each.ctx, ast.Store)} if isinstance(node, _Function) else set()
    own |= {each.arg for each in nodes if isinstance(each, ast.arg)}
    return frozenset(each.id for each in found) - own


def _imported(node: ast.ImportFrom, name: str, files: Set[str], steps: str) -> Iterator[str]:
    """Where a name comes from, when it is this project's: a part of a file of steps, else a whole file."""
    base = (node.module or "").replace(".", "/")
    for alias in node.names:
        if (alias.asname or alias.name) != name:
            continue
        if f"{base}/{alias.name}.py" in files:
            yield f"{base}/{alias.name}.py"
        elif f"{base}.py" in files:
            of_steps = bool(steps) and base.startswith(f"{steps}/")
            yield f"{base}.py::{alias.name}" if of_steps else f"{base}.py"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
