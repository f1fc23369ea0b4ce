"""What a runbook's new name changes in the texts of a project. Pure.

Links are followed from the page they stand on; a bare name counts only where a name can stand: in the data files.
Commands are never touched.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from runbook_steps.engine.authoring.new import paths_of
from runbook_steps.engine.sources.feedback_file import FEEDBACK
from runbook_steps.engine.sources.page_file import parse_page

__all__ = ["moved_texts"]

KEPT = frozenset({"docs/data/runbooks-1.0.txt", FEEDBACK})
"""Documents of the past, and what people said: nothing in them changes."""
_LINK = re.compile(r"(?P<before>\]\(<?|^\s*\[[^\]]+\]:\s+<?)(?P<target>[^)\s>]+)")
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|/", re.IGNORECASE)
_END = re.compile(r"---[ \t\r]*\n\Z")
_MOVED_FROM = re.compile(r"^moved_from:[^\n]*\n(?:[ \t]+[^\n]*\n|-[ \t][^\n]*\n)*", re.MULTILINE)


def moved_texts(texts: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """Path → text, of every file whose text changes when the runbook `old` becomes `new`; paths are those of before."""
    page = paths_of(old)[0]
    made = {}
    for path, text in texts.items():
        if path in KEPT:
            continue
        after = _paths(text, old, new)
        if path.startswith("docs/") and path.endswith(".md"):
            after = _links(after, path, old, new)
        elif path.startswith("docs/data/") or path.endswith((".yml", ".yaml")):
            after = _names(after, old, new)
        if path == page:
            after = with_moved_from(after, path, old, new)
        if after != text:
            made[path] = after
    return made


def with_moved_from(text: str, path: str, old: str, new: str) -> str:
    """The page with its former names in the head, the newest last; a name it takes again is no former one.

    An id that the page had from its name is written down: the short address stays.
    """
    head = parse_page(text, path).head
    before = head.values.get("moved_from") or []
    names = [name for name in dict.fromkeys([*before, old]) if name != new]
    lines = text.split("\n")
    block = "\n".join(lines[: head.length]) + "\n"
    rest = "\n".join(lines[head.length :])
    entry = "" if "id" in head.values else f"id: {old.rpartition('/')[2]}\n"
    entry += f"moved_from: [{', '.join(names)}]\n" if names else ""
    return _END.sub(f"{entry}---\n", _MOVED_FROM.sub("", block)) + rest


def _paths(text: str, old: str, new: str) -> str:
    for before, after in zip(paths_of(old), paths_of(new), strict=True):
        text = re.sub(rf"(?<![\w-]){re.escape(before)}(?![\w-])", after, text)
    return text


def _names(text: str, old: str, new: str) -> str:
    """Bare names, and addresses of the site in a line about a runbook, as alert rules have them."""
    text = re.sub(rf"(?<![\w/.-]){re.escape(old)}(?![\w/-])(?!\.(?!md\b)\w)", new, text)
    address = re.compile(rf"(https?://[^\s\"']*/){re.escape(old)}(?=[/#\"'\s]|$)")
    return "\n".join(address.sub(rf"\g<1>{new}", line) if "runbook" in line else line for line in text.split("\n"))


def _links(text: str, path: str, old: str, new: str) -> str:
    """The links of a page, which itself may be the one that moves."""
    was, becomes = paths_of(old)[0], paths_of(new)[0]
    here = becomes if path == was else path
    fences = parse_page(text, path).fences
    fenced = {line for fence in fences for line in range(fence.position.line, fence.end + 1)}

    def follow(found: re.Match[str]) -> str:
        target, hash_, anchor = found["target"].partition("#")
        if _OUTSIDE.match(found["target"]):
            return found[0]
        leads_to = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        moved = becomes if leads_to == was else leads_to
        if here == path and moved == leads_to:
            return found[0]
        return found["before"] + posixpath.relpath(moved, posixpath.dirname(here)) + hash_ + anchor

    return _each_line(text, lambda number, line: line if number in fenced else _LINK.sub(follow, line))


def _each_line(text: str, change: Callable[[int, str], str]) -> str:
    return "\n".join(change(number, line) for number, line in enumerate(text.split("\n"), 1))
