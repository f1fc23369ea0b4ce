"""What stands right below the status strip: the first command, the values to fill in once, what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from runbook_steps.engine.model import Command, Procedure, Risk, Runbook
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.run.plan import has_no_undo
from runbook_steps.engine.run.reads import only_reads
from runbook_steps.engine.site.blocks.commands import command_block
from runbook_steps.engine.site.blocks.procedure import risk_badge
from runbook_steps.engine.site.blocks.ways_to_go import decision_block
from runbook_steps.engine.site.search_weights import UNSEARCHED
from runbook_steps.engine.site.words import RISK_SAYS
from runbook_steps.engine.sources.page_file import Page
from runbook_steps.engine.sources.parameters import Parameter, parameters
from runbook_steps.engine.text.html_text import code_spans, inert, slug

__all__ = ["page_start"]


def page_start(project: Project, runbook: Runbook) -> str:
    """HTML for the start of a runbook. Without JavaScript all of it stays true."""
    page = project.page(runbook.stem)
    titles = {each.stem: str(each.head.values.get("title", "")) or each.title for each in project.pages}
    ways = decision_block(page, runbook, titles) if page else ""
    first = first_command(runbook, page)
    card = _first(*first, project.settings.reads) if first else ""
    return (
        # no <div>, because what the search leaves out must hold no element of its own kind
        f'\n<aside class="rb-tools" aria-label="Start" data-page="{inert(runbook.stem)}" tabindex="-1" {UNSEARCHED}>'
        f"{card}{_form(parameters(runbook))}{_MEMORY}{ways}</aside>\n"
    )


def first_command(runbook: Runbook, page: Page | None) -> tuple[Procedure, Command] | None:
    """The first command in the order of the page, None when it shows none."""
    for procedure in _shown(runbook, page):
        if procedure.commands:
            return procedure, procedure.commands[0]
    return None


def _shown(runbook: Runbook, page: Page | None) -> Iterable[Procedure]:
    names = [call.argument for call in page.calls if call.macro == "procedure" and call.argument] if page else []
    return (procedure for name in names if (procedure := runbook.procedure(name)) is not None)


def _first(procedure: Procedure, command: Command, readers: Iterable[str]) -> str:
    """What it says of the risk is that of this command, not of the procedure that it begins."""
    title = code_spans(command.purpose[:1].upper() + command.purpose[1:])
    badge = risk_badge(procedure.risk, undone=not has_no_undo(procedure))
    said = f"{badge}: read the procedure to its end before you run it."
    if procedure.risk is Risk.READONLY:
        said = "It only reads."
    elif only_reads(command, readers):
        said = f"It only reads; what follows it {RISK_SAYS[procedure.risk][0].lower()}."
        if procedure.risk is Risk.DESTRUCTIVE:
            said = f"It only reads; what follows it {RISK_SAYS[procedure.risk][1]}."
    return (
        '<section class="rb-start" aria-label="The first command of this page">'
        f'<p class="rb-title"><span class="rb-label">First</span> {title}</p>{command_block(command)}'
        f'<p class="rb-hint">{said} <a href="#{slug(procedure.name)}">The whole procedure</a></p></section>'
    )


def _form(values: tuple[Parameter, ...]) -> str:
    if not values:
        return ""
    return (
        '<form class="rb-fill" aria-label="Fill in once"><p class="rb-label">Fill in once</p>'
        f'<div class="rb-fields">{"".join(_field(value) for value in values)}</div>'
        '<p class="rb-hint"><span class="rb-without">Set these in your shell before you run what uses them.</span>'
        '<span class="rb-with">Each command below that uses a value sets it first. Nothing leaves this device.</span>'
        "</p></form>"
    )


def _field(value: Parameter) -> str:
    name = inert(value.name)
    return (
        f'<p><label for="rb-value-{name}"><code>{name}</code> <span>{code_spans(value.meaning)}</span></label>'
        f'<input id="rb-value-{name}" data-parameter="{name}" type="text" autocomplete="off" autocapitalize="off" '
        'spellcheck="false"></p>'
    )


_MEMORY = (
    '<p class="rb-memory" hidden><span class="rb-remembered"></span> '
    '<button type="button" class="rb-clear">Clear values and ticks</button></p>'
)
