"""A read-only server of the Model Context Protocol: an assistant finds and quotes runbooks with their proof state.

It can run nothing: it imports neither the engine nor a target, a fault, an operation or a step (held by an import
rule), and every tool says that it only reads. The project is read anew for each question; what did not change is
not parsed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resources import FunctionResource
from mcp_types import ToolAnnotations

from runbook_steps.engine.errors import ConfigurationError, RunbookError
from runbook_steps.engine.project.find import named_runbook
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.site.machines.catalog import catalog, published
from runbook_steps.engine.site.machines.page_markdown import page_text, procedure_text, proof_sentence, warning_sentence
from runbook_steps.engine.site.search.aside import LONGEST_QUESTION
from runbook_steps.engine.site.search.index import make_index
from runbook_steps.engine.site.search.rank import ranked
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.text.terminal import printable

__all__ = ["make_server"]

LONGEST_QUERY = LONGEST_QUESTION
"""Characters of a question; a longer one is refused."""
_LONGEST_NAME = 400
_MOST_HITS = 10
_LONGEST_ECHO = 80
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "Runbooks that are proven by running them. Search by what a person sees: a symptom, an alert, an error text. "
    "Quote commands byte for byte, always with their risk, proof state and warning. Nothing here runs a command: "
    "a person does."
)


def make_server(root: Path, site_url: str) -> MCPServer:
    """The server of the project in that folder; `run("stdio")` serves. Raises RunbookError when it cannot be read."""
    reader = _Reader(root, site_url)
    server: MCPServer = MCPServer("runbooks", instructions=_INSTRUCTIONS, log_level="ERROR")
    for tool in (reader.search_runbooks, reader.get_runbook, reader.get_procedure, reader.proof_status):
        server.add_tool(_refusing(tool), name=tool.__name__, description=tool.__doc__, annotations=_READS)
    for entry in reader.document()["runbooks"]:
        server.add_resource(
            FunctionResource.from_function(
                _bound(reader, entry["stem"]),
                uri=f"runbook:///{entry['stem']}",
                name=entry["stem"],
                title=entry["title"],
                mime_type="text/markdown",
            )
        )
    return server


class _Reader:
    """Answers from the project as it is on disk now."""

    def __init__(self, root: Path, site_url: str) -> None:
        self._root = root
        self._site_url = site_url
        self._indexed: tuple[object, ...] = ()
        self._index: Mapping[str, Any] = {}

    def project(self) -> Project:
        return load_project(self._root)

    def document(self) -> dict[str, Any]:
        return catalog(self.project(), self._site_url, datetime.now(UTC))

    def search_runbooks(self, query: str) -> str:
        """Find runbooks by symptom, alert, error text, service or command. Gives the best ten with their proof."""
        if not query.strip() or len(query) > LONGEST_QUERY:
            raise ToolError(f"the query must be 1 to {LONGEST_QUERY} characters: a symptom, an alert or an error text")
        project = self.project()
        entries = {entry["stem"]: entry for entry in catalog(project, self._site_url, _now())["runbooks"]}
        hits = [entries[stem] for stem in ranked(self._index_of(project), query) if stem in entries][:_MOST_HITS]
        if not hits:
            return f"No runbook mentions “{_echo(query)}”. Try an alert name, a service or the words on the screen."
        return "\n".join(_line(entry) for entry in hits)

    def _index_of(self, project: Project) -> Mapping[str, Any]:
        """That of the site. What was read is made an index of once, until it changes."""
        read = (project.pages, project.runbooks, project.alerts, project.sayings, project.order)
        if read != self._indexed:
            self._indexed, self._index = read, make_index(project)
        return self._index

    def get_runbook(self, runbook: str) -> str:
        """The whole page of a runbook, named by stem (`database/blocked-queries`), id or title, procedures expanded."""
        project = self.project()
        entry = self._entry(project, runbook)
        page = project.page(entry["stem"])
        if page is None:
            raise ToolError(f"docs/{entry['stem']}.md is gone")
        return page_text((self._root / page.path).read_text("utf-8"), page, entry, self._site_url)

    def get_procedure(self, runbook: str, procedure: str) -> str:
        """One procedure of a runbook: its commands byte for byte, its risk, its proof state, and a warning if any."""
        entry = self._entry(self.project(), runbook)
        names = [each["name"] for each in entry["procedures"]]
        found = next((each for each in entry["procedures"] if each["name"].casefold() == procedure.casefold()), None)
        if found is None:
            hint = suggestion(procedure, names) or f"; it has: {'; '.join(names)}"
            raise ToolError(f"{entry['stem']} has no procedure “{_echo(procedure)}”{hint}")
        return f"{procedure_text(found)}\n\nSource: {found['url']}\n"

    def proof_status(self, runbook: str = "") -> str:
        """What is proven, when and on which target: of one runbook, by procedure, or of all when none is named."""
        project = self.project()
        if not runbook:
            return "\n".join(_line(entry) for entry in catalog(project, self._site_url, _now())["runbooks"])
        entry = self._entry(project, runbook)
        lines = [_line(entry)]
        for each in entry["procedures"]:
            warning = warning_sentence(each)
            lines.append(
                f"- {each['name']} [{each['risk']}]: {proof_sentence(each)}" + (f" {warning}" if warning else "")
            )
        return "\n".join(lines)

    def _entry(self, project: Project, runbook: str) -> dict[str, Any]:
        shown = replace(project, runbooks=tuple(each for each, _ in published(project)))
        try:
            stem = named_runbook(shown, runbook[:_LONGEST_NAME], tip="search_runbooks finds one").stem
        except ConfigurationError as error:
            broken = f"; one file cannot be read: {project.problems[0]}" if project.problems else ""
            raise ToolError(printable(f"{error}{broken}")) from error
        entries: list[dict[str, Any]] = catalog(project, self._site_url, _now())["runbooks"]
        return next(entry for entry in entries if entry["stem"] == stem)


def _line(entry: Mapping[str, Any]) -> str:
    proof = "; ".join(proof["verdict"] for proof in entry["proof"])
    return f"{entry['stem']}: {entry['title']} ({entry['severity']}; {proof}) {entry['url']}"


def _echo(text: str) -> str:
    """What was asked, on one short line: an answer repeats no control character and no long text."""
    line = " ".join(printable(text).split())
    return line if len(line) <= _LONGEST_ECHO else f"{line[:_LONGEST_ECHO]}…"


def _now() -> datetime:
    return datetime.now(UTC)


def _refusing(tool: Callable[..., str]) -> Callable[..., str]:
    """The tool, whose errors of this project are an answer in words."""

    @wraps(tool)
    def answer(*args: Any, **kwargs: Any) -> str:
        try:
            return tool(*args, **kwargs)
        except RunbookError as error:
            raise ToolError(str(error)) from error

    return answer


def _bound(reader: _Reader, stem: str) -> Callable[[], str]:
    return lambda: reader.get_runbook(stem)
