"""What stands at the end of each page: where its text is changed, and how to say what was wrong with it. Pure."""

from __future__ import annotations

from runbook_steps.engine.model import Runbook
from runbook_steps.engine.site.search_weights import UNSEARCHED
from runbook_steps.engine.text.html_text import inert

__all__ = ["page_end"]


def page_end(runbook: Runbook | None, edit_url: str | None, path: str) -> str:
    """HTML; `path` is the page's own below `docs/`. Without an address of the repository the file is named."""
    file = f"<code>docs/{inert(path)}</code>"
    edit = f'<a href="{inert(edit_url)}">Edit this page</a> ({file})' if edit_url else f"Its text is {file}"
    said = ""
    if runbook is not None and runbook.front_matter is not None:
        told = f'runbooks feedback add {runbook.front_matter.id} --by ROLE "what"'
        said = f" <code>{inert(told)}</code> tells its owner."
    return f'\n\n<aside class="rb-end" aria-label="Wrong?" {UNSEARCHED}><p>Was it wrong? {edit}.{said}</p></aside>\n'
