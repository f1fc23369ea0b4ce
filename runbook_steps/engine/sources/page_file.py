"""Markdown text → what the rules of the house are about: head, sections, fences, macro calls."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.model import FrontMatter
from runbook_steps.engine.sources.feature_file import BYTE_ORDER_MARK, MARKED, stem_of
from runbook_steps.engine.sources.indented_code import indented_code
from runbook_steps.engine.sources.page_head import RUNBOOK_KEYS, PageHead, read_front_matter, read_head

__all__ = ["SECTIONS", "MacroCall", "Page", "Section", "parse_page"]

SECTIONS = (
    "Use this when",
    "Impact",
    "Before you start",
    "Diagnosis",
    "Mitigation",
    "Verification",
    "Rollback",
    "Escalation",
    "Background",
)
"""The second-level headings of a runbook, in their order."""

_FENCE = re.compile(r"^(?P<lead>[\s>]*)(?P<mark>`{3,}|~{3,})\s*(?P<info>.*)$")
_HEADING = re.compile(r"^(?P<level>#{1,6})\s+(?P<title>.*?)(?:\s+#+)?(?:\s*\{:?[^}]*\})?\s*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNKNOWN_NAME = re.compile(r"^\W*(?P<word>[\w+.-]*)")


@dataclass(frozen=True)
class Section:
    """A second-level heading and the text below it, comments and deeper headings left out."""

    title: str
    position: Position
    text: str


@dataclass(frozen=True)
class Fence:
    """A fenced code block; `language` is empty when it names none. `end` is its last line."""

    language: str
    position: Position
    end: int


@dataclass(frozen=True)
class MacroCall:
    """A call of a macro. `argument` is its one literal text, None when it has another shape.

    `alone`: the call fills its line from the first column, so that what it returns stays a block.
    """

    macro: str
    argument: str | None
    position: Position
    alone: bool
    section: str | None


@dataclass(frozen=True)
class Page:
    """A page as its text has it. `title` is its first-level heading; `names` are the macros' free names.

    `lines` is all of its text, comments left out. `macros_known` is False when its macros cannot be read.
    `says_runbook`: by its own head it is a runbook; a page that shares its stem with a feature is one anyway.
    """

    path: str
    stem: str
    head: PageHead
    says_runbook: bool
    title: str
    title_position: Position | None
    sections: tuple[Section, ...]
    fences: tuple[Fence, ...]
    calls: tuple[MacroCall, ...]
    names: tuple[tuple[str, Position], ...]
    raw_blocks: tuple[Position, ...]
    indented: tuple[Position, ...]
    problems: tuple[PageError, ...]
    lines: tuple[str, ...] = ()
    macros_known: bool = True

    def front_matter(self) -> tuple[FrontMatter | None, tuple[PageError, ...]]:
        """What a runbook's head says, or what is wrong with it."""
        return read_front_matter(self.head)

    def section(self, title: str) -> Section | None:
        """The section of that title, or None."""
        return next((section for section in self.sections if section.title == title), None)


@dataclass(frozen=True)
class _Heading:
    level: int
    title: str
    line: int


def parse_page(text: str, path: str) -> Page:
    """The structure of a page; `path` is relative to the project. Never raises: problems are in the value."""
    text = text.replace("\r\n", "\n")
    head = read_head(text, path)
    kind = head.values.get("kind")
    lines = text.split("\n")
    # comments keep their lines, so that positions stay right
    plain = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text).split("\n")
    fences = tuple(_fences(plain, path, head.length))
    headings = tuple(_headings(plain, fences, head.length))
    first = next((heading for heading in headings if heading.level == 1), None)
    sections = tuple(_sections(plain, headings, path))
    problems = list(head.problems)
    if text.startswith(BYTE_ORDER_MARK):
        problems = [PageError(Position(path, 1), MARKED)]  # what else is said of it follows from that
    if kind not in (None, "runbook", "page"):
        problems.append(PageError(head.at("kind"), "`kind` must be `runbook` or `page`"))
    calls: tuple[MacroCall, ...] = ()
    names: tuple[tuple[str, Position], ...] = ()
    macros_known = True
    if head.values.get("render_macros") is not False:
        try:
            calls, names = _macros(lines, head.length, path, sections)
        except TemplateSyntaxError as error:
            said = f"macro: {error.message}; braces that are text stand between {{% raw %}} and {{% endraw %}}"
            problems.append(PageError(Position(path, error.lineno + head.length), said))
            macros_known = False
    return Page(
        path=path,
        stem=stem_of(path),
        head=head,
        says_runbook=kind == "runbook" or (kind is None and bool(RUNBOOK_KEYS & head.values.keys())),
        title=first.title if first else "",
        title_position=Position(path, first.line) if first else None,
        sections=sections,
        fences=fences,
        calls=calls,
        names=names,
        raw_blocks=tuple(_raw_blocks(plain, fences, path)),
        indented=tuple(Position(path, line) for line in indented_code(plain, head.length)),
        problems=tuple(problems),
        lines=tuple(plain),
        macros_known=macros_known,
    )


def _fences(lines: list[str], path: str, start: int) -> Iterator[Fence]:
    opened: tuple[str, str, int] | None = None
    for number, line in enumerate(lines[start:], start + 1):
        found = _FENCE.match(line)
        if opened is None:
            if found and "`" not in found["info"]:
                opened = found["mark"], _language(found["info"]), number
        elif found and not found["info"].strip() and found["mark"].startswith(opened[0]):
            yield Fence(opened[1], Position(path, opened[2]), number)
            opened = None
    if opened is not None:
        yield Fence(opened[1], Position(path, opened[2]), len(lines))


def _language(info: str) -> str:
    found = _UNKNOWN_NAME.match(info.replace("lang=", ""))
    return found["word"].lstrip(".").casefold() if found else ""


def _headings(lines: list[str], fences: tuple[Fence, ...], start: int) -> Iterator[_Heading]:
    fenced = {line for fence in fences for line in range(fence.position.line, fence.end + 1)}
    for number, line in enumerate(lines[start:], start + 1):
        found = None if number in fenced else _HEADING.match(line)
        if found:
            yield _Heading(len(found["level"]), found["title"], number)


def _sections(lines: list[str], headings: tuple[_Heading, ...], path: str) -> Iterator[Section]:
    outer = [heading for heading in headings if heading.level <= 2]  # noqa: PLR2004 - h1 and h2
    inner = {heading.line for heading in headings}
    ends = [following.line - 1 for following in outer[1:]] + [len(lines)]
    for heading, end in zip(outer, ends, strict=False):
        if heading.level == 1:
            continue
        kept = [lines[number - 1] for number in range(heading.line + 1, end + 1) if number not in inner]
        yield Section(heading.title, Position(path, heading.line), "\n".join(kept).strip())


def _raw_blocks(lines: list[str], fences: tuple[Fence, ...], path: str) -> Iterator[Position]:
    """Where code is written as HTML, around the rules for fences."""
    fenced = {line for fence in fences for line in range(fence.position.line, fence.end + 1)}
    for number, line in enumerate(lines, 1):
        if number not in fenced and re.search(r"<pre\b", line, re.IGNORECASE):
            yield Position(path, number)


def _macros(
    lines: list[str], start: int, path: str, sections: tuple[Section, ...]
) -> tuple[tuple[MacroCall, ...], tuple[tuple[str, Position], ...]]:
    environment, source = Environment(autoescape=False), "\n".join(lines[start:])  # noqa: S701 - only parsed
    template = environment.parse(source)
    begun = Counter(number for number, kind, _ in environment.lex(source) if kind in {"variable_begin", "block_begin"})
    calls = []
    for node in template.find_all(nodes.Call):
        if isinstance(node.node, nodes.Name):
            line = node.lineno + start
            section = next((s.title for s in reversed(sections) if s.position.line < line), None)
            shown = lines[line - 1].rstrip()
            alone = shown.startswith("{{") and shown.endswith("}}") and begun[node.lineno] == 1
            calls.append(MacroCall(node.node.name, _literal(node), Position(path, line), alone, section))
    free = meta.find_undeclared_variables(template)
    names: dict[str, Position] = {}
    for name in template.find_all(nodes.Name):
        if name.name in free and name.ctx == "load":
            names.setdefault(name.name, Position(path, name.lineno + start))
    return tuple(sorted(calls, key=lambda call: call.position.line)), tuple(names.items())


def _literal(node: nodes.Call) -> str | None:
    if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
        return None
    only = node.args[0]
    return only.value if isinstance(only, nodes.Const) and isinstance(only.value, str) else None
