"""A name that a person or a machine gives → the one runbook it means, or the refusal. Pure; decided only here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import Runbook
from runbook_steps.engine.project.project import CONTACTS, Project
from runbook_steps.engine.sources.feedback_file import FEEDBACK
from runbook_steps.engine.sources.page_head import suggestion

__all__ = ["find_runbook", "named_runbook", "refuse_broken_feedback", "refuse_unknown_role"]

_SHOWN = 80
_PLACES = {"features": ".feature", "docs": ".md"}


def find_runbook(runbooks: Iterable[Runbook], name: str, root: Path = Path()) -> Runbook | None:
    """The runbook of that name, or None. Raises ConfigurationError with the candidates when it is the name of several.

    What a runbook is called now goes before what it was called, and both before parts of it: its id, `domain/name` or
    a path of its files; a former id or name; the last part of a name; its title, in capitals or not.
    """
    word = _word(name, root)
    known = tuple(runbooks)
    for names in (_now, _before, _last_parts, _titles):
        found = [
            runbook for runbook in known if word and word.casefold() in {each.casefold() for each in names(runbook)}
        ]
        exact = [runbook for runbook in found if word in names(runbook)]
        if len(exact or found) > 1:
            listed = "".join(f"\n  {runbook.stem}" for runbook in exact or found)
            raise ConfigurationError(
                f"{_short(name)!r} is the name of {len(exact or found)} runbooks; say which:{listed}"
            )
        if found:
            return (exact or found)[0]
    return None


def named_runbook(project: Project, name: str, *, tip: str = "`runbooks list` names them") -> Runbook:
    """As `find_runbook`; raises ConfigurationError also when there is none, and names the nearest."""
    found = find_runbook(project.runbooks, name, project.root)
    if found is None:
        words = [word for each in project.runbooks for names in (_titles, _before, _now) for word in names(each)]
        hint = suggestion(_short(name), words) or f"; {tip}"
        raise ConfigurationError(f"there is no runbook {_short(name)!r}{hint}")
    return found


def refuse_unknown_role(project: Project, role: str) -> None:
    """Raises ConfigurationError for a role that is not in the contacts."""
    if role not in project.contacts:
        hint = suggestion(role, list(project.contacts)) or f"; known: {', '.join(project.contacts)}"
        raise ConfigurationError(f"{role!r} is no role of {CONTACTS}{hint}")


def refuse_broken_feedback(project: Project) -> None:
    """Raises what is wrong with the file: nobody may take it for an empty one."""
    for problem in project.problems:
        if problem.position.path == FEEDBACK:
            raise problem


def _word(name: str, root: Path) -> str:
    """The name without what a path has around it: `./features/x/y.feature`, `docs/x/y.md` and `/x/y/` are `x/y`."""
    word = name.strip().removeprefix(f"{root.absolute()}/").removeprefix("./").strip("/")
    for folder, ending in _PLACES.items():
        word = word.removeprefix(f"{folder}/").removesuffix(ending)
    return word


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def _now(runbook: Runbook) -> Iterator[str]:
    yield runbook.stem
    if runbook.front_matter:
        yield runbook.front_matter.id


def _before(runbook: Runbook) -> Iterator[str]:
    if runbook.front_matter:
        yield from runbook.front_matter.moved_from
        yield from runbook.front_matter.former_ids


def _last_parts(runbook: Runbook) -> Iterator[str]:
    former = runbook.front_matter.moved_from if runbook.front_matter else ()
    yield from (stem.rpartition("/")[2] for stem in (runbook.stem, *former))


def _titles(runbook: Runbook) -> Iterator[str]:
    yield runbook.front_matter.title if runbook.front_matter else runbook.name
