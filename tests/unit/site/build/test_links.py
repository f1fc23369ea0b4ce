"""Every link of a built site is followed, without the network."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.site.build.links import broken_links, read_site, unreachable

HOME = '<a href="a/">A</a> <a href="#top">top</a> <h1 id="top">Home</h1> <link href="x.css">'
PAGE = '<a href="..">home</a> <a href="../#top">t</a> <a href="https://a.com/x">A</a> <a href="mailto:a@b.com">m</a>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two pages and a style, all of whose links are good."""
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text(HOME)
    (tmp_path / "a/index.html").write_text(PAGE)
    (tmp_path / "x.css").write_text("")
    return tmp_path


def test_good_links_are_not_told(site: Path) -> None:
    """Relative, anchors, mail, external."""
    assert [] == list(broken_links(read_site(site)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("../#top", "../#bottom", "a/index.html: ../#bottom: there is no anchor “bottom” on that page"),
        ('".."', '"../b/"', "a/index.html: ../b/: there is no such page"),
        ('".."', '"../../"', "a/index.html: ../../: leads out of the site"),
        ("https://a.com/x", "http://a.com/x", "a/index.html: http://a.com/x: is not https"),
        ("mailto:a@b.com", "mailto:a", "a/index.html: mailto:a: is not well formed"),
        ("https://a.com/x", "javascript:x()", "a/index.html: javascript:x(): is not https"),
    ],
)
def test_a_link_that_leads_nowhere_is_told(site: Path, old: str, new: str, said: str) -> None:
    """With its page and what is wrong."""
    (site / "a/index.html").write_text(PAGE.replace(old, new))

    assert [said] == [str(bad) for bad in broken_links(read_site(site))]


def test_external_addresses_are_listed_and_asked_only_on_request(site: Path) -> None:
    """Each once, with the pages it is on."""
    external = read_site(site).external()

    assert {"https://a.com/x": ("a/index.html",)} == external
    assert ["a/index.html: https://a.com/x: answers 404"] == [
        str(b) for b in unreachable(external, lambda _: "answers 404")
    ]


def test_a_folder_without_a_site_is_refused(tmp_path: Path) -> None:
    """It says what to do."""
    with pytest.raises(ConfigurationError, match="build it with `make site`"):
        read_site(tmp_path)


def test_the_address_that_an_alert_gives_is_followed(site: Path) -> None:
    """It is the site's own, whatever host it is on; one that leads nowhere is told."""
    good = {"site": "https://b.com/r/", "alerts": [{"runbook_url": "https://b.com/r/a/"}]}
    (site / "alerts.json").write_text(json.dumps(good))
    found = read_site(site)
    bad = {**good, "alerts": [{"runbook_url": "https://b.com/r/b/"}]}
    (site / "alerts.json").write_text(json.dumps(bad))

    assert ([], ["https://a.com/x"]) == (list(broken_links(found)), list(found.external()))
    assert ["alerts.json: https://b.com/r/b/: there is no such page"] == [str(b) for b in broken_links(read_site(site))]


@pytest.mark.parametrize("text", ["{", "[]", '{"site": "https://b.com/"}', '{"site": "https://b.com/", "alerts": [1]}'])
def test_alerts_that_the_site_did_not_write_are_refused(site: Path, text: str) -> None:
    """In one line."""
    (site / "alerts.json").write_text(text)

    with pytest.raises(ConfigurationError, match="is not what the site wrote: build it again"):
        read_site(site)
