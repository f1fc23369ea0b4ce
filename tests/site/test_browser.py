"""The browser and the server that the other tests of the site rest on."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.site.browser import SUB_PATH

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_the_site_opens_in_a_browser_below_its_sub_path(browser: Browser, served_site: str) -> None:
    """Nothing of it is asked for above its path, and nothing is missing."""
    page = browser.new_page()
    answers: dict[str, int] = {}
    page.on("response", lambda answer: answers.update({answer.url: answer.status}))
    page.goto(served_site, wait_until="networkidle")

    assert "What do you see?" in page.inner_text("h1")
    assert {} == {url: code for url, code in answers.items() if code != 200 or not url.startswith(served_site)}
    page.close()


def test_nothing_is_served_outside_the_sub_path(served_site: str) -> None:
    """Otherwise a link that leaves the site would look good."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(served_site.replace(SUB_PATH, "/index.html"), timeout=10)

    assert 404 == caught.value.code
    caught.value.close()
