"""What a module offers to others is what others use: `__all__` names nothing that nobody asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BY_CONVENTION = {
    *("register", "main", "app", "create_app", "HOUSE"),  # found by their name: a command, a program, a house
    *("define_env", "on_post_build", "on_post_page_macros", "on_pre_page_macros"),  # as MkDocs' macros plugin does
}


def trees(*folders: str) -> dict[str, ast.Module]:
    """Module → its tree."""
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(file.read_text())
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
    }


def offered(tree: ast.Module) -> list[str]:
    """The names of its `__all__`."""
    return [
        name
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        for name in ast.literal_eval(node.value)
    ]


def used_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, name) of what it imports, and of what it reaches through a module that it imported."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module, alias.name
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (module := modules.get(ast.unparse(node.value))):
            yield module, node.attr


def unused(modules: Mapping[str, ast.Module], others: Mapping[str, ast.Module], by_string: str) -> list[str]:
    """`module: name` of what is offered, and neither imported elsewhere nor named by a string like `module:name`."""
    used = {found for name, tree in {**modules, **others}.items() for found in used_in(tree) if found[0] != name}
    strings = set(re.findall(r"([\w.]+):(\w+)", by_string))
    return [
        f"{module}: {name}"
        for module, tree in modules.items()
        for name in offered(tree)
        if (module, name) not in used | strings and name not in BY_CONVENTION
    ]


def test_everything_that_is_offered_is_used() -> None:
    """By the code, by a test, or by an entry point."""
    by_string = (ROOT / "pyproject.toml").read_text() + "".join(
        file.read_text() for file in ROOT.glob("runbook_steps/**/*.py")
    )
    assert unused(trees("runbook_steps"), trees("tests"), by_string) == []


@pytest.mark.parametrize(
    ("other", "left"),
    [
        ("from a import f", ["a: g"]),
        ("import a\na.f(); a.g()", []),
        ("from b import f, g", ["a: f", "a: g"]),
        ("# f and g", ["a: f", "a: g"]),
    ],
)
def test_a_name_that_nobody_uses_is_found(other: str, left: list[str]) -> None:
    """A mention is no use."""
    assert unused({"a": ast.parse("__all__ = ['f', 'g']")}, {"b": ast.parse(other)}, "") == left
