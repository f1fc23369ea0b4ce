"""What people type at three in the morning finds its page: on the site, from a folder, and for an assistant."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from runbook_steps.engine.site.build.archive import write_archive
from runbook_steps.engine.site.search.rank import ranked
from tests.site.conftest import Built
from tests.site.situations import FIRST_HITS, HELD_OUT, OURS, missed
from tests.site.test_search import ASK

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PUT_IN = """(text) => {
  const field = document.querySelector('input.md-search__input');
  document.querySelector('.md-search-result__list').replaceChildren();
  field.focus();
  field.select();
  document.execCommand('insertText', false, text);
}"""
"""As a paste does: the field has the focus, its text changes, no key is let go."""


@pytest.fixture(scope="module")
def index(built_site: Built) -> Mapping[str, Any]:
    """The index that the built site holds."""
    found: Mapping[str, Any] = json.loads((built_site.site / "search/search_index.json").read_text("utf-8"))["config"]
    order: Mapping[str, Any] = found["order"]
    return order


@pytest.fixture(scope="module")
def pages(
    browser: Browser, built_site: Built, served_site: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Page]]:
    """A page with an open search, from a server and from a folder."""
    folder = tmp_path_factory.mktemp("archive")
    write_archive(built_site.site, folder / "site.zip", folder / "unpacked")
    opened = {}
    for name, address in {"http": served_site, "file": (folder / "unpacked/index.html").as_uri()}.items():
        opened[name] = page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
        page.goto(address)
        page.locator("label.rb-search").tap()
        page.wait_for_selector(".md-search-result__meta", timeout=20_000)
    yield opened
    for page in opened.values():
        page.close()


def shown(page: Page, text: str) -> list[str]:
    """The stems of the first hits that the page shows for a pasted text."""
    page.evaluate(PUT_IN, text)
    page.wait_for_selector(".md-search-result__item", timeout=20_000)
    links = page.locator(".md-search-result__item > a.md-search-result__link").evaluate_all(
        "(links, most) => links.slice(0, most).map(link => new URL(link.href).pathname)", FIRST_HITS
    )
    return ["/".join(link.removesuffix("/index.html").strip("/").split("/")[-2:]) for link in links]


@pytest.mark.parametrize("source", ["http", "file"])
def test_every_situation_finds_its_page_when_it_is_pasted(pages: dict[str, Page], source: str) -> None:
    """Every one of them, in the search field of a phone, without a key."""
    assert len(OURS) >= 60
    assert {} == missed(OURS, {text: shown(pages[source], text) for text in OURS})


def test_situations_that_nothing_was_made_for_find_their_page(pages: dict[str, Page]) -> None:
    """All but two of a hundred: those that it was tried with, and no word was added for."""
    assert len(HELD_OUT) > 100
    found = dict(zip(HELD_OUT, pages["http"].evaluate(ASK, list(HELD_OUT)), strict=True))
    assert len(missed(HELD_OUT, found)) <= 2, missed(HELD_OUT, found)


def test_browser_and_assistant_say_the_same(pages: dict[str, Page], index: Mapping[str, Any]) -> None:
    """The same pages in the same order: the ranking is written twice, and may not drift apart."""
    asked = [*OURS, *HELD_OUT, "zebra crossing", "", "-h", "é̂ 漢字 ١٢٣", "x" * 300, "constructor toString __proto__"]
    browser = pages["http"].evaluate(ASK, asked)
    assert {} == {
        text: (hits, ranked(index, text)[:FIRST_HITS])
        for text, hits in zip(asked, browser, strict=True)
        if (own := ranked(index, text)[:FIRST_HITS]) and own != hits[: len(own)]
    }
