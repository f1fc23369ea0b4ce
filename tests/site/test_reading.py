"""Read at 3 a.m., on a phone and on a desk: what is needed first is seen first, and what is copied is what ran."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from runbook_steps.engine.model import COUNTER_EXAMPLE, Procedure
from runbook_steps.engine.project.project import Project, load_project
from tests.site.conftest import Built
from tests.site.reading import SIZES, Reading, pages_of, read_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def readings(browser: Browser, built_site: Built, served_site: str) -> dict[str, Reading]:
    """Every page of the site, read once."""
    found = read_pages(browser, served_site, list(pages_of(built_site.site)))
    assert len(found) > 60
    return found


@pytest.fixture(scope="module")
def project() -> Project:
    """The sources of the site."""
    return load_project(ROOT)


@pytest.mark.parametrize("size", SIZES)
def test_status_risk_time_people_and_the_first_command_are_on_the_first_screen(
    readings: dict[str, Reading], size: str
) -> None:
    """Of every runbook, without scrolling, and nothing is cut off at the side."""
    height = SIZES[size][1]
    runbooks = {name: each.places[size] for name, each in readings.items() if each.runbook}
    wanted = ("title", "strip", "risk", "time", "escalate", "command", "copy")
    late = [
        f"{name}: {key} at {at[key]}" for name, at in runbooks.items() for key in wanted if (at[key] or 1e9) > height
    ]

    assert [] == late
    assert [] == [name for name, each in readings.items() if (each.places[size]["overflow"] or 0) > 0]
    assert len(runbooks) > 35


def test_on_a_telephone_no_table_is_cut(browser: Browser, served_site: str) -> None:
    """A row of a wide one stands as a block, each cell with the name of its column; on a desk it stays a table."""
    wide = "[...document.querySelectorAll('.md-typeset__scrollwrap')].filter(e => e.scrollWidth > e.clientWidth).length"
    shown = "getComputedStyle(document.querySelector('table[data-wide] td, td')).display"
    cut = {}
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for name in ("alerts/", "emergency/escalation/", "about/coverage/", "reference/contacts/", "reference/variables/"):
        page.goto(served_site + name)
        page.wait_for_function("document.querySelectorAll('.md-typeset__scrollwrap').length > 0")
        page.evaluate("window.dispatchEvent(new Event('resize'))")
        cut[name] = page.evaluate(wide)
    page.goto(served_site + "alerts/")
    page.wait_for_function("document.querySelector('table[data-wide]')")
    label = page.evaluate("getComputedStyle(document.querySelector('td:nth-child(2)'), '::before').content")
    narrow = page.evaluate(shown)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.reload()
    assert ({"block"}, "table-cell") == ({narrow}, page.evaluate(shown))
    page.close()

    assert "Go to" in label
    assert [] == [name for name, count in cut.items() if count]


def to_copy(procedure: Procedure) -> list[str]:
    """What a reader of the page may run: with the first row of an outline; nothing of what shows how not to do it."""
    if COUNTER_EXAMPLE in procedure.tags:
        return []
    values = dict(zip(*procedure.examples[:2], strict=True)) if procedure.examples else {}
    return [re.sub(r"<(\w+)>", lambda m: values.get(m[1], m[0]), command.text) for command in procedure.commands]


def test_every_copy_button_gives_the_bytes_that_run(readings: dict[str, Reading], project: Project) -> None:
    """The first command twice: on top, and where it belongs; then all of them in the order of the page."""
    different = {}
    for runbook in project.runbooks:
        page = project.page(runbook.stem)
        assert page is not None
        shown = [runbook.procedure(call.argument or "") for call in page.calls if call.macro == "procedure"]
        commands = [text for procedure in shown if procedure for text in to_copy(procedure)]
        if [*commands[:1], *commands] != list(readings[f"{runbook.stem}/"].copied):
            different[runbook.stem] = readings[f"{runbook.stem}/"].copied

    assert {} == different


def test_axe_finds_nothing_serious_on_any_page(readings: dict[str, Reading]) -> None:
    """In both colour schemes, with everything opened that can be."""
    assert [] == [f"{name} {said}" for name, each in readings.items() for said in each.violations]


def test_no_page_asks_another_origin_for_anything(readings: dict[str, Reading], served_site: str) -> None:
    """And none says an error in the console."""
    assert {urlsplit(served_site).netloc} == {urlsplit(url).netloc for each in readings.values() for url in each.asked}
    assert [] == [f"{name}: {said}" for name, each in readings.items() for said in each.troubles]


def test_a_bad_page_is_found_out(browser: Browser, served_site: str, built_site: Built) -> None:
    """What the tests above look for is found when it is there."""
    (built_site.site / "bad-page").mkdir(exist_ok=True)
    (built_site.site / "bad-page/index.html").write_text(
        '<!doctype html><html lang="en"><title>Bad</title><body style="background: #fff; margin: 0">'
        '<h1>Bad</h1><input><p style="color: #ccc">Too pale</p><div style="height: 900px; width: 500px"></div>'
        '<div class="rb-command" data-copy="x">late</div><img alt="" src="http://127.0.0.2:9/x.png"></body></html>',
        "utf-8",
    )
    try:
        bad = read_pages(browser, served_site, ["bad-page/"])["bad-page/"]
    finally:
        (built_site.site / "bad-page/index.html").unlink()

    assert {"any: label", "default: color-contrast", "slate: color-contrast"} == {
        ": ".join(said.split(": ")[:2]) for said in bad.violations
    }
    assert (bad.places["phone"]["command"] or 0) > SIZES["phone"][1]
    assert 110 == bad.places["phone"]["overflow"]
    assert "http://127.0.0.2:9/x.png" in bad.asked
    assert bad.troubles
