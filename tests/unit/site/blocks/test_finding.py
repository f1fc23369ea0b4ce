"""What leads from a screen to a runbook, as Markdown and HTML."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook_steps.engine.model import FrontMatter, Runbook
from runbook_steps.engine.site.blocks.alerts import alert_index
from runbook_steps.engine.site.blocks.finding import error_list, found_by, service_list, severity_list, start_here
from runbook_steps.engine.site.search_weights import search_settings
from runbook_steps.engine.sources.alerts_file import ALERTS, parse_alerts
from runbook_steps.engine.sources.people_and_levels import Severity
from tests.house import HOUSE_ORDER
from tests.unit.sources.test_alerts_file import SITE, TEXT

FRONT = FrontMatter(
    title="Cache is full",
    owner="DevOps Lead",
    severity="HIGH",
    alerts=("CacheFull",),
    services=("redis", "api"),
    reviewed="",
    review_every_days=90,
    expected_minutes=10,
    id="cache-full",
    symptoms=("nobody can <sign> in",),
    errors=("OOM {{ command }} *not* allowed | `x`",),
)
CACHE = Runbook("redis/full", "features/redis/full.feature", "x", "", (), "docs/redis/full.md", FRONT)
OTHER = replace(
    CACHE,
    stem="health/check",
    front_matter=replace(FRONT, title="A check", id="check", severity="LOW", services=("api",), errors=(), symptoms=()),
)
LEVELS = {name: Severity(name, "i", "r", "e", ()) for name in ("HIGH", "LOW")}
ALERTING = parse_alerts(TEXT, ALERTS)


def test_the_start_has_the_search_the_worst_and_the_alerts() -> None:
    """In this order; a runbook that is not of the worst severity is not among them."""
    lines = [line for line in start_here((OTHER, CACHE), ALERTING, LEVELS, HOUSE_ORDER).split("\n") if line]

    assert [
        '<label class="rb-search" for="__search">Search: a message, an alert, a command</label>',
        "[Nobody can &lt;sign&gt; in](redis/full.md)<br><small>Cache is full</small>",
        "{: .rb-worst }",
        "**Alerts, HIGH** [CacheFull](redis/full.md){ .rb-chip }",
        "{: .rb-chips }",
    ] == lines


def test_a_message_stays_text_and_leads_to_its_page() -> None:
    """Neither Jinja nor Markdown reads it."""
    assert (
        "\n<code>OOM &#123;&#123; command &#125;&#125; *not* allowed | &#96;x&#96;</code><br>"
        "[Cache is full](redis/full.md)\n{: .rb-message }\n"
    ) == error_list((OTHER, CACHE))
    assert "No runbook names a message yet." in error_list((OTHER,))


def test_services_and_severities_have_anchors() -> None:
    """By name, and by how bad it is."""
    services, severities = service_list((OTHER, CACHE)), severity_list((OTHER, CACHE), LEVELS)

    assert (
        "**api** [A check](health/check.md) · [Cache is full](redis/full.md)\n{: #service-api .rb-group }" in services
    )
    assert "**redis** [Cache is full](redis/full.md)\n{: #service-redis .rb-group }" in services
    assert severities.index("{: #severity-high .rb-group }") < severities.index("{: #severity-low .rb-group }")


@pytest.mark.parametrize(("folders", "up"), [(True, "../../"), (False, "../")])
def test_a_page_names_what_leads_to_it(*, folders: bool, up: str) -> None:
    """Links are relative to where the page will be; the short address is shown whole."""
    block = found_by(CACHE, ALERTING, (), SITE, folders=folders)

    said = "The cache is full: above 85 % for 5m; never proven to ring"
    assert f'<a href="{up}alerts/index.html#cachefull">CacheFull</a> – {said}' in block
    assert "<code>OOM &#123;&#123; command &#125;&#125; *not* allowed | &#96;x&#96;</code>" in block
    assert f'<a href="{up}index.html#service-redis">redis</a>' in block
    assert f'<a href="{up}r/cache-full/index.html">https://runbooks.example/r/cache-full/</a>' in block


def test_the_index_of_alerts_has_a_row_and_an_anchor_for_each() -> None:
    """Threshold, severity, runbook, where the number is from, and the other pages that know it."""
    index = alert_index(ALERTING, (CACHE, OTHER), LEVELS, (), "docs/alerts/index.md")

    assert (
        "| [CacheFull](#cachefull) | [Cache is full](../redis/full.md) | above 85 % | HIGH | never proven to ring |"
        in index
    )
    assert "## CacheFull {: #cachefull }" in index
    assert "- Go to: **[Cache is full](../redis/full.md)**, then [A check](../health/check.md)" in index
    assert "- Number from: measured once" in index
    assert "No alert is defined yet." in alert_index({}, (CACHE,), LEVELS, (), "docs/alerts/index.md")


@pytest.mark.parametrize(
    ("path", "runbook", "expected"),
    [
        ("redis/full.md", True, {}),
        ("index.md", False, {"exclude": True}),
        ("redis/index.md", False, {"boost": 0.1}),
        ("emergency/severity-levels.md", False, {"boost": 0.5}),
        ("decisions/0099-unseen.md", False, {"boost": 0.05}),
        ("contributing.md", False, {"boost": 0.05}),
    ],
)
def test_a_runbook_counts_most_in_the_search(path: str, expected: dict[str, object], *, runbook: bool) -> None:
    """Also a decision that is written tomorrow stands behind it."""
    assert expected == search_settings(path, HOUSE_ORDER.search, runbook=runbook)
