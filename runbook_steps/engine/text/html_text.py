"""Makes text from features and evidence inert: whatever it holds, it stays text on the page.

The result passes through Jinja's output, Python-Markdown's preprocessors and the browser unchanged,
so beside HTML's own characters it hides those that start a fence, a macro or an attribute list.
"""

from __future__ import annotations

import re

from runbook_steps.engine.text.terminal import printable

__all__ = ["code_spans", "guard", "html_text", "inert", "markdown_text", "slug"]

_LINE_OF_BLANKS = re.compile(r"^ +$", re.MULTILINE)
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
# A fence is found inside raw HTML too; tabs would become spaces; braces start macros and attribute lists.
_MARKDOWN = str.maketrans({"`": "&#96;", "~": "&#126;", "{": "&#123;", "}": "&#125;", "\t": "&#9;"})
_BACKSLASH = re.compile(r"([\\`*_{}\[\]()#+\-.!|])")


def guard(html: str) -> str:
    """HTML whose text no Markdown or Jinja pass will touch. Tags may hold none of the guarded characters."""
    return _LINE_OF_BLANKS.sub(lambda found: "&#32;" * len(found[0]), html.translate(_MARKDOWN))


def html_text(text: str) -> str:
    """HTML for text of any origin, on a page that no Markdown or Jinja pass touches."""
    return printable(text).translate(_HTML)


def inert(text: str) -> str:
    """HTML for text of any origin; line breaks stay."""
    return guard(html_text(text))


def code_spans(text: str) -> str:
    """HTML for one line of prose, where `backticks` mark code."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(f"<code>{inert(part)}</code>" if i % 2 else inert(part) for i, part in enumerate(parts))


def markdown_text(text: str) -> str:
    """Markdown for one line of text: shown as it is, nothing in it is markup."""
    line = " ".join(printable(text).split())
    return _BACKSLASH.sub(r"\\\1", line.translate(_HTML).replace("&#39;", "'").replace("&quot;", '"'))


def slug(text: str) -> str:
    """An anchor: lower case, words joined by hyphens; `procedure` when nothing is left."""
    return re.sub(r"[^\w]+", "-", text.casefold()).strip("-_") or "procedure"
