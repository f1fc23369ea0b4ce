"""Short addresses, the index of alerts and the files for machines, as the built site has them."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.build.links import broken_links, read_site
from tests.site.conftest import Built, DemoProject

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
OWN = "https://beautycort.com/runbooks/"


def test_every_runbook_has_a_short_address_that_leads_to_it(built_site: Built) -> None:
    """Relative, so that it holds below a path and on a disk; and for a reader whose browser follows nothing."""
    for runbook in load_project(ROOT).runbooks:
        assert runbook.front_matter is not None
        page = (built_site.site / "r" / runbook.front_matter.id / "index.html").read_text("utf-8")
        target = f"../../{runbook.stem}/index.html"

        assert [f"0; url={target}"] == re.findall(r'http-equiv="refresh" content="([^"]*)"', page)
        assert [target] == re.findall(r'rel="canonical" href="([^"]*)"', page)
        assert [target] == re.findall(r'<a href="([^"]*)"', page)


@pytest.mark.parametrize("on_a_disk", [False, True], ids=["served", "on a disk"])
def test_a_browser_follows_a_short_address(
    browser: Browser, served_site: str, built_site: Built, *, on_a_disk: bool
) -> None:
    """With the part behind the `#`, below a sub-path and from a folder."""
    base = f"{built_site.site.as_uri()}/" if on_a_disk else served_site
    page = browser.new_page()
    page.goto(f"{base}r/redis-out-of-memory/index.html#rollback")
    page.wait_for_url(f"{base}application/redis-out-of-memory/index.html#rollback", timeout=20_000)

    assert "Free memory in Redis" == page.inner_text("h1").replace("¶", "").strip()
    page.close()


def test_a_page_tells_its_short_address(built_site: Built) -> None:
    """And what leads to it: alerts, messages word for word."""
    page = built_site.page("application/redis-out-of-memory")

    assert f"{OWN}r/redis-out-of-memory/</a>" in page
    assert "OOM command not allowed when used memory &gt; &#39;maxmemory&#39;." in page
    assert '<a href="../../alerts/index.html#redismemoryhigh">RedisMemoryHigh</a>' in page


def test_every_address_in_the_rules_is_one_of_the_site(built_site: Built) -> None:
    """Prometheus sends it to a telephone: it must open."""
    rules = yaml.safe_load((built_site.site / "alerts.rules.yml").read_text("utf-8"))["groups"][0]["rules"]
    given = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in rules}
    document = json.loads((built_site.site / "alerts.json").read_text("utf-8"))

    assert {alert["alert"]: alert["runbook_url"] for alert in document["alerts"] if alert["expr"]} == given
    assert [] == [
        url for url in given.values() if not (built_site.site / url.removeprefix(OWN) / "index.html").is_file()
    ]
    assert [] == list(broken_links(read_site(built_site.site)))


def test_every_alert_has_its_anchor(built_site: Built) -> None:
    """With threshold, severity and runbook."""
    page = built_site.page("alerts")
    alerts = load_project(ROOT).alerts

    assert [] == [name for name in alerts if f'<h2 id="{name.lower()}">' not in page]
    assert "<li>Rings: above 85 %, for 3m</li>" in page


def test_a_former_id_leads_to_the_page(demo: DemoProject) -> None:
    """It is in alerts and bookmarks."""
    page = "docs/database/connections-exhausted.md"
    demo.edit(page, "id: connections-exhausted", "id: connections-exhausted\nformer_ids: [too-many-clients]")
    site = demo.build().site

    for name in ("connections-exhausted", "too-many-clients"):
        assert "url=../../database/connections-exhausted/index.html" in (site / f"r/{name}/index.html").read_text()


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (
            "docs/database/connections-exhausted.md",
            "[DatabaseConnectionsHigh]",
            "[DatabaseConnectionsHigh, Nothing]",
            "docs/database/connections-exhausted.md:7: the alert Nothing is not in docs/data/alerts.yml",
        ),
        (
            "docs/data/alerts.yml",
            "runbook: connections-exhausted",
            "runbook: connections",
            "docs/data/alerts.yml:2: DatabaseConnectionsHigh leads to “connections”, which is no runbook",
        ),
        ("docs/data/alerts.yml", "    severity: MEDIUM\n", "", "docs/data/alerts.yml:2: needs `severity:`, in words"),
    ],
)
def test_an_alert_that_leads_nowhere_stops_the_build(
    demo: DemoProject, path: str, old: str, new: str, said: str
) -> None:
    """One line, file and line, and no site."""
    demo.edit(path, old, new)
    built = demo.build()

    assert (1, False) == (built.exit_code, (built.site / "index.html").exists())
    assert said in built.said
    assert "Traceback" not in built.said
