"""On a live target a step looks, or says why it does not: none passes there without either."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

STEPS = Path(__file__).parents[3] / "runbook_steps" / "steps"
DISPOSABLE, LIVE = "target.facts.disposable", "not target.facts.disposable"


def steps_of(source: str) -> Iterator[ast.FunctionDef]:
    """Every function that a Given or a Then calls."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            words = [ast.unparse(each).partition("(")[0] for each in node.decorator_list]
            if {"given", "then"} & set(words):
                yield node


def on_a_live_target(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run there, up to the first that ends it."""
    for statement in statements:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) in {DISPOSABLE, LIVE}:
            taken = statement.orelse if ast.unparse(statement.test) == DISPOSABLE else statement.body
            yield from on_a_live_target(taken)
            if taken and isinstance(taken[-1], ast.Return | ast.Raise):
                return
            continue
        yield statement


def says_nothing(statement: ast.stmt) -> bool:
    """Whether it neither looks nor tells."""
    match statement:
        case ast.Pass() | ast.Return(value=None):
            return True
        case ast.Expr(value=ast.Constant() | ast.Yield(value=None)):
            return True
    return False


def silent_steps(source: str) -> list[str]:
    """The steps that do nothing on a live target, and say nothing."""
    return [step.name for step in steps_of(source) if all(map(says_nothing, on_a_live_target(step.body)))]


def test_no_step_passes_on_a_live_target_by_doing_nothing() -> None:
    """`cannot_be_seen("why")` is what it calls there."""
    found = {file.name: silent_steps(file.read_text("utf-8")) for file in sorted(STEPS.glob("*.py"))}
    assert len(found) > 30
    assert {name: steps for name, steps in found.items() if steps} == {}


def test_such_a_step_is_found() -> None:
    """In each of the forms that were there."""
    source = """
@given("a")
def only_in_a_drill(target):
    if target.facts.disposable:
        arrange()

@then("b")
def leaves_at_once(target):
    if not target.facts.disposable:
        return
    assert looked()

@given("c")
def gives_way(target):
    if not target.facts.disposable:
        yield
        return
    yield

@then("d")
def looks(target):
    if target.facts.disposable:
        arrange()
    assert looked()

@then("e")
def says_why(target, cannot_be_seen):
    if target.facts.disposable:
        assert looked()
    else:
        cannot_be_seen("nobody knows")
"""
    assert silent_steps(source) == ["only_in_a_drill", "leaves_at_once", "gives_way"]


ENDS_THERE = ("only_disposable(", "control.pid(", "raise ")  # whatever of them is asked, on a live target it raises


def given_to_commands(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The variables that a statement sets for commands, with their values."""
    for node in ast.walk(statement):
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name("variables"), slice=ast.Constant(name))]):
                yield str(name), node.value
            case ast.Call(func=ast.Attribute(value=ast.Name("variables"), attr="update")):
                yield from ((each.arg or "**", each.value) for each in node.keywords)
                yield from (("**", each) for each in node.args)
            case ast.AugAssign(target=ast.Name("variables"), value=ast.Dict(keys, values)):
                yield from ((ast.unparse(k) if k else "**", v) for k, v in zip(keys, values, strict=True))


def is_of_the_drill(value: ast.expr) -> bool:
    """Whether it stands in the code, and nobody on a live target said it."""
    return isinstance(value, ast.Constant) or (isinstance(value, ast.Name) and value.id.isupper())


def drills_words(function: ast.FunctionDef) -> Iterator[str]:
    """What a live target's commands would get that was made up for a drill."""
    for statement in on_a_live_target(function.body):
        if any(words in ast.unparse(statement) for words in ENDS_THERE):
            return
        yield from (
            f"{function.name}: {name}" for name, value in given_to_commands(statement) if is_of_the_drill(value)
        )


def test_no_command_on_a_live_target_gets_what_a_drill_made_up() -> None:
    """An address, a limit or a message of the code would go before the one that a person set."""
    found = [
        said
        for file in sorted(STEPS.glob("*.py"))
        for each in steps_of(file.read_text("utf-8"))
        for said in drills_words(each)
    ]
    assert found == []
