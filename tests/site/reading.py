"""What a real browser sees on every page of the site, read in one pass: a page is opened once for all questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

__all__ = ["AXE", "SIZES", "Reading", "pages_of", "read_pages"]

SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
_SCRIPT = (Path(__file__).parent / "reading_probe.js").read_text("utf-8")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


@dataclass(frozen=True)
class Reading:
    """One page. Places are in CSS pixels from the top, by size; `violations` are axe's, serious or critical ones.

    `copied` is what each copy button gave, in order; `asked` every address that the page asked for.
    """

    runbook: bool
    places: Mapping[str, Mapping[str, float | None]]
    copied: Sequence[str]
    violations: Sequence[str]
    asked: Sequence[str]
    troubles: Sequence[str]


def pages_of(site: Path) -> Iterator[str]:
    """Every page of a built site as its address below it, without those that only lead on."""
    for file in sorted(site.rglob("index.html")):
        if 'http-equiv="refresh"' not in file.read_text("utf-8"):
            folder = file.parent.relative_to(site).as_posix()
            yield "" if folder == "." else f"{folder}/"


def read_pages(browser: Browser, address: str, pages: Sequence[str]) -> dict[str, Reading]:
    """Opens each page once, at both sizes, in both colour schemes."""
    context = browser.new_context(color_scheme="light", reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(AXE)
    page = context.new_page()
    page.add_init_script(_SCRIPT)
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    found = {}
    seen: list[str] = []  # colours that were judged on an earlier page are not judged again
    page.set_viewport_size(_size("phone"))
    sizes = list(SIZES)
    for each in pages:
        asked.clear()
        troubles.clear()
        page.goto(address + each, wait_until="domcontentloaded")  # deferred scripts have run by then
        places = {sizes[0]: page.evaluate("probe.places()")}
        page.set_viewport_size(_size(sizes[1]))
        places[sizes[1]] = page.evaluate("probe.places()")
        sizes.reverse()  # a window takes its time to change its size: the next page starts with this one
        copied = page.evaluate("probe.copied()")
        judged: dict[str, Any] = page.evaluate("seen => probe.violations(seen)", seen)
        seen = judged["seen"]
        runbook = page.locator(".rb-status").count() > 0
        found[each] = Reading(runbook, places, copied, judged["violations"], tuple(asked), tuple(troubles))
    context.close()
    return found


def _size(name: str) -> ViewportSize:
    width, height = SIZES[name]
    return {"width": width, "height": height}
