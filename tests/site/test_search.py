"""The search finds the page: for what a person sees, an alert that rings, a message, a command."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runbook_steps.engine.model import Runbook
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.build.archive import write_archive
from tests.site.conftest import Built

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
FIRST_HITS = 3
ASKED: Mapping[str, str] = {
    # alerts
    "RedisMemoryHigh": "application/redis-out-of-memory",
    "DatabaseConnectionsHigh": "database/connection-exhaustion",
    "CertificateExpiring": "security/certificate-check",
    "PlatformDown": "emergency/incident-response",
    "targetunhealthy": "infrastructure/load-balancer",
    # messages, whole and in parts, with everything around them that a person copies along
    "OOM command not allowed when used memory > 'maxmemory'.": "application/redis-out-of-memory",
    "OOM command not allowed": "application/redis-out-of-memory",
    "psycopg.OperationalError: FATAL:  sorry, too many clients already": "database/connection-exhaustion",
    "too many clients": "database/connection-exhaustion",
    "remaining connection slots are reserved": "database/connection-exhaustion",
    "curl: (60) SSL certificate problem: certificate has expired": "security/certificate-check",
    "NET::ERR_CERT_DATE_INVALID": "security/certificate-check",
    "OSError: [Errno 28] No space left on device: '/var/log/app.log'": "infrastructure/disk-space",
    "502 Bad Gateway": "application/high-error-rate",
    "ERROR:  canceling statement due to lock timeout": "database/blocked-queries",
    "deadlock detected": "database/blocked-queries",
    "JsonWebTokenError: jwt expired": "application/jwt-issues",
    "WRONGPASS invalid username-password pair or user is disabled.": "application/redis-connections",
    "NOAUTH Authentication required.": "application/redis-connections",
    "nginx: configuration file /etc/nginx/nginx.conf test failed": "infrastructure/nginx",
    "Target.FailedHealthChecks": "infrastructure/load-balancer",
    "PoolTimeout": "application/database-connections",
    "cannot execute UPDATE in a read-only transaction": "database/read-replicas",
    'ERROR:  relation "bookings" does not exist': "database/backup-and-restore",
    'column "note" of relation "bookings" contains null values': "database/failed-migration",
    "Out of memory: Killed process 4711 (node)": "infrastructure/memory",
    # commands
    "redis-cli INFO memory": "application/redis-out-of-memory",
    "redis-cli config get maxmemory": "application/redis-out-of-memory",
    "beautycort migrate up": "database/failed-migration",
    "certbot renew --dry-run": "security/certificate-renewal",
    "pg_terminate_backend": "database/connection-exhaustion",
    "VACUUM (VERBOSE, ANALYZE)": "maintenance/vacuum-and-reindex",
    "nginx -t": "infrastructure/nginx",
    "kubectl get hpa": "maintenance/auto-scaling",
    # what is seen
    "nobody can sign in": "application/redis-out-of-memory",
    "customers are signed out again and again": "application/jwt-issues",
    "rows are gone": "database/backup-and-restore",
    "max_connections": "database/connection-exhaustion",
    "disk full": "infrastructure/disk-space",
    "customers cannot pay": "application/high-error-rate",
    "site is down": "emergency/incident-response",
    "rollback deployment": "deployment/rollback",
    "who do I call": "emergency/escalation",
    # with a slip of the hand
    "certiicate expired": "security/certificate-check",
    "connectioon slots reserved": "database/connection-exhaustion",
    "redis authentiation required": "application/redis-connections",
}
"""What a person types or pastes → the page that must be among the first hits."""

ASK = """async (texts) => {
  const settings = JSON.parse(document.getElementById('__config').textContent);
  const base = new URL(settings.base + '/', location.href);
  const index = await (await fetch(new URL('search/search_index.json', base))).json();
  const worker = new Worker(new URL(settings.search, location.href));
  const answer = (message, type) => new Promise(resolve => {
    worker.onmessage = event => { if (event.data.type === type) resolve(event.data.data); };
    worker.postMessage(message);
  });
  await answer({type: 0, data: {...index, options: {suggest: true}}}, 1);
  const found = [];
  for (const text of texts) {
    const {items} = await answer({type: 2, data: text}, 3);
    found.push(items.slice(0, 3).map(page => page[0].location.split('#')[0].replace(/[/]$/, '')));
  }
  return found;
}"""
"""The search of the page itself, without drawing its results: hundreds of questions in seconds."""


@pytest.fixture(scope="module")
def home(browser: Browser, served_site: str) -> Iterator[Page]:
    """The home page with its search open."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(served_site)
    yield page
    page.close()


def typed(page: Page, text: str) -> list[str]:
    """The stems of the first hits, once the page shows those of this text."""
    field = page.locator("input.md-search__input")
    page.evaluate("document.querySelector('.md-search-result__list').replaceChildren()")
    field.fill(text)
    field.press("End")
    page.wait_for_selector(".md-search-result__item", timeout=20_000)
    links = page.locator(".md-search-result__item > a.md-search-result__link").evaluate_all(
        "links => links.slice(0, 3).map(link => new URL(link.href).pathname)"
    )
    return [path.removeprefix("/runbooks/").strip("/") for path in links]


def test_what_a_person_types_finds_its_page(home: Page) -> None:
    """Every one of the list, in the search field of the site, on a phone."""
    home.locator("label.rb-search").click()
    home.wait_for_selector(".md-search-result__meta", timeout=20_000)
    found = {text: typed(home, text) for text in ASKED}

    assert len(ASKED) >= 30
    assert {} == {text: hits for text, hits in found.items() if ASKED[text] not in hits[:FIRST_HITS]}


@pytest.mark.parametrize("script", ["**/javascripts/search.js", "**/no-such-script.js"])
def test_what_is_put_in_without_a_key_is_searched_too(browser: Browser, served_site: str, script: str) -> None:
    """Pasted by mouse or by touch, dropped or spoken. Without our script nothing is found: it is what does it."""
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.route(script, lambda route: route.abort())
    page.goto(served_site)
    page.locator("label.rb-search").tap()
    page.wait_for_selector(".md-search-result__meta", timeout=20_000)
    page.locator("input.md-search__input").tap()
    page.wait_for_timeout(500)  # the theme also looks when the field gets the focus
    page.keyboard.insert_text("OOM command not allowed")
    if script.endswith("/search.js"):
        page.wait_for_timeout(1_500)
        assert page.locator(".md-search-result__item").count() == 0
    else:
        first = page.locator(".md-search-result__item > a.md-search-result__link").first
        assert ASKED["OOM command not allowed"] in (first.get_attribute("href", timeout=5_000) or "")
    page.close()


def test_the_search_of_the_archive_takes_what_is_pasted_too(
    browser: Browser, built_site: Built, tmp_path: Path
) -> None:
    """From a folder, without a server: there the search runs in another way."""
    write_archive(built_site.site, tmp_path / "site.zip", tmp_path / "unpacked")
    page = browser.new_page()
    page.goto((tmp_path / "unpacked/index.html").as_uri())
    page.locator("label.rb-search").click()
    asked = {text: ASKED[text] for text in ("OOM command not allowed", "redis-cli config get maxmemory", "nginx -t")}
    hits = {text: typed(page, text) for text in asked}
    page.close()

    missed = {text: hits[text] for text, stem in asked.items() if not any(stem in hit for hit in hits[text])}
    assert {} == missed


def test_the_first_screen_of_a_phone_starts_from_what_is_seen(home: Page) -> None:
    """Where to type, what is worst, and the first alerts: all of them before anybody scrolls."""
    home.keyboard.press("Escape")
    inside = home.evaluate(
        """() => Object.fromEntries(['.rb-search', '.rb-worst a', '.rb-chip'].map(each => [each,
             [...document.querySelectorAll(each)].filter(found => {
               const box = found.getBoundingClientRect();
               return box.top >= 48 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
             }).length]))"""
    )

    runbooks = load_project(ROOT).runbooks
    worst = sum(each.front_matter.severity == "CRITICAL" for each in runbooks if each.front_matter)
    assert (1, worst) == (inside[".rb-search"], inside[".rb-worst a"])
    assert inside[".rb-chip"] >= 12


def test_every_alert_message_symptom_and_command_finds_its_page(home: Page) -> None:
    """Each that stands on one page alone."""
    runbooks = load_project(ROOT).runbooks
    wanted = dict(_unique(runbooks))
    found = dict(zip(wanted, home.evaluate(ASK, list(wanted)), strict=True))

    missed = {text: hits for text, hits in found.items() if wanted[text] not in hits}
    assert len(wanted) > 300
    assert {} == missed


def test_an_alert_leads_to_its_runbook_first(home: Page) -> None:
    """The page, before the index of alerts and every page that only tells of it."""
    project = load_project(ROOT)
    stems = {runbook.front_matter.id: runbook.stem for runbook in project.runbooks if runbook.front_matter}
    found = home.evaluate(ASK, list(project.alerts))

    shared = {name for name in project.alerts if sum(name in _alerts(each) for each in project.runbooks) > 1}
    assert {name: stems[alert.runbook] for name, alert in project.alerts.items() if name not in shared} == {
        name: hits[0] for name, hits in zip(project.alerts, found, strict=True) if name not in shared
    }


def _unique(runbooks: tuple[Runbook, ...]) -> Iterator[tuple[str, str]]:
    """What stands on the page of one runbook, and in the commands of no other; loops and brackets name nothing."""
    texts = {runbook.stem: _searchable(runbook) for runbook in runbooks}
    for runbook in runbooks:
        front = runbook.front_matter
        assert front is not None
        lines = [command.text.strip().partition("\n")[0] for each in runbook.procedures for command in each.commands]
        for line in (*front.alerts, *front.errors, *front.symptoms, *lines):
            others = [stem for stem, text in texts.items() if stem != runbook.stem and line in text]
            if not others and not re.fullmatch(r"(for|while|until) .*; do", line):
                yield line, runbook.stem


def _searchable(runbook: Runbook) -> str:
    front = runbook.front_matter
    assert front is not None
    commands = [command.text for procedure in runbook.procedures for command in procedure.commands]
    return "\n".join((*front.alerts, *front.errors, *front.symptoms, *commands))


def _alerts(runbook: Runbook) -> tuple[str, ...]:
    return runbook.front_matter.alerts if runbook.front_matter else ()
