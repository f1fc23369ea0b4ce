"""HTML that a macro made goes past Markdown: it is inert already, and parsing it again is half the cost of a page.

A macro marks its block; the extension puts it aside before Markdown's own passes and it comes back as it was.
"""

from __future__ import annotations

import re
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

__all__ = ["MadeHtml", "made", "without_marks"]

_BEGIN, _END = "<!--made-->", "<!--/made-->"
_BLOCK = re.compile(rf"^{_BEGIN}(.*?){_END}$", re.MULTILINE | re.DOTALL)
_PRIORITY = 29  # after Markdown's own tidying of white space (30), before anything looks for fences or HTML


def made(html: str) -> str:
    """A block of HTML with its marks, on lines of its own. Text in it is escaped, so that it can hold no mark."""
    return f"\n{_BEGIN}{html.strip()}{_END}\n" if html else ""


def without_marks(text: str) -> str:
    """The same text for whoever reads it as Markdown."""
    return text.replace(_BEGIN, "").replace(_END, "")


class MadeHtml(Extension):
    """Registered when the macros are defined; without it the blocks are parsed, and come out the same."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's name
        """Puts the marked blocks aside."""
        md.preprocessors.register(_PutAside(md), "runbooks_made_html", _PRIORITY)


class _PutAside(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        stash: Any = self.md.htmlStash
        return _BLOCK.sub(lambda found: f"\n\n{stash.store(found[1])}\n\n", text).split("\n")
