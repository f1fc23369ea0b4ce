"""Checks that cannot fail, found in the source of steps and faults without running them. Pure.

What is refused: a Then that neither asserts nor calls anything that may; a comparison that always holds; `all()` of
what may be empty, and assertions inside loops alone, where nothing says that there is something; errors that are
swallowed; an observation that is a constant; a fault that arranges nothing; a Then that compares what its Given wrote
with itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from runbook_steps.engine.errors import FeatureError, Position
from runbook_steps.engine.sources.python_steps import Catalog

__all__ = ["vacuous_checks"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_STEP_WORDS = frozenset({"given", "when", "then", "step"})
_BROAD = frozenset({"AssertionError", "BaseException", "Exception"})
_COUNTS = frozenset({"len", "sum", "abs", "count"})
_HARMLESS_CALLS = frozenset({"abs", "all", "any", "bool", "dict", "float", "int", "len", "list", "max", "min", "round"}
                            | {"set", "sorted", "str", "sum", "tuple"})  # fmt: skip
_MAY_ENTER = frozenset({"raises", "fail", "skip"})


def vacuous_checks(catalog: Catalog, faults: Iterable[str]) -> Iterator[FeatureError]:
    """What cannot fail, with file and line; `faults` are the folders whose classes tell what they observe."""
    folders = tuple(f"{folder}/" for folder in faults)
    trees = dict(catalog.trees)
    for path, text in catalog.texts.items():
        if path not in trees:
            try:
                trees[path] = ast.parse(text)
            except (SyntaxError, ValueError):  # not this check's to tell
                continue
    judging = _judging(trees.values())
    written = _written_by_given(catalog.trees.values())
    for path, tree in trees.items():
        if path in catalog.trees:
            yield from _of_steps(path, tree, judging, written)
            yield from _empty_faults(path, tree)
        elif path.startswith(folders):
            yield from _swallowing_observations(path, tree)
            yield from _empty_faults(path, tree)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _of_steps(path: str, tree: ast.Module, judging: frozenset[str], written: frozenset[str]) -> Iterator[FeatureError]:
    for function in _functions(tree):
        kinds = _kinds(function)
        found: list[tuple[ast.stmt | ast.ExceptHandler, str]] = [*_comparisons(function), *_swallowed(function)]
        if "then" in kinds:
            found += _of_then(function, judging, written)
        yield from (FeatureError(Position(path, node.lineno), message) for node, message in found)


def _of_then(function: _Function, judging: frozenset[str], written: frozenset[str]) -> Iterator[tuple[ast.stmt, str]]:
    below = [node for statement in function.body for node in ast.walk(statement)]
    checks = [node for node in below if isinstance(node, ast.Assert | ast.Raise)]
    calls = {_name(node.func) for node in below if isinstance(node, ast.Call)} - {""}
    arguments = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    delegates = calls & (judging | _MAY_ENTER)
    if not checks and not delegates and not calls & arguments:
        yield function, f"the Then `{function.name}` checks nothing: it asserts nothing, and calls nothing that does"
    if checks and (loop := _only_loop(function, checks, judging)) is not None:
        said = (
            f"`{ast.unparse(loop.iter)}` may be empty, and then `{function.name}` checks nothing: assert that it is not"
        )
        yield loop, said
    for node in below:
        if isinstance(node, ast.Assert):
            yield from ((node, said) for said in _empty_sets(node, function))
    reads = arguments & written
    if checks and reads and not (calls - _HARMLESS_CALLS) and not _attributes(below):
        known = ", ".join(sorted(reads))
        yield function, f"the Then `{function.name}` reads {known}, which a Given wrote: look at the real thing"


def _only_loop(function: _Function, checks: list[ast.Assert | ast.Raise], judging: frozenset[str]) -> ast.For | None:
    """The loop that holds every check, over something that may be empty; None when something is checked beside it."""
    for loop in (node for node in ast.walk(function) if isinstance(node, ast.For)):
        inside = set(map(id, (node for part in loop.body for node in ast.walk(part))))
        beside = [node for node in ast.walk(function) if id(node) not in inside]
        judged = any(isinstance(node, ast.Call) and _name(node.func) in judging for node in beside)
        if not judged and not _never_empty(loop.iter) and all(id(check) in inside for check in checks):
            return loop
    return None


def _never_empty(over: ast.expr) -> bool:
    """What is written down, counted, a constant, or a table of the scenario."""
    if isinstance(over, ast.Tuple | ast.List | ast.Set):
        return bool(over.elts)
    if isinstance(over, ast.Call) and _name(over.func) == "range":
        return True
    names = {node.id for node in ast.walk(over) if isinstance(node, ast.Name)}
    return bool(names & {"datatable", "docstring"}) or (isinstance(over, ast.Name) and over.id.isupper())


def _empty_sets(node: ast.Assert, function: _Function) -> Iterator[str]:
    """`assert all(… for x in xs)`, where nothing in the function says that there are xs."""
    call = node.test
    if not (isinstance(call, ast.Call) and _name(call.func) == "all" and call.args):
        return
    over = (
        call.args[0].generators[0].iter if isinstance(call.args[0], ast.GeneratorExp | ast.ListComp) else call.args[0]
    )
    if isinstance(over, ast.Tuple | ast.List | ast.Set) and over.elts:
        return
    names = {each.id for each in ast.walk(over) if isinstance(each, ast.Name)}
    others = (each for each in ast.walk(function) if isinstance(each, ast.Assert | ast.If) and each is not node)
    said = {each.id for other in others for each in ast.walk(other.test) if isinstance(each, ast.Name)}
    if not names & said:
        yield f"`all()` of nothing is true: assert as well that `{ast.unparse(over)}` is not empty"


def _written_by_given(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The names that a Given puts a value under: its `target_fixture`."""
    found: set[str] = set()
    for function in (each for tree in trees for each in _functions(tree)):
        for call in function.decorator_list:
            if isinstance(call, ast.Call) and _name(call.func) == "given":
                found |= {
                    str(word.value.value)
                    for word in call.keywords
                    if word.arg == "target_fixture" and isinstance(word.value, ast.Constant)
                }
    return frozenset(found)


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


def _swallowing_observations(path: str, tree: ast.Module) -> Iterator[FeatureError]:
    for function in (each for each in _functions(tree) if each.name == "observe"):
        yield from (FeatureError(Position(path, node.lineno), said) for node, said in _swallowed(function))


def _empty_faults(path: str, tree: ast.Module) -> Iterator[FeatureError]:
    yield from _constant_observations(path, tree)
    for kind in (each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)):
        methods = {each.name: each for each in kind.body if isinstance(each, _Function)}
        arranges = methods.get("arrange")
        if arranges is not None and "observe" in methods and not _does_something(arranges.body):
            message = "arranges nothing: what is so already shows nothing; break it, or look at it in a Then"
            yield FeatureError(Position(path, arranges.lineno), message)


def _constant_observations(path: str, tree: ast.Module) -> Iterator[FeatureError]:
    """`Observation(True, …)` as all that an `observe` can say."""
    for function in (each for each in _functions(tree) if each.name == "observe"):
        said = [
            node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and _name(node.func) == "Observation" and node.args
        ]
        if said and set(said) == {True}:
            message = "always says that the fault is there: look at the real thing"
            yield FeatureError(Position(path, function.lineno), message)


# ── both ─────────────────────────────────────────────────────────────────────────────────────────


def _comparisons(function: _Function) -> Iterator[tuple[ast.Assert, str]]:
    """Assertions that hold whatever was seen."""
    names = _other_names(function)
    for node in (each for each in ast.walk(function) if isinstance(each, ast.Assert)):
        parts = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
        parts = [_by_what_it_is(part, names) for part in parts]
        either = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or)
        always = [part for part in parts if _always(part)]
        if always and (either or len(always) == len(parts)):
            yield node, f"`{ast.unparse(always[0])}` is true whatever was seen"


def _other_names(function: _Function) -> dict[str, ast.expr]:
    """Names that stand for something else that was not asked for again: `seen = result.code`."""
    stored = [each.id for each in ast.walk(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]
    return {
        node.targets[0].id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if stored.count(node.targets[0].id) == 1 and isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript)
        if not any(isinstance(each, ast.Call) for each in ast.walk(node.value))
    }


def _by_what_it_is(node: ast.expr, names: dict[str, ast.expr]) -> ast.expr:
    """The comparison, a name that stands on one side of it replaced by what it stands for."""
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
        return node

    def meant(side: ast.expr) -> ast.expr:
        return names.get(side.id, side) if isinstance(side, ast.Name) else side

    return ast.Compare(meant(node.left), node.ops, [meant(node.comparators[0])])


def _always(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.Tuple | ast.List):
        return bool(node.elts)
    if isinstance(node, ast.GeneratorExp | ast.Lambda | ast.JoinedStr):
        return True
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
        return False
    left, operator, right = node.left, node.ops[0], node.comparators[0]
    if ast.dump(left) == ast.dump(right):
        return isinstance(operator, ast.Eq | ast.LtE | ast.GtE | ast.Is)
    return _is_count(left) and _below_all_counts(operator, right)


def _is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) in _COUNTS


def _below_all_counts(operator: ast.cmpop, right: ast.expr) -> bool:
    if isinstance(operator, ast.GtE):
        return isinstance(right, ast.Constant) and right.value == 0
    least = ast.unparse(right)
    return isinstance(operator, ast.Gt | ast.GtE | ast.NotEq) and least.startswith("-") and least[1:].isdecimal()


def _swallowed(function: _Function) -> Iterator[tuple[ast.stmt | ast.ExceptHandler, str]]:
    """Errors of all kinds, an assertion's too, that end up nowhere."""
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and _broad(node.type) and not _does_something(node.body):
            yield node, "swallows every error, a failed check's too: name the one that is meant"
        elif isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and _name(call.func) == "suppress" and any(map(_broad, call.args)):
                    yield node, "swallows every error, a failed check's too: name the one that is meant"


def _broad(node: ast.expr | None) -> bool:
    if node is None:
        return True
    if isinstance(node, ast.Tuple):
        return any(map(_broad, node.elts))
    return _name(node) in _BROAD


def _does_something(body: list[ast.stmt]) -> bool:
    """Whether an error goes on, or is kept: raised, returned, written down."""
    quiet = (ast.Pass, ast.Continue, ast.Break)
    return any(
        not isinstance(node, quiet)
        and not (isinstance(node, ast.Return) and (node.value is None or isinstance(node.value, ast.Constant)))
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in body
    )


def _judging(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The names of functions that may raise on purpose, or that call one that may; by their names alone."""
    calls: dict[str, set[str]] = {}
    found: set[str] = set()
    for function in (each for tree in trees for each in _functions(tree)):
        below = list(ast.walk(function))
        if any(isinstance(node, ast.Assert | ast.Raise) for node in below):
            found.add(function.name)
        calls.setdefault(function.name, set()).update(_name(node.func) for node in below if isinstance(node, ast.Call))
    while more := {name for name, called in calls.items() if name not in found and called & found}:
        found |= more
    return frozenset(found)


def _functions(tree: ast.AST) -> Iterator[_Function]:
    return (node for node in ast.walk(tree) if isinstance(node, _Function))


def _kinds(function: _Function) -> frozenset[str]:
    calls = (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)
    return frozenset(map(_name, calls)) & _STEP_WORDS


def _name(node: ast.expr) -> str:
    """The last word of what is called: `f` of `f()`, `x.f()`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _attributes(nodes: list[ast.AST]) -> bool:
    """Whether something of an object is looked at, which may look at the real thing."""
    return any(isinstance(node, ast.Attribute) for node in nodes)
