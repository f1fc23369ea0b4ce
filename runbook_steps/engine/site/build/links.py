"""Every link of a built site: those inside it lead to a page and an anchor that exist, the others are well formed.

Nothing is fetched unless it is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.sources.people_and_levels import url_problem

__all__ = ["broken_links", "read_site", "unreachable"]

ALERTS = "alerts.json"
"""The file of the site that gives each alert the address of its runbook."""


@dataclass(frozen=True)
class BadLink:
    """A link that leads nowhere: the page it is on, relative to the site, where it points, and why it is bad."""

    page: str
    target: str
    problem: str

    def __str__(self) -> str:
        return f"{self.page}: {self.target}: {self.problem}"


@dataclass(frozen=True)
class SiteLinks:
    """What a built site holds: `links` and `anchors` by page, every `files`, paths relative to the site.

    `own` is the address the site has for itself, empty when it does not say; what starts with it is no external one.
    """

    links: Mapping[str, tuple[str, ...]]
    anchors: Mapping[str, frozenset[str]]
    files: frozenset[str]
    own: str = ""

    def external(self) -> dict[str, tuple[str, ...]]:
        """Addresses outside the site → the pages they are on, sorted."""
        found: dict[str, set[str]] = {}
        for page, targets in self.links.items():
            for target in targets:
                if target.startswith(("http:", "https:")) and not (self.own and target.startswith(self.own)):
                    found.setdefault(target, set()).add(page)
        return {target: tuple(sorted(pages)) for target, pages in sorted(found.items())}


@dataclass
class _Reader(HTMLParser):
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what can be followed, and where one can arrive."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in {"link", "script", "img"} and (source := given.get("src") or given.get("href")):
            self.links.append(source)


def read_site(folder: Path) -> SiteLinks:
    """The links of a built site, those of its alerts too. Raises ConfigurationError when there is none."""
    if not (folder / "index.html").is_file():
        raise ConfigurationError(f"no site in {folder}: build it with `make site`, or name its folder")
    links: dict[str, tuple[str, ...]] = {}
    anchors: dict[str, frozenset[str]] = {}
    for path in sorted(folder.rglob("*.html")):
        reader = _Reader()
        reader.feed(path.read_text("utf-8"))
        page = path.relative_to(folder).as_posix()
        links[page], anchors[page] = tuple(reader.links), frozenset(reader.anchors)
    files = frozenset(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    own = ""
    if ALERTS in files:
        own, links[ALERTS] = _alerts(folder / ALERTS)
    return SiteLinks(links, anchors, files, own)


def _alerts(path: Path) -> tuple[str, tuple[str, ...]]:
    """The address of the site, and those of the runbooks."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return str(document["site"]), tuple(str(alert["runbook_url"]) for alert in document["alerts"])
    except (ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(f"{path} is not what the site wrote: build it again") from error


def broken_links(site: SiteLinks) -> Iterator[BadLink]:
    """Every link that leads nowhere, or to an address that is not well formed."""
    for page, targets in site.links.items():
        if page == "404.html":
            continue  # its links are absolute: it is served for any address
        for target in dict.fromkeys(targets):
            if problem := _problem(site, page, target):
                yield BadLink(page, target, problem)


def _problem(site: SiteLinks, page: str, target: str) -> str:
    if site.own and target.startswith(site.own):
        page, target = "index.html", target.removeprefix(site.own) or "index.html"
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE)
    if scheme and scheme[0] in {"mailto:", "tel:"}:
        return "" if re.fullmatch(r"mailto:[^@\s]+@[^@\s]+\.[a-z]+|tel:\+?\d+", target) else "is not well formed"
    if scheme:
        return url_problem(target)
    parts = urlsplit(target)
    path = _resolved(page, unquote(parts.path))
    if path is None:
        return "leads out of the site"
    if path not in site.files:
        return "there is no such page"
    anchor = unquote(parts.fragment)
    if anchor and path in site.anchors and anchor not in site.anchors[path]:
        return f"there is no anchor “{anchor}” on that page"
    return ""


def _resolved(page: str, path: str) -> str | None:
    """The file that a path on a page means, None when it leaves the site."""
    if not path:
        return page
    parts = page.split("/")[:-1] if not path.startswith("/") else []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    found = "/".join(parts)
    return f"{found}/index.html".lstrip("/") if path.endswith(("/", ".", "..")) else found


def unreachable(urls: Mapping[str, tuple[str, ...]], ask: Callable[[str], str]) -> Iterator[BadLink]:
    """Every external address that does not answer; `ask` gives what went wrong, empty when nothing did."""
    for url, pages in urls.items():
        if problem := ask(url):
            yield BadLink(pages[0], url, problem)
