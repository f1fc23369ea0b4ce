"""Shell text as tree-sitter-bash reads it: its simple commands, and what of a text is data. Pure.

The one reader of shell: what a command starts is not looked for with regular expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

__all__ = ["Simple", "functions_of", "has_pipe", "second_statement", "simple_commands", "unsplit_in_zsh"]

_PARSER = Parser(Language(tree_sitter_bash.language()))
_WITH_BLANK = re.compile(r"\$\{\w+:?\+[^}]*\s")
_LOOPS = frozenset({"while_statement", "for_statement", "c_style_for_statement"})
_QUOTED = frozenset({"string", "heredoc_body"})
_VALUES = frozenset({"command_substitution", "process_substitution"})
_TOLD = _LOOPS | _QUOTED | _VALUES


@dataclass(frozen=True)
class Simple:
    """A simple command. `words` are as they are written, its name first, without redirections and assignments.

    `quoted`: it stands within quotes or a here-document, in `$(…)`. `looped`: a loop runs it.
    """

    words: tuple[str, ...]
    quoted: bool = False
    looped: bool = False


@lru_cache(maxsize=1024)
def simple_commands(text: str) -> tuple[Simple, ...]:
    """All of them, in the order of the text; of text that is no shell, what could be read."""
    return tuple(
        Simple(words, bool(around & _QUOTED), bool(around & _LOOPS))
        for node, around in _nodes(text)
        if node.type == "command" and (words := _words(node))
    )


def functions_of(text: str) -> frozenset[str]:
    """The names of the functions that the text defines."""
    names = [n.child_by_field_name("name") for n, _ in _nodes(text) if n.type == "function_definition"]
    return frozenset(_text(name) for name in names if name is not None)


def has_pipe(text: str) -> bool:
    """Whether a pipe's exit code counts: one in `$(…)` gives a value."""
    return any(node.type == "pipeline" and not around & _VALUES for node, around in _nodes(text))


def unsplit_in_zsh(text: str) -> tuple[str, ...]:
    """What bash splits into words and zsh does not: an expansion in the list of a `for`, or with a blank of its own."""
    return tuple(
        _text(node)
        for node, around in _nodes(text)
        if node.type in {"simple_expansion", "expansion"}
        and "string" not in around
        and (((p := node.parent) is not None and p.type == "for_statement") or _WITH_BLANK.match(_text(node)))
    )


def second_statement(text: str) -> int | None:
    """Where it begins in the text; None when there is one alone."""
    data = text.encode()
    found = [node for node in _PARSER.parse(data).root_node.named_children if node.type != "comment"]
    return len(data[: found[1].start_byte].decode()) if len(found) > 1 else None


def _nodes(text: str) -> Iterator[tuple[Node, frozenset[str]]]:
    """Every node with the kinds of those around it, in the order of the text; however deep they stand."""
    waiting = [(_PARSER.parse(text.encode("utf-8", "replace")).root_node, frozenset[str]())]
    while waiting:
        node, around = waiting.pop()
        yield node, around
        within = around | {node.type} if node.type in _TOLD else around
        waiting += [(child, within) for child in reversed(node.named_children)]


def _words(command: Node) -> tuple[str, ...]:
    """Without what belongs to a command, and is no word of it."""
    beside = ("variable_assignment", "comment")
    return tuple(
        _text(each) for each in command.named_children if each.type not in beside and "redirect" not in each.type
    )


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace").replace("\\\n", " ")
