"""The project on disk → values: features, pages, data files and evidence. The site's one side effect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from runbook_steps.engine.errors import EvidenceError, PageError, Position, SourceError
from runbook_steps.engine.model import Evidence, Procedure, Runbook
from runbook_steps.engine.proof.evidence_file import parse_evidence, read_evidence
from runbook_steps.engine.proof.past_runs import PastRun, past_runs
from runbook_steps.engine.proof.rests_on import SourceIndex, source_index
from runbook_steps.engine.proof.staleness import as_of
from runbook_steps.engine.proof.worth import WORTH, Worth, WorthThen, current_worth, load_worth, worth_history
from runbook_steps.engine.settings import Settings, load_settings
from runbook_steps.engine.sources.alerts_file import ALERTS, Alert, parse_alerts
from runbook_steps.engine.sources.feature_file import parse_feature, stem_of
from runbook_steps.engine.sources.feedback_file import FEEDBACK, Remark, parse_feedback
from runbook_steps.engine.sources.order_file import ORDER, Order, parse_order
from runbook_steps.engine.sources.page_file import Page, parse_page
from runbook_steps.engine.sources.people_and_levels import (
    Contact,
    Link,
    Severity,
    Vendor,
    parse_contacts,
    parse_links,
    parse_severities,
    parse_vendors,
)
from runbook_steps.engine.sources.search_file import SEARCH, Sayings, parse_sayings

__all__ = ["CONTACTS", "SEVERITIES", "Project", "load_project"]

SEVERITIES = "docs/data/severity.yml"
CONTACTS = "docs/data/contacts.yml"
LINKS = "docs/data/links.yml"
_K = TypeVar("_K")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Project:
    """Everything the site and the checks need. `runbooks` has one entry per feature, in order of their stems.

    `worth` is, by scenario, what its proof is worth as of now.
    `problems` are the files that could not be read as what they are; they are missing from the rest.
    """

    root: Path
    runbooks: tuple[Runbook, ...] = ()
    pages: tuple[Page, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    vendors: Mapping[str, Vendor] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    feedback: Mapping[int, Remark] = field(default_factory=dict)
    problems: tuple[SourceError, ...] = ()
    unreadable: frozenset[str] = frozenset()
    stale_fails: bool = False
    history: tuple[PastRun, ...] = ()
    worth: Mapping[str, Worth] = field(default_factory=dict)
    worth_history: tuple[WorthThen, ...] = ()
    settings: Settings = field(default_factory=lambda: Settings(Path()))
    order: Order = field(default_factory=Order)
    sayings: Sayings = field(default_factory=Sayings)

    def runbook(self, stem: str) -> Runbook | None:
        """The runbook of that stem, or None."""
        return self._runbooks_by_stem.get(stem)

    def page(self, stem: str) -> Page | None:
        """The page of that stem, or None."""
        return self._pages_by_stem.get(stem)

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The id of each runbook → the role that owns it."""
        return {front.id: front.owner for runbook in self.runbooks if (front := runbook.front_matter)}

    @cached_property
    def scenario_ids(self) -> tuple[str, ...]:
        """The ids of all scenarios, in the order of the files; a row of an outline each.

        Those of `unread_features` are missing: whoever counts on all of them asks for both.
        """
        return tuple(
            case.id_in(runbook.feature_path)
            for runbook in self.runbooks
            for procedure in runbook.procedures
            for case in procedure.runs
        )

    @property
    def unread_features(self) -> tuple[SourceError, ...]:
        """Why features could not be read."""
        return tuple(each for each in self.problems if each.position.path.startswith("features/"))

    @cached_property
    def _runbooks_by_stem(self) -> Mapping[str, Runbook]:
        return {runbook.stem: runbook for runbook in reversed(self.runbooks)}

    @cached_property
    def _pages_by_stem(self) -> Mapping[str, Page]:
        return {page.stem: page for page in reversed(self.pages)}

    def is_runbook(self, page: Page) -> bool:
        """Whether a page is a runbook: by its head, or because a feature has its stem."""
        return page.says_runbook or self.runbook(page.stem) is not None or page.stem in self.unreadable


def load_project(root: Path, today: dt.date | None = None) -> Project:
    """The project in that folder, as it is on disk now; what did not change is not parsed again.

    Raises EvidenceError for evidence that is broken or foreign, ConfigurationError for broken settings.
    A page or feature that cannot be read is a problem in the value. `today` (UTC) decides which proofs ran out.
    """
    settings = load_settings(root)
    problems: list[SourceError] = []
    unreadable: set[str] = set()
    runbooks: list[Runbook] = []
    for path in _files(root, "features", "*.feature"):
        text = _text(root, path, problems, unreadable)
        try:
            if text is not None:
                runbooks.append(_parse_feature(text, path, default_timeout_s=settings.command_timeout_s))
        except SourceError as error:
            problems.append(error)
            unreadable.add(stem_of(path))
    texts = [(path, _text(root, path, problems, unreadable)) for path in _files(root, "docs", "*.md")]
    pages = tuple(_parse_page(text, path) for path, text in texts if text is not None)
    by_stem = {page.stem: page for page in pages}
    bound = tuple(_bind(runbook, by_stem.get(runbook.stem)) for runbook in runbooks)
    sources, day = _sources(settings), today or dt.datetime.now(dt.UTC).date()
    return Project(
        root=root,
        runbooks=bound,
        pages=pages,
        evidence=tuple(_evidence(settings.evidence_dir, bound, sources, day, settings.evidence_key)),
        severities=_data(root, SEVERITIES, parse_severities, problems),
        contacts=_data(root, CONTACTS, parse_contacts, problems),
        vendors=_data(root, CONTACTS, parse_vendors, problems),
        links=_data(root, LINKS, parse_links, problems) if (root / LINKS).is_file() else {},
        alerts=_data(root, ALERTS, parse_alerts, problems) if (root / ALERTS).is_file() else {},
        feedback=_data(root, FEEDBACK, parse_feedback, problems) if (root / FEEDBACK).is_file() else {},
        unreadable=frozenset(unreadable),
        stale_fails=settings.stale_fails,
        history=past_runs(settings.evidence_dir),
        worth_history=worth_history(root / WORTH),
        worth=current_worth(load_worth(root / WORTH), bound, sources, settings.mistaken),
        settings=settings,
        order=_read(root, ORDER, parse_order, problems) or Order(),
        sayings=_read(root, SEARCH, parse_sayings, problems) or Sayings(),
        problems=tuple(problems),  # the last: what is read above may add to them
    )


# Both are pure functions of their text: an unchanged file is never parsed twice in one process.
_parse_feature = lru_cache(maxsize=4096)(parse_feature)
_parse_page = lru_cache(maxsize=4096)(parse_page)


_parse_evidence = lru_cache(maxsize=64)(parse_evidence)


def _files(root: Path, folder: str, pattern: str) -> Iterator[str]:
    yield from sorted(path.relative_to(root).as_posix() for path in (root / folder).rglob(pattern))


def _no_pipe(file: Path) -> Path:
    """To read a pipe would wait for somebody to write."""
    if file.is_fifo():
        raise OSError("it is a pipe, not a file")
    return file


def _text(root: Path, path: str, problems: list[SourceError], unreadable: set[str]) -> str | None:
    try:
        return _no_pipe(root / path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(PageError(Position(path, 1), f"cannot be read: {error}"))
        unreadable.add(stem_of(path))
        return None


def _bind(runbook: Runbook, page: Page | None) -> Runbook:
    if page is None:
        return runbook
    return replace(runbook, page_path=page.path, front_matter=page.front_matter()[0])


def _read(root: Path, path: str, parse: Callable[[str, str], _T], problems: list[SourceError]) -> _T | None:
    """What a data file holds that a project may have; None when it has none, or a broken one."""
    if not (root / path).is_file():
        return None
    try:
        return parse((root / path).read_text("utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(PageError(Position(path, 1), f"cannot be read: {error}"))
    except SourceError as error:
        problems.append(error)
    return None


def _data(
    root: Path, path: str, parse: Callable[[str, str], Mapping[_K, _T]], problems: list[SourceError]
) -> Mapping[_K, _T]:
    try:
        return parse((root / path).read_text("utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error.strerror
        problems.append(PageError(Position(path, 1), f"cannot be read: {reason}; pages refer to it"))
    except SourceError as error:
        problems.append(error)
    return {}


def _sources(settings: Settings) -> Callable[[Procedure, str], Mapping[str, str]]:
    index: list[SourceIndex] = []

    def sources(procedure: Procedure, stem: str) -> Mapping[str, str]:
        if not index:  # read when the first proof asks: a project that was never proven pays nothing
            index.append(source_index(settings))
        return index[0].of(procedure, stem)

    return sources


def _evidence(
    folder: Path,
    runbooks: tuple[Runbook, ...],
    sources: Callable[[Procedure, str], Mapping[str, str]],
    today: dt.date,
    key: Path | None,
) -> Iterator[Evidence]:
    for path in sorted(folder.glob("*.json")):
        data = read_evidence(path)
        found = _parse_evidence(data, path)
        if found.target != path.stem:
            raise EvidenceError(f"{path} is evidence of {found.target}: that is {found.target}.json; move it away")
        known = as_of(today, found, runbooks, sources)
        yield replace(known, claimed=_claimed(path, key, data)) if key else known


def _claimed(path: Path, key: Path, data: bytes) -> str:
    from runbook_steps.engine.proof.signed_evidence import signature_problem  # noqa: PLC0415 - cryptography is costly

    return signature_problem(path, key, data)
