"""The rules for what points to something: ids, former names, alerts, parameters and feedback. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.model import FrontMatter, Runbook
from runbook_steps.engine.project.project import CONTACTS, SEVERITIES, Project
from runbook_steps.engine.sources.alerts_file import ALERTS
from runbook_steps.engine.sources.feedback_file import FEEDBACK
from runbook_steps.engine.sources.page_file import Page
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.sources.parameters import variables_of

__all__ = ["alert_problems", "feedback_problems", "identity_problems", "parameter_problems", "saying_problems"]


def identity_problems(project: Project) -> Iterator[PageError]:
    """An id, a former id and a former name lead to one page; a former name is nobody's name now."""
    yield from _ids(project)
    yield from _former_names(project)


def _ids(project: Project) -> Iterator[PageError]:
    taken: dict[str, tuple[Page, str]] = {}
    for key in ("id", "former_ids"):  # an id that somebody has now goes before one that somebody had
        for page, front in _heads(project):
            for word in (front.id,) if key == "id" else front.former_ids:
                first, its_key = taken.setdefault(word, (page, key))
                if (first, its_key) != (page, key):
                    yield PageError(page.head.at(key), f"id “{word}” is taken by {first.head.at(its_key)}")


def _former_names(project: Project) -> Iterator[PageError]:
    seen: dict[str, Page] = {}
    for page, front in _heads(project):
        for stem in front.moved_from:
            at = page.head.at("moved_from")
            if (there := project.page(stem)) is not None:
                yield PageError(at, f"moved_from names “{stem}”, but {there.path} exists")
            elif (first := seen.setdefault(stem, page)) is not page:
                yield PageError(at, f"moved_from names “{stem}”, and so does {first.path}")


def alert_problems(project: Project) -> Iterator[PageError]:
    """Alerts that pages name and nobody defined, and alerts that lead to no page that knows them.

    A project without the data file has nothing to check.
    """
    if not project.alerts:
        return
    pages = {front.id: (page, front) for page, front in _heads(project)}
    for page, front in pages.values():
        for name in front.alerts:
            if name not in project.alerts:
                hint = suggestion(name, list(project.alerts)) or "; define it there"
                yield PageError(page.head.at("alerts"), f"the alert {name} is not in {ALERTS}{hint}")
    for alert in project.alerts.values():
        if project.severities and alert.severity not in project.severities:
            hint = suggestion(alert.severity, list(project.severities)) or f"; known: {', '.join(project.severities)}"
            yield PageError(alert.position, f"severity “{alert.severity}” of {alert.name} is not in {SEVERITIES}{hint}")
        found = pages.get(alert.runbook)
        if found is None:
            hint = suggestion(alert.runbook, list(pages)) or "; `runbook` is the `id` of a page"
            yield PageError(alert.position, f"{alert.name} leads to “{alert.runbook}”, which is no runbook{hint}")
        elif alert.name not in found[1].alerts:
            message = f"{alert.name} leads here ({alert.position}), but `alerts` lacks it"
            yield PageError(found[0].head.at("alerts"), message)


def _heads(project: Project) -> Iterator[tuple[Page, FrontMatter]]:
    """The runbooks whose head can be read."""
    for page in filter(project.is_runbook, project.pages):
        front, _ = page.front_matter()
        if front is not None:
            yield page, front


def parameter_problems(page: Page, runbook: Runbook | None) -> Iterator[PageError]:
    """A declared parameter that no command of the page uses: whoever fills it in fills it in for nothing."""
    front, _ = page.front_matter()
    if front is None or runbook is None:
        return
    used = {
        name for procedure in runbook.procedures for command in procedure.commands for name in variables_of(command)
    }
    for name, _ in front.parameters:
        if name not in used:
            yield PageError(page.head.at("parameters"), f"no command of {runbook.feature_path} uses ${name}")


def feedback_problems(project: Project) -> Iterator[PageError]:
    """Of the open remarks; what was dealt with is history, and may name who and what is gone."""
    fronts = [runbook.front_matter for runbook in project.runbooks if runbook.front_matter]
    whole = not project.unreadable and len(fronts) == len([each for each in project.runbooks if each.page_path])
    ids = [name for front in fronts for name in (front.id, *front.former_ids)]
    for remark in project.feedback.values():
        if remark.resolved:
            continue
        at = Position(FEEDBACK, remark.line)
        if whole and remark.runbook not in ids:
            yield PageError(
                at, f"remark {remark.number}: no runbook has the id “{remark.runbook}”{suggestion(remark.runbook, ids)}"
            )
        if project.contacts and remark.by not in project.contacts:
            hint = suggestion(remark.by, list(project.contacts))
            yield PageError(at, f"remark {remark.number}: “{remark.by}” is no role of {CONTACTS}{hint}")


def saying_problems(project: Project) -> Iterator[PageError]:
    """What people say of a runbook that there is none of: the search would lead nobody."""
    ids = [name for _, front in _heads(project) for name in (front.id, *front.former_ids)]
    for name, position in project.sayings.positions.items():
        if name not in ids and not project.unreadable:
            yield PageError(position, f"no runbook has the id “{name}”{suggestion(name, ids)}")
