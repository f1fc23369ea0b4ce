"""HTML that a macro made goes past Markdown: it is inert already, and parsing it again is half the cost of a page.

A macro marks its block; the extension puts it aside before Markdown's own passes and it comes back as it was. What
the search leaves out comes back later still, when the theme shows the page: the search need not read it to skip it.
"""

from __future__ import annotations

import re
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from runbook_steps.engine.site.search_weights import UNSEARCHED

__all__ = ["MadeHtml", "made", "without_marks"]

_BEGIN, _END = "<!--made-->", "<!--/made-->"
_BLOCK = re.compile(rf"^{_BEGIN}(.*?){_END}$", re.MULTILINE | re.DOTALL)
_LEFT_OUT = re.compile(rf"<([a-z]+)\b[^>]* {UNSEARCHED}[^>]*>.*?</\1>", re.DOTALL)  # it holds none of its own kind
_LATE = re.compile(r"<!--late (\d+)-->")
_PRIORITY = 29  # after Markdown's own tidying of white space (30), before anything looks for fences or HTML


def made(html: str) -> str:
    """A block of HTML with its marks, on lines of its own. Text in it is escaped, so that it can hold no mark."""
    return f"\n{_BEGIN}{html.strip()}{_END}\n" if html else ""


def without_marks(text: str) -> str:
    """The same text for whoever reads it as Markdown."""
    return text.replace(_BEGIN, "").replace(_END, "")


class MadeHtml(Extension):
    """Of one build, registered when the macros are defined; without it the blocks are parsed, and come out the same."""

    def __init__(self) -> None:
        super().__init__()
        self._late: dict[str, str] = {}

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's name
        """Puts the marked blocks aside."""
        md.preprocessors.register(_PutAside(md, self), "runbooks_made_html", _PRIORITY)

    def forget(self) -> None:
        """Every page is rendered anew: nothing that was kept before is asked for again."""
        self._late.clear()

    def keep(self, html: str) -> str:
        """A mark that stands for that HTML until `whole`."""
        key = str(len(self._late))
        self._late[key] = html.replace(f" {UNSEARCHED}", "", 1)  # the search takes it out of what it reads, too
        return f"<!--late {key}-->"

    def whole(self, html: str) -> str:
        """A page with everything that was kept for it: the filter of the theme."""
        return _LATE.sub(lambda found: self._late.get(found[1], found[0]), html)


class _PutAside(Preprocessor):
    def __init__(self, md: Markdown, kept: MadeHtml) -> None:
        super().__init__(md)
        self._kept = kept

    def run(self, lines: list[str]) -> list[str]:
        return _BLOCK.sub(self._aside, "\n".join(lines)).split("\n")

    def _aside(self, found: re.Match[str]) -> str:
        stash: Any = self.md.htmlStash
        lean = _LEFT_OUT.sub(lambda part: self._kept.keep(part[0]), found[1])
        return f"\n\n{stash.store(lean)}\n\n"
