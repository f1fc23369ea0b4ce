"""The rules of the house, each as a function from the project to what breaks it. Pure.

Pages are checked here, features in `check_features`, and whether the two belong together in both places.
Links and anchors are the site builder's own strict check.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook_steps.engine.checks.features import feature_problems
from runbook_steps.engine.checks.references import (
    alert_problems,
    feedback_problems,
    identity_problems,
    parameter_problems,
    saying_problems,
)
from runbook_steps.engine.errors import FeatureError, PageError, Position, SourceError
from runbook_steps.engine.model import COUNTER_EXAMPLE, Risk, Runbook
from runbook_steps.engine.project.house import house_of
from runbook_steps.engine.project.project import CONTACTS, SEVERITIES, Project
from runbook_steps.engine.proof.staleness import stale_problems
from runbook_steps.engine.sources.page_file import SECTIONS, MacroCall, Page
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.text.html_text import slug

__all__ = ["check_project"]

MACROS = frozenset(
    {"procedure", "status", "symptoms", "runbooks", "evidence_schema", "runbooks_schema"}
    | {"severities", "escalations", "team", "vendors", "links", "section", "pages", "proofs"}
    | {"proof_counts", "proof_matrix", "worth", "slowest", "trend", "flaky"}
    | {"start", "messages", "by_service", "by_severity", "alerts", "no_undo"}
)
"""What a page may call, beside the macros of the project itself."""
EXECUTABLE = frozenset(
    {"bash", "sh", "shell", "zsh", "fish", "ksh", "console", "shell-session", "terminal", "powershell", "bat"}
    | {"sql", "psql", "postgres", "postgresql", "plpgsql", "redis", "python", "py"}
)
"""Fence languages that hold something to run: only a scenario may show those."""
_ON_RUNBOOKS = frozenset({"text", "yaml", "json", "gherkin", "mermaid"})
_ON_OTHER_PAGES = _ON_RUNBOOKS | {"markdown", "toml", "ini", "nginx", "diff", "html"}


def check_project(project: Project) -> tuple[SourceError, ...]:
    """Everything that breaks a rule, in order of file and line; empty when nothing does."""
    found = list(project.problems)
    macros = MACROS | house_of(project.settings).macros.keys()
    mistyped: set[str] = set()
    for page in project.pages:
        found += page.problems
        found += _fences(page, runbook=project.is_runbook(page))
        found += (unknown := list(_names(page, macros)))
        if unknown or not page.macros_known:  # what such a page shows is not known: one mistake, one message
            mistyped.add(page.stem)
    for page in filter(project.is_runbook, project.pages):
        found += _head(project, page)
        found += _sections(page)
        found += _calls(project, page) if page.stem not in mistyped else ()
        found += parameter_problems(page, project.runbook(page.stem))
    found += identity_problems(project)
    found += alert_problems(project)
    found += feedback_problems(project)
    found += saying_problems(project)
    for runbook in project.runbooks:
        found += feature_problems(runbook, project.settings.parts)
        found += _binding(project, runbook) if runbook.stem not in mistyped else ()
        found += _anchors(runbook)
    if project.stale_fails:
        found += stale_problems(project.runbooks, project.evidence)
    unique = {str(problem): problem for problem in found}
    return tuple(sorted(unique.values(), key=lambda p: (p.position.path, p.position.line)))


# ── any page ─────────────────────────────────────────────────────────────────────────────────────


def _fences(page: Page, *, runbook: bool) -> Iterator[PageError]:
    allowed = _ON_RUNBOOKS if runbook else _ON_OTHER_PAGES
    instead = "write it as a scenario and show it with {{ procedure(…) }}" if runbook else "use ```text, or a scenario"
    for fence in page.fences:
        if fence.language in EXECUTABLE:
            yield PageError(fence.position, f"a hand-written {fence.language} block: nothing ran it; {instead}")
        elif fence.language not in allowed:
            said = f"`{fence.language}` blocks are" if fence.language else "a block without a language is"
            names = ", ".join(sorted(allowed))
            yield PageError(fence.position, f"{said} not allowed here; name one of: {names}")
    for position in page.indented:
        yield PageError(position, f"an indented code block (four blanks before it): nothing ran it; {instead}")
    for position in page.raw_blocks:
        yield PageError(position, f"a hand-written <pre> block: nothing ran it; {instead}")


def _names(page: Page, macros: frozenset[str]) -> Iterator[PageError]:
    for name, position in page.names:
        if name not in macros:
            hint = suggestion(name, sorted(macros))
            yield PageError(position, f"unknown macro or variable “{name}”{hint}")


# ── runbook pages ────────────────────────────────────────────────────────────────────────────────


def _head(project: Project, page: Page) -> Iterator[PageError]:
    if page.head.length == 0:
        yield PageError(Position(page.path, 1), "has no front matter; copy the template from Contributing")
        return
    front, problems = page.front_matter()
    yield from problems
    if page.head.values.get("kind") == "page":
        yield PageError(page.head.at("kind"), f"is `kind: page`, but features/{page.stem}.feature exists")
    if front is None:
        return
    for key, word, known, file in (
        ("severity", front.severity, project.severities, SEVERITIES),
        ("owner", front.owner, project.contacts, CONTACTS),
    ):
        if known and word not in known:
            hint = suggestion(word, list(known)) or f"; known: {', '.join(known)}"
            yield PageError(page.head.at(key), f"{key} “{word}” is not in {file}{hint}")
    runbook = project.runbook(page.stem)
    tagged = {alert for p in runbook.procedures for alert in p.tagged("alert_")} if runbook else set()
    for alert in sorted(tagged - set(front.alerts)):
        yield PageError(page.head.at("alerts"), f"its feature has @alert_{alert}, `alerts` lacks {alert}")


def _sections(page: Page) -> Iterator[PageError]:
    start = page.title_position or Position(page.path, page.head.length + 1)
    if page.title_position is None:
        yield PageError(start, "has no `# Title` line")
    titles = [section.title for section in page.sections]
    for missing in (title for title in SECTIONS if title not in titles):
        yield PageError(start, f"section “{missing}” is missing; the order is {' · '.join(SECTIONS)}")
    last = -1
    for section in page.sections:
        title = section.title
        if title not in SECTIONS:
            hint = suggestion(title, list(SECTIONS)) or "; use ### below one of the fixed sections"
            yield PageError(section.position, f"“{title}” is no section of a runbook{hint}")
            continue
        place = SECTIONS.index(title)
        if place == last:
            yield PageError(section.position, f"section “{title}” stands twice")
        elif place < last:
            yield PageError(section.position, f"section “{title}” must stand before “{SECTIONS[last]}”")
        last = max(last, place)
        if not section.text:
            yield PageError(section.position, f"section “{title}” is empty")
    yield from _section_shapes(page)


def _section_shapes(page: Page) -> Iterator[PageError]:
    use = page.section("Use this when")
    if use and use.text and "not when" not in use.text.casefold():
        yield PageError(use.position, "“Use this when” must also say when not: **Not when** …")
    background = page.section("Background")
    if background and background.text and not background.text.startswith("???"):
        yield PageError(background.position, '“Background” must be collapsed: start it with `??? note "…"`')


def _calls(project: Project, page: Page) -> Iterator[PageError]:
    runbook = project.runbook(page.stem)
    fenced = {line for f in page.fences for line in range(f.position.line, f.end + 1)}
    if not any(call.macro == "status" for call in page.calls):
        yield PageError(page.title_position or Position(page.path, 1), "lacks {{ status() }} below its title")
    shown: dict[str, MacroCall] = {}
    for call in page.calls:
        if call.macro not in {"procedure", "status"}:
            continue
        if not call.alone or call.position.line in fenced:
            yield PageError(call.position, f"{call.macro}() must stand alone on its line, from the first column")
        if call.macro == "procedure":
            yield from _procedure_call(runbook, call)
            first = shown.setdefault(call.argument or "", call)
            if first is not call and call.argument:
                at = first.position.line
                yield PageError(call.position, f"“{call.argument}” is shown twice, first at line {at}")
    if runbook is None and page.stem not in project.unreadable:
        feature = f"features/{page.stem}.feature"
        yield PageError(Position(page.path, 1), f"an orphan page: {feature} does not exist")


def _procedure_call(runbook: Runbook | None, call: MacroCall) -> Iterator[PageError]:
    if call.argument is None:
        yield PageError(call.position, 'procedure() takes one name in quotes: {{ procedure("Scenario name") }}')
        return
    if runbook is None:
        return
    procedure = runbook.procedure(call.argument)
    if procedure is None:
        names = [each.name for each in runbook.procedures]
        hint = suggestion(call.argument, names)
        message = f"no scenario “{call.argument}” in {runbook.feature_path}{hint}"
        yield PageError(call.position, message)
    elif (COUNTER_EXAMPLE in procedure.tags) != (call.section == "Background"):
        said = "shows what must not be done: it belongs under Background, and only that does"
        if COUNTER_EXAMPLE not in procedure.tags:
            said = f"stands under Background, where nothing is copied: tag it @{COUNTER_EXAMPLE}, or show it above"
        yield PageError(call.position, f"“{procedure.name}” {said}")
    elif call.section == "Diagnosis" and procedure.risk is Risk.DESTRUCTIVE:
        yield PageError(
            call.position,
            f"Diagnosis breaks nothing, but “{procedure.name}” is @risk_{procedure.risk}; show it below",
        )


def _anchors(runbook: Runbook) -> Iterator[FeatureError]:
    """Two headings with one address: a link leads to the first."""
    taken = {slug(title): f"the section “{title}”" for title in SECTIONS}
    for procedure in runbook.procedures:
        other = taken.setdefault(slug(procedure.name), f"the scenario “{procedure.name}”")
        if other != f"the scenario “{procedure.name}”":
            said = f"“{procedure.name}” has the address of {other}, #{slug(procedure.name)}: word it otherwise"
            yield FeatureError(procedure.position, said)


# ── page and feature ─────────────────────────────────────────────────────────────────────────────


def _binding(project: Project, runbook: Runbook) -> Iterator[SourceError]:
    page = project.page(runbook.stem)
    if page is None:
        if runbook.stem not in project.unreadable:
            message = f"an orphan feature: docs/{runbook.stem}.md does not exist"
            yield FeatureError(Position(runbook.feature_path, 1), message)
        return
    shown = {call.argument for call in page.calls if call.macro == "procedure"}
    for procedure in runbook.procedures:
        if procedure.name not in shown:
            message = f"“{procedure.name}” is not shown on {page.path}: add {{{{ procedure(…) }}}} with its name"
            yield FeatureError(procedure.position, message)
