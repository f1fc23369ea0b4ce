"""A person with a page: values typed once, ticks, the keyboard alone, a diagram, paper, and no network at all."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runbook_steps.engine.site.build.archive import ARCHIVE, write_archive
from runbook_steps.engine.site.build.links import broken_links, read_site
from tests.site.conftest import Built
from tests.site.reading import SIZES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[2]
RESTORE = "database/backup-and-restore/"
ESCALATION = "emergency/escalation/"
BLOCKED = "database/blocked-queries/"
ERRORS = "application/high-error-rate/"
HIT = "a.md-search-result__link"
LATE_ANSWER = """text => {
  const field = document.querySelector(".md-search__input");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}"""
"""The rest of a question is answered when the person has already gone on to the hits."""
HOSTILE = "'; rm -rf / #$(touch /tmp/x)`id`\\' \"$HOME\" !! ünï"


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser; each test is another person, see `page`."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme="light", reduced_motion="reduce", accept_downloads=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, served_site: str) -> Iterator[Page]:
    """A tab that remembers nothing."""
    page = context.new_page()
    page.goto(f"{served_site}robots.txt")
    page.evaluate("localStorage.clear()")
    yield page
    page.close()


def copied(page: Page, command: int = 0) -> str:
    """What the clipboard holds after a click on the copy button of that command."""
    page.evaluate("navigator.clipboard.writeText('nothing yet')")
    page.locator(".rb-command").nth(command).locator("[data-clipboard-target]").click()
    page.wait_for_function("async () => await navigator.clipboard.readText() !== 'nothing yet'")
    return str(page.evaluate("navigator.clipboard.readText()"))


def using(page: Page, name: str) -> int:
    """The place of the first command that uses the variable."""
    uses = page.locator(".rb-command").evaluate_all("all => all.map(each => each.dataset.uses.split(' '))")
    return next(number for number, each in enumerate(uses) if name in each)


def run_in_bash(text: str) -> subprocess.CompletedProcess[str]:
    """What bash makes of text that somebody pastes."""
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=20, check=False)


def test_a_value_is_typed_once_and_set_before_every_command_that_uses_it(page: Page, served_site: str) -> None:
    """It is seen, copied, remembered until cleared, and other commands stay as they are."""
    page.goto(served_site + RESTORE)
    users = page.locator('.rb-command[data-uses~="BACKUP_LOCATION"]')
    page.get_by_label("BACKUP_LOCATION").fill("s3://backups/2026-11-24")
    line = "export BACKUP_LOCATION='s3://backups/2026-11-24'\n"

    assert users.count() > 1
    assert [line] * users.count() == users.locator(".rb-set").all_text_contents()
    assert users.count() == page.locator(".rb-set").count()
    number = using(page, "BACKUP_LOCATION")
    exact = page.locator(".rb-command").nth(number).get_attribute("data-copy")
    assert line + str(exact) == copied(page, number)
    assert "export" not in copied(page)

    page.reload()
    assert "s3://backups/2026-11-24" == page.get_by_label("BACKUP_LOCATION").input_value()
    assert "1 value." in page.locator(".rb-memory").inner_text()
    page.get_by_role("button", name="Clear values and ticks").click()
    assert (0, "", True) == (
        page.locator(".rb-set").count(),
        page.get_by_label("BACKUP_LOCATION").input_value(),
        page.locator(".rb-memory").is_hidden(),
    )
    page.reload()
    assert "" == page.get_by_label("BACKUP_LOCATION").input_value()


@pytest.mark.parametrize("value", [HOSTILE, "'", "a b  c", "$(id)", "-n", "\\", "*"])
def test_a_hostile_value_stays_one_word_of_a_shell(page: Page, served_site: str, value: str) -> None:
    """What is pasted sets the variable to what was typed, byte for byte, and runs nothing of it."""
    page.goto(served_site + ESCALATION)
    page.get_by_label("INCIDENT_SUMMARY").fill(value)
    line = page.locator(".rb-set").first.text_content() or ""
    done = run_in_bash(f"{line}printf '%s|' \"$INCIDENT_SUMMARY\"")

    assert (f"{value}|", "", 0) == (done.stdout, done.stderr, done.returncode)
    assert 1 == line.count("\n")


def test_what_a_terminal_would_obey_is_not_pasted(page: Page, served_site: str) -> None:
    """Escape sequences, direction marks and line ends are left out of a value."""
    page.goto(served_site + ESCALATION)
    page.get_by_label("INCIDENT_SUMMARY").evaluate(
        "(field) => { field.value = 'a\\u001b[31m\\u202eb\\u0007'; field.dispatchEvent(new Event('input')) }"
    )
    assert "export INCIDENT_SUMMARY='a[31mb'\n" == page.locator(".rb-set").first.text_content()


def test_a_command_of_psql_gets_its_value_as_psql_sets_it(page: Page, served_site: str) -> None:
    """Quotes and backslashes are doubled inside its quotes."""
    page.goto(served_site + BLOCKED)
    page.get_by_label("BLOCKER").fill("1'; DROP\\x")
    assert (
        "\\setenv BLOCKER '1''; DROP\\\\x'\n" == page.locator(".rb-command.language-sql .rb-set").first.text_content()
    )


def test_ticks_are_remembered_until_they_are_cleared(page: Page, served_site: str) -> None:
    """A tick of one page is none of another."""
    page.goto(served_site + "emergency/incident-report/")
    boxes = page.locator(".rb-manual input, .task-list-item input")
    assert boxes.count() >= 3
    boxes.nth(1).check()
    boxes.nth(2).check()
    page.reload()

    assert [False, True, True] == [boxes.nth(number).is_checked() for number in range(3)]
    assert "2 ticks." in page.locator(".rb-memory").inner_text()
    page.goto(served_site + ESCALATION)
    assert page.locator(".rb-memory").is_hidden()
    page.goto(served_site + "emergency/incident-report/")
    page.get_by_role("button", name="Clear values and ticks").click()
    page.reload()
    assert 0 == page.locator(".rb-manual input:checked, .task-list-item input:checked").count()


def test_without_javascript_the_page_stays_right(browser: Browser, served_site: str) -> None:
    """No box that does nothing; the page says to set the variable."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served_site + RESTORE)

    assert page.get_by_label("BACKUP_LOCATION").is_hidden()
    assert page.get_by_text("Set these in your shell").is_visible()
    page.locator(".rb-ways > summary").click()
    assert page.locator(".rb-way-list").is_visible()
    assert page.locator(".rb-diagram").is_hidden()
    context.close()


def test_the_keyboard_alone_is_enough(page: Page, served_site: str) -> None:
    """Skip link, copy, output, tick, search: each is reached with Tab, seen, and works with a key."""
    page.goto(served_site + RESTORE)
    page.keyboard.press("Tab")
    assert "Skip to content" == focused(page)[0]
    page.keyboard.press("Enter")
    tab_to(page, "button", "rb-command")
    page.evaluate("navigator.clipboard.writeText('nothing yet')")
    page.keyboard.press("Enter")
    page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('beautycort')")
    tab_to(page, "summary", "rb-output")
    page.keyboard.press("Enter")
    assert page.locator("details.rb-output[open]").count() == 1

    page.keyboard.press("/")
    page.keyboard.type("connections are")
    page.locator(".md-search-result__item a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.activeElement.closest('.md-search-result__list') !== null")
    page.evaluate(LATE_ANSWER, "connections are exhausted")
    page.locator(f"{HIT}[href*='connection-exhaustion']").first.wait_for()
    page.wait_for_function("document.activeElement.closest('.md-search-result__list') !== null")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r".*[?&]h=.*"))


def focused(page: Page) -> tuple[str, str, bool]:
    """The words and the tag of what has the focus, and whether it can be seen that it has."""
    found = page.evaluate(
        """() => {
          const at = document.activeElement;
          const seen = getComputedStyle(at).outlineStyle !== "none" && at.matches(":focus-visible");
          return [at.textContent.trim(), at.tagName.toLowerCase(), seen];
        }"""
    )
    return found[0], found[1], found[2]


def tab_to(page: Page, tag: str, within: str) -> None:
    """Presses Tab until that kind of thing has the focus; every stop on the way in the text shows where one is."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("within => document.activeElement.closest(`.${within}`) !== null", within):
            assert (tag, True) == focused(page)[1:]
            return
    pytest.fail(f"no {tag} in .{within} is reached with Tab")


def test_scripts_from_elsewhere_are_the_ones_that_were_looked_at() -> None:
    """Each has its hash in the decision that brought it, and its licence beside it."""
    scripts = ROOT / "docs/assets/javascripts"
    decided = (ROOT / "docs/decisions/0009-a-page-needs-no-network.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\S+\.min\.js)` \|.*`([0-9a-f]{64})` \|$", decided, re.MULTILINE))

    assert told == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in scripts.glob("*.min.js")}
    assert [] == [name for name in told if not (scripts / name.replace(".min.js", ".LICENSE.txt")).is_file()]


@pytest.mark.parametrize("address", [ERRORS, "health/daily-check/"])
def test_the_decisions_are_drawn_when_they_are_opened(page: Page, served_site: str, address: str) -> None:
    """By a Mermaid of this very site, in the colours of the scheme, with as many nodes as the list has places."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served_site + address)
    assert [] == [url for url in asked if "mermaid" in url]
    page.locator(".rb-ways > summary").click()
    page.locator(".rb-diagram svg").wait_for()

    assert [f"{served_site}assets/javascripts/mermaid.min.js"] == [url for url in asked if "mermaid" in url]
    links = page.locator(".rb-way-list a").count()
    assert links == page.locator(".rb-diagram svg a").count()
    box = page.locator(".rb-diagram svg").bounding_box()
    assert box is not None
    assert box["height"] > 200
    light = page.locator(".rb-diagram").inner_html()
    page.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
    page.wait_for_function("light => document.querySelector('.rb-diagram').innerHTML !== light", arg=light)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("database/blocked-queries/", True), ("deployment/rollback/", True), ("health/daily-check/", False)],
)
def test_on_a_telephone_a_diagram_is_whole(page: Page, served_site: str, address: str, shown: bool) -> None:
    """Nothing of it is beside the screen, and its words can be read; else the list alone is there."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(served_site + address)
    page.locator(".rb-ways > summary").click()
    page.locator(".rb-diagram svg").wait_for(state="attached")
    page.wait_for_function("shown => document.querySelector('.rb-diagram').checkVisibility() === shown", arg=shown)
    assert page.locator(".rb-way-list a").first.is_visible()
    if shown:
        beside, scale = page.evaluate(
            """() => {
              const figure = document.querySelector('.rb-diagram'), svg = figure.querySelector('svg');
              const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
              return [figure.scrollWidth - figure.clientWidth, scale];
            }"""
        )
        assert (beside, scale > 0.6) == (0, True)


def test_on_paper_everything_is_open_and_whole(page: Page, served_site: str) -> None:
    """Recorded outputs too; no menu, no button; addresses are written out; black on white in the dark as well."""
    page.goto(served_site + ESCALATION)
    page.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert 0 == page.locator(".md-content details:not([open])").count()
    hidden = ".md-header, .md-sidebar, .md-footer, .md-code__nav, .rb-start, .rb-jumps"
    assert {False} == set(page.locator(hidden).evaluate_all("all => all.map(each => each.checkVisibility())"))
    style = "selector => getComputedStyle(document.querySelector(selector))"
    assert "rgb(22, 32, 44)" == page.evaluate(f"({style})('.md-content p').color")
    assert "rgb(255, 255, 255)" == page.evaluate(f"({style})('body').backgroundColor")
    cut = "all => all.filter(each => each.scrollWidth > each.clientWidth + 1).length"
    assert 0 == page.locator(".md-content pre > code").evaluate_all(cut)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".md-content details:not([open])").count() > 0
    page.emulate_media(media="screen")


def test_the_home_page_gives_the_archive(page: Page, served_site: str, built_site: Built) -> None:
    """One click, the whole site."""
    page.goto(served_site)
    with page.expect_download() as download:
        page.get_by_role("link", name="all of this in one file").click()
    assert (built_site.site / ARCHIVE).read_bytes() == download.value.path().read_bytes()


def test_from_a_disk_all_of_it_works(browser: Browser, built_site: Built, tmp_path: Path) -> None:
    """Links, memory, copy, diagram and search, with no request but for its own files."""
    folder = tmp_path / "a folder"
    write_archive(built_site.site, tmp_path / "site.zip", folder)
    assert [] == [str(bad) for bad in broken_links(read_site(folder))]
    root = folder.as_uri()
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{root}/index.html")
    page.locator(".md-content a[href*='backup-and-restore']").first.click()
    assert f"{root}/{RESTORE}index.html" == page.url.partition("#")[0]
    page.get_by_label("BACKUP_LOCATION").fill("s3://b/1")
    page.reload()
    assert "s3://b/1" == page.get_by_label("BACKUP_LOCATION").input_value()
    assert copied(page, using(page, "BACKUP_LOCATION")).startswith("export BACKUP_LOCATION='s3://b/1'\n")
    page.locator(".rb-ways > summary").click()
    page.locator(".rb-diagram svg").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("connection exhaustion")
    first = page.locator(f".md-search-result__item:first-child > {HIT}[href*='connection-exhaustion/index.html']")
    first.click()
    page.wait_for_url(re.compile(r".*/database/connection-exhaustion/index\.html.*"))

    assert [] == [url for url in asked if not url.startswith((f"{root}/", "data:", "blob:"))]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_of_it_are_kept(browser: Browser, served_site: str, scheme: str) -> None:
    """Under build/screenshots, for whoever changes the look: both sizes, both schemes."""
    folder = ROOT / "build/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page = context.new_page()
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for name, address in {"home": "", "restore": RESTORE, "errors": ERRORS, "proof": "about/proof/"}.items():
            page.goto(served_site + address, wait_until="domcontentloaded")
            assert len(page.screenshot(path=folder / f"{name}-{size}-{scheme}.png")) > 5_000
    context.close()
