"""The views of evidence in a real browser: readable on a phone and on a desk, in both schemes, from a disk."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runbook_steps.engine.site.build.archive import write_archive
from runbook_steps.engine.site.build.links import broken_links, read_site
from tests.site.conftest import Built
from tests.site.reading import AXE, SIZES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
MATRIX = "about/proof/"
VIEW = "evidence/embedded/application/redis-out-of-memory.html"
VIEWS = (VIEW, "evidence/embedded/database/backup-and-restore.html", "evidence/embedded/health/daily-check.html")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own; what it asks for is kept in the order it asks."""
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(AXE)
    yield context.new_page()
    context.close()


def test_every_cell_leads_to_a_view(page: Page, served_site: str, built_site: Built) -> None:
    """By its own address; the view leads back to the page of the runbook."""
    page.goto(served_site + MATRIX)
    links = page.locator("td a[href*='evidence/']")
    found = {str(href).partition("/evidence/")[2] for href in links.evaluate_all("all => all.map(a => a.href)")}
    views = {
        path.relative_to(built_site.site / "evidence").as_posix() for path in built_site.site.glob("evidence/**/*.html")
    }
    assert views == found
    links.first.click()
    assert "Evidence on embedded" in page.locator("h1").inner_text()
    page.get_by_role("link", name="Runbook: ").click()
    page.locator(".rb-status").wait_for()


def test_a_view_offers_the_file_and_folds_the_output(page: Page, served_site: str, built_site: Built) -> None:
    """The evidence of the target, whole; an output opens by the keyboard."""
    page.goto(served_site + VIEW)
    with page.expect_download() as download:
        page.get_by_role("link", name="embedded.json").click()
    assert (built_site.site / "evidence/embedded.json").read_bytes() == download.value.path().read_bytes()
    output = page.locator("details pre").first
    assert not output.is_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert "idle in transaction" in output.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_readable(page: Page, served_site: str, size: str, scheme: str) -> None:
    """Axe finds nothing, with everything opened; nothing is cut off at the side, nothing comes from elsewhere."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    folder = ROOT / "build/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    for view in VIEWS:
        page.goto(served_site + view)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        violations = page.evaluate("axe.run().then(r => r.violations.map(v => `${v.id}: ${v.nodes[0].html}`))")
        assert [] == violations, view
        assert 0 == page.evaluate("document.documentElement.scrollWidth - innerWidth"), view
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 20, 26)"}[scheme] == background
    page.screenshot(path=folder / f"evidence-{size}-{scheme}.png")
    assert [] == [url for url in asked if not url.startswith(served_site)]


def test_from_a_disk_it_works(page: Page, built_site: Built, tmp_path: Path) -> None:
    """In the archive: from the matrix to the view, with its colours, to the procedure."""
    folder = tmp_path / "a folder"
    write_archive(built_site.site, tmp_path / "site.zip", folder)
    assert [] == [str(bad) for bad in broken_links(read_site(folder))]
    page.goto(f"{folder.as_uri()}/{MATRIX}index.html")
    page.locator(f"td a[href$='{VIEW}']").click()
    assert "rgb(23, 105, 59)" == page.locator(".rb-verdict strong").evaluate("each => getComputedStyle(each).color")
    page.get_by_role("link", name="The procedure on its page").first.click()
    assert re.search(r"/application/redis-out-of-memory/index\.html#the-keys", page.url)
    page.locator(".rb-status").wait_for()
