"""A page as plain Markdown for machines: procedures expanded, proof state in words, links absolute. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin

from runbook_steps.engine.model import Risk
from runbook_steps.engine.site.machines.catalog import address
from runbook_steps.engine.site.words import NO_UNDO_SAYS, RISK_SAYS, duration, local_time
from runbook_steps.engine.sources.page_file import MacroCall, Page

__all__ = ["absolute_links", "llms_text", "page_text", "procedure_text", "proof_sentence", "warning_sentence"]

_FENCED = re.compile(r"^(?P<mark>`{3,}|~{3,}).*?^(?P=mark)[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s]+)|(?P<attribute>\b(?:href|src)=\")(?P<html>[^\"]+)")
_MACRO = re.compile(r"\{\{.*?\}\}")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def page_text(
    source: str, page: Page, entry: Mapping[str, Any], site_url: str, expand: Callable[[MacroCall], str] | None = None
) -> str:
    """A runbook's page; `entry` is its part of the catalog, `source` the text of the file.

    `expand` gives what the lists of other data say; without it they are a link to the page.
    """
    lines = source.replace("\r\n", "\n").split("\n")
    procedures = {procedure["name"]: procedure for procedure in entry["procedures"]}
    shown = list(lines)
    for call in page.calls:
        at = call.position.line - 1
        if call.macro == "status":
            shown[at] = _head(entry)
        elif call.macro == "procedure":
            shown[at] = procedure_text(procedures[call.argument or ""])
        else:
            said = expand(call) if expand else f"(this list is on {entry['url']})"
            shown[at] = said.join(_MACRO.split(shown[at], maxsplit=1))
    return absolute_links("\n".join(shown[page.head.length :]).strip() + "\n", page.path, site_url)


def _head(entry: Mapping[str, Any]) -> str:
    lines = [
        f"- Page: {entry['url']} (short: {entry['short_url']})",
        f"- Severity: {entry['severity']} · owner: {entry['owner']} · about {entry['expected_minutes']} min",
    ]
    for name in ("alerts", "services", "symptoms"):
        if entry[name]:
            lines.append(f"- {name.capitalize()}: {'; '.join(entry[name])}")
    for proof in entry["proof"]:
        when = f", oldest proof {local_time(proof['oldest'])}" if proof["oldest"] else ""
        why = f": {'; '.join(proof['reasons'])}" if proof["reasons"] else ""
        lines.append(f"- Proof: {proof['verdict']} ({proof['proven']} of {proof['total']} scenarios{when}){why}")
    return "\n".join(lines)


def procedure_text(procedure: Mapping[str, Any]) -> str:
    """One procedure, an entry of the catalog. A command stands in a fence of its own, byte for byte."""
    risk = Risk(procedure["risk"])
    name, meaning = RISK_SAYS[risk]
    if risk is Risk.MUTATING and not any(step.get("undo") for step in procedure["steps"]):
        meaning = NO_UNDO_SAYS
    parts = [f"### {procedure['name']}", f"Risk: {name}, {meaning}.", proof_sentence(procedure)]
    if warning := warning_sentence(procedure):
        parts.append(f"> {warning}")
    if procedure["description"]:
        parts.append(procedure["description"])
    if procedure["situation"]:
        parts.append("Situation:\n\n" + _bullets(procedure["situation"]))
    number = 0
    for step in procedure["steps"]:
        if step["kind"] != "check":
            number += not step.get("undo")
            parts.append(_step(number, step))
        if step["checks"]:
            parts.append("Check:\n\n" + _bullets(step["checks"]))
    if procedure["examples"]:
        parts.append("Once for each row:\n\n" + _table(procedure["examples"]))
    return "\n\n".join(parts)


def proof_sentence(procedure: Mapping[str, Any]) -> str:
    """`Proof: passed on embedded, …`, for every target."""
    return "Proof: " + "; ".join(_proof(proof) for proof in procedure["proof"]) + "."


def _proof(proof: Mapping[str, Any]) -> str:
    said = str(proof["outcome"]) + (f" on {proof['target']}" if proof["target"] else "")
    if proof["started"]:
        said += f", {local_time(proof['started'])}, {proof['age_days']:g} days ago"
        said += f", commit {proof['commit'][:7]}" + (" + uncommitted changes" if proof["uncommitted_changes"] else "")
    reason = str(proof["reason"]).strip().splitlines()
    return said + (f" ({reason[0]})" if reason else "")


def warning_sentence(procedure: Mapping[str, Any]) -> str:
    """What a reader must know before following it; empty when it passed, as it is written now, on some target."""
    outcomes = {str(proof["outcome"]) for proof in procedure["proof"]}
    if procedure["manual"]:
        return "WARNING: left to a person; no machine verifies it."
    if outcomes == {"passed"}:
        return ""
    if "passed" in outcomes:
        rest = ", ".join(f"{p['outcome']} on {p['target']}" for p in procedure["proof"] if p["outcome"] != "passed")
        return f"WARNING: not proven everywhere: {rest}."
    return f"WARNING: this procedure is not proven as it is written now: {', '.join(sorted(outcomes))}."


def _step(number: int, step: Mapping[str, Any]) -> str:
    says = [f"within {duration(step['time_limit_s'])}"] if step["kind"] == "command" else []
    says += ["may be refused, see the check"] if step.get("may_fail") else []
    says += ["run it only if this procedure stops half-way"] if step.get("undo") else []
    says += ["behind it the undo above is of no use"] if step.get("ends_undo") else []
    purpose = step["purpose"].removeprefix("I ")
    named = f"Not now, to undo: {purpose}" if step.get("undo") else f"Step {number}: {purpose[:1].upper()}{purpose[1:]}"
    title = named + (f" ({'; '.join(says)})" if says else "")
    table = f"\n\n{_table(step['table'])}" if step["table"] else ""
    if step["kind"] != "command":
        return title + table
    longest = max((len(run) for run in re.findall(r"`+", step["command"])), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{title}{table}\n\n{fence}{step['language']}\n{step['command']}\n{fence}"


def _bullets(lines: list[str]) -> str:
    return "\n".join("- " + line.replace("\n", "\n  ") for line in lines)


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def absolute_links(text: str, path: str, site_url: str) -> str:
    """Markdown whose links hold anywhere; `path` is that of the page, `docs/redis/full.md`. Code is left alone."""
    parts: list[str] = []
    end = 0
    for fence in _FENCED.finditer(text):
        parts += [_absolute(text[end : fence.start()], path, site_url), fence[0]]
        end = fence.end()
    return "".join([*parts, _absolute(text[end:], path, site_url)])


def _absolute(text: str, path: str, site_url: str) -> str:
    here = path.removeprefix("docs/")
    own = address(site_url, here.removesuffix(".md"))

    def replaced(found: re.Match[str]) -> str:
        if found["html"]:
            return f"{found['attribute']}{urljoin(own, found['html'])}"
        target = found["target"]
        if _ABSOLUTE.match(target):
            return found[0]
        file, mark, anchor = target.partition("#")
        if not file:
            return f"{found['before']}{own}{mark}{anchor}"
        there = posixpath.normpath(posixpath.join(posixpath.dirname(here), file))
        if there.endswith(".md"):
            return f"{found['before']}{address(site_url, there.removesuffix('.md'), markdown=True)}{mark}{anchor}"
        return f"{found['before']}{urljoin(site_url, there)}{mark}{anchor}"

    return _LINK.sub(replaced, text)


def llms_text(catalog: Mapping[str, Any], name: str, description: str, others: Mapping[str, str]) -> str:
    """`llms.txt`: what the site is, and where the Markdown version of every page is; `others` are stem → title."""
    site = catalog["site"]
    lines = [f"# {name}", "", f"> {description}", "", "Quote a procedure with its proof state. Commands stand byte for"]
    lines += [f"byte; every page tells what is proven, when and where. All of it as JSON: {site}runbooks.json", ""]
    lines += ["## Runbooks", ""]
    for entry in catalog["runbooks"]:
        said = "; ".join(entry["symptoms"]) or entry["title"]
        proof = "; ".join(proof["verdict"] for proof in entry["proof"])
        lines.append(f"- [{entry['title']}]({entry['markdown_url']}): {said} ({entry['severity']}; {proof})")
    lines += ["", "## Optional", ""]
    lines += [f"- [{title}]({address(site, stem, markdown=True)})" for stem, title in others.items()]
    return "\n".join(lines) + "\n"
