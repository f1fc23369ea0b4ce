"""What the page says for a procedure: its warnings, and where to go when it fails. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook_steps.engine.model import Risk, Runbook
from runbook_steps.engine.sources.page_file import Page

__all__ = ["warnings_before", "way_back", "without_markup"]

_CALL = re.compile(r"""\{\{\s*(\w+)\(\s*(?:["'](.*?)["'])?\s*\)\s*\}\}""")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_HEADING = re.compile(r"^##\s")
_WARNING = re.compile(r"^(?:!!!|\?\?\?\+?)\s+(?:danger|warning)\b(?:\s+\"(?P<title>.*)\")?\s*$")


def warnings_before(page: Page | None, name: str) -> tuple[str, ...]:
    """The warnings that stand between the procedure and the one before it, or the heading of its section."""
    calls = [call for call in page.calls if call.macro == "procedure"] if page else []
    at = next((call.position.line for call in calls if call.argument == name), None)
    if page is None or at is None:
        return ()
    begun = [number for number, line in enumerate(page.lines[:at], 1) if _HEADING.match(line)]
    begun += [call.position.line for call in calls if call.position.line < at]
    return tuple(_warnings(page.lines[max(begun, default=0) : at - 1]))


def _warnings(lines: tuple[str, ...]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if found := _WARNING.match(line):
            body = []
            for each in lines[number + 1 :]:
                if each.strip() and not each.startswith("    "):
                    break
                body.append(each.strip())
            yield f"{found['title'] or 'Warning'}: {without_markup(' '.join(body))}"


def without_markup(markdown: str) -> str:
    """Words as a terminal shows them, without macros."""
    return _LINK.sub(r"\1", _CALL.sub("", markdown)).replace("**", "").strip()


def way_back(page: Page | None, runbook: Runbook) -> str:
    """The section Rollback, a procedure as the command that runs it; never one that takes a way back away.

    That is what can lose data behind a paragraph that names a point of no return: the page tells when to do it.
    """
    section = page.section("Rollback") if page else None
    if section is None:
        return ""
    kept, over = [], False
    for paragraph in re.split(r"\n{2,}", section.text):
        over = over or "point of no return" in paragraph.casefold()
        kept.append(_CALL.sub(lambda found, over=over: _run(runbook, found, over=over), paragraph))
    text = _LINK.sub(r"\1", "\n\n".join(kept)).replace("**", "")
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _run(runbook: Runbook, found: re.Match[str], *, over: bool) -> str:
    if found[1] != "procedure":
        return ""
    procedure = runbook.procedure(found[2] or "")
    if procedure is None or (over and procedure.risk is Risk.DESTRUCTIVE):
        return f"(not now: “{found[2]}”)"
    return f'→ runbooks run {runbook.stem} --scenario "{found[2]}"'
