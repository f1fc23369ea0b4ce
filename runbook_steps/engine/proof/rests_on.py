"""What a proof rests on: the steps of a scenario, the fixtures they ask for, the faults and operations behind them.

Everything is read, nothing is run. In the files of steps every function, class and value counts by itself, and only
where it is used, so that a change of one makes stale exactly the proofs that rest on it; faults and operations count
as whole files, with those that they import. Of the engine only the
steps that it brings and its notion of a fault count; targets do not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runbook_steps.engine.model import Procedure
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.sources.python_step_file import StepModule, read_step_module
from runbook_steps.engine.sources.python_steps import Catalog, lines_of, load_catalog

__all__ = ["SourceIndex", "changed_sources", "page_hash", "source_index"]

_SHOWN = 3
_NOTHING = StepModule({}, {}, {}, frozenset())
_CLAIMS = re.compile(r"^(?:reviewed|moved_from):.*(?:\n[ \t]+-.*)*\n", re.MULTILINE)


@dataclass(frozen=True)
class SourceIndex:
    """All sources of a project, hashed. `of` tells what one scenario rests on."""

    catalog: Catalog
    modules: Mapping[str, StepModule]
    fixtures: Mapping[str, str]
    files: Mapping[str, str]
    pages: Mapping[str, str]
    _known: dict[tuple[Procedure, str], dict[str, str]] = field(default_factory=dict, compare=False)

    def of(self, procedure: Procedure, stem: str) -> dict[str, str]:
        """Source → SHA-256, sorted: the page, `path::name` of steps and fixtures, files of faults and operations."""
        key = (procedure, stem)
        if key not in self._known:
            self._known[key] = dict(sorted(self._of(procedure, stem)))
        return self._known[key]

    def _of(self, procedure: Procedure, stem: str) -> Iterator[tuple[str, str]]:
        page = f"docs/{stem}.md"
        if page in self.pages:
            yield page, self.pages[page]
        found = (d for role, text in lines_of(procedure) for d in self.catalog.of(role, text))
        files = set(self.catalog.operations(procedure))
        for function in self._asked({definition.function.replace(":", "::", 1) for definition in found}):
            rests_on = self._closure(function)
            files |= {name for name in rests_on if "::" not in name}
            yield function, _hash("".join(self._part(name) for name in sorted(rests_on) if "::" in name))
        for path in self._reached(files):
            if path in self.files:
                yield path, self.files[path]

    def _asked(self, functions: set[str]) -> set[str]:
        """The steps, the fixtures they ask for, and those that these ask for."""
        todo, found = functions, set[str]()
        while todo:
            found |= todo
            words = {word for name in todo for word in self._module(name).asks.get(name.partition("::")[2], ())}
            todo = {self.fixtures[word] for word in words if word in self.fixtures} - found
        return found

    def _closure(self, function: str) -> set[str]:
        """A function, and all that it names, and that these name; whole files have no `::`."""
        todo, found = {function}, set[str]()
        while todo:
            name = todo.pop()
            if "::" not in name or self._part(name):
                found.add(name)
            todo |= self._module(name).uses.get(name.partition("::")[2], frozenset()) - found
        return found

    def _module(self, name: str) -> StepModule:
        return self.modules.get(name.partition("::")[0], _NOTHING)

    def _part(self, name: str) -> str:
        return self._module(name).parts.get(name.partition("::")[2], "")

    def _reached(self, files: set[str]) -> set[str]:
        todo, reached = set(files), set[str]()
        while todo:
            path = todo.pop()
            reached.add(path)
            todo |= self.catalog.imports.get(path, frozenset()) - reached
        return reached


def source_index(settings: Settings) -> SourceIndex:
    """The index of the project; files that are no Python are passed over."""
    catalog, root = load_catalog(settings), settings.root
    steps = settings.steps.replace(".", "/")
    modules = {
        path: read_step_module(path, catalog.texts[path], tree, frozenset(catalog.texts), steps)
        for path, tree in catalog.trees.items()
    }
    fixtures = {name: f"{path}::{name}" for path, module in modules.items() for name in module.fixtures}
    files = {path: _hash(text) for path, text in catalog.texts.items() if path not in modules}
    pages = {
        path.relative_to(root).as_posix(): page_hash(path.read_text("utf-8", errors="replace"))
        for path in (root / "docs").rglob("*.md")
    }
    return SourceIndex(catalog, modules, fixtures, files, pages)


def page_hash(text: str) -> str:
    """Of a page without what a signature or a move writes into it: that a person has read it changes no proof."""
    head, fence, body = text.partition("\n---\n")
    return _hash(_CLAIMS.sub("", f"{head}\n") + fence + body)


def changed_sources(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What has changed between two readings, in a few words; empty when nothing has."""
    changed = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    names = [(name.partition("/")[2] if ".py" in name else "") or name for name in changed[:_SHOWN]]
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return ", ".join(names) + more


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
