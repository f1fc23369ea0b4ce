"""What machines read says what the pages say; the server for assistants quotes it, and can run nothing."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from mcp import StdioServerParameters
from mcp.client import Client

from runbook_steps.engine.model import Outcome, ScenarioRecord
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.machines.catalog import address, catalog, catalog_schema
from runbook_steps.engine.site.machines.mcp_server import make_server
from runbook_steps.engine.site.machines.page_markdown import absolute_links
from runbook_steps.engine.site.search.index import make_index
from runbook_steps.engine.site.search.rank import ranked
from runbook_steps.engine.site.words import local_time
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_head import read_head
from tests.site.conftest import ROOT, STARTED, Built, DemoProject
from tests.site.situations import OURS, missed

SITE = "https://beautycort.com/runbooks/"
FEATURE = "features/database/connections-exhausted.feature"
STEM = "database/connections-exhausted"
KILL = "Idle sessions are ended and new ones get in"


def document_of(built: Built) -> dict[str, Any]:
    """The site's runbooks.json."""
    document: dict[str, Any] = json.loads((built.site / "runbooks.json").read_text("utf-8"))
    return document


def failed(record: ScenarioRecord) -> ScenarioRecord:
    """As if the kill was not allowed."""
    return replace(record, outcome=Outcome.FAILED, reason="not allowed") if record.scenario == KILL else record


def runbooks(project: DemoProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, in the project."""
    command = [str(Path(sys.executable).with_name("runbooks")), *arguments]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=60, check=False)


# ── runbooks.json ────────────────────────────────────────────────────────────────────────────────


def test_every_runbook_is_in_the_document_and_fits_its_schema(built_site: Built) -> None:
    """The schema is the published one; every feature is an entry, with every command byte for byte."""
    document = document_of(built_site)
    published = json.loads((built_site.site / "schemas/runbooks-1.schema.json").read_text("utf-8"))
    assert catalog_schema() == published
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.Draft202012Validator(published).validate(document)

    features = sorted((ROOT / "features").rglob("*.feature"))
    expected = {}
    for file in features:
        runbook = parse_feature(file.read_text("utf-8"), file.relative_to(ROOT).as_posix())
        expected[runbook.stem] = [c.text for p in runbook.procedures for c in p.commands]
    said = {
        entry["stem"]: [s["command"] for p in entry["procedures"] for s in p["steps"] if s["kind"] == "command"]
        for entry in document["runbooks"]
    }
    assert expected == said


def test_a_document_that_lies_about_its_shape_is_refused(built_site: Built) -> None:
    """The schema is not satisfied by anything: another outcome word, a lost field and an unknown one are told."""
    entry = document_of(built_site)["runbooks"][0]
    proof = entry["procedures"][0]["proof"][0]
    validator = jsonschema.Draft202012Validator(catalog_schema())
    for change in ({"outcome": "fine"}, {"age_days": -1}, {"extra": 1}):
        bad = json.loads(json.dumps(document_of(built_site)))
        bad["runbooks"][0]["procedures"][0]["proof"][0] = {**proof, **change}
        assert not validator.is_valid(bad), change


def test_every_address_in_the_document_is_a_page_of_the_site(built_site: Built) -> None:
    """Page, Markdown version, short address, and the anchor of each procedure."""
    for entry in document_of(built_site)["runbooks"]:
        assert (built_site.site / entry["markdown_url"].removeprefix(SITE)).is_file()
        assert (built_site.site / entry["short_url"].removeprefix(SITE) / "index.html").is_file()
        page = built_site.page(entry["url"].removeprefix(SITE).rstrip("/"))
        for procedure in entry["procedures"]:
            assert f'id="{procedure["url"].partition("#")[2]}"' in page


def test_the_proof_of_each_procedure_is_told_in_the_words_of_the_pages(demo: DemoProject) -> None:
    """A failed one with its reason and the others passed; the command prints the same without a build."""
    demo.prove(failed)
    listed = json.loads(runbooks(demo, "list", "--format", "json").stdout)
    built = document_of(demo.build())

    proofs = {p["name"]: (p["section"], p["proof"][0]) for p in built["runbooks"][0]["procedures"]}
    assert ("Mitigation", "failed", "not allowed") == (
        proofs[KILL][0],
        proofs[KILL][1]["outcome"],
        proofs[KILL][1]["reason"],
    )
    assert {"failed", "passed"} == {proof["outcome"] for _, proof in proofs.values()}
    assert "abc1234def5678abc1234def5678abc1234def56" == proofs[KILL][1]["commit"]

    def timeless(document: dict[str, Any]) -> str:
        return re.sub(r'"(age_days|written)": [^,}]+', "", json.dumps(document))

    assert timeless(built) == timeless(listed)


def test_a_changed_scenario_is_stale_and_one_without_evidence_never_proven(demo: DemoProject) -> None:
    """Both words, never silence."""
    first = json.loads(runbooks(demo, "list", "--format", "json").stdout)["runbooks"][0]
    assert {(None, "never proven")} == {
        (p["proof"][0]["target"], p["proof"][0]["outcome"]) for p in first["procedures"]
    }

    demo.prove()
    demo.edit(FEATURE, "idle in transaction' AND", "idle in transaction'  AND")
    entry = json.loads(runbooks(demo, "list", "--format", "json").stdout)["runbooks"][0]
    proof = next(p["proof"][0] for p in entry["procedures"] if p["name"] == KILL)
    assert ("stale", "the scenario has changed since it was proven") == (proof["outcome"], proof["reason"])


# ── Markdown, sitemap, previews ──────────────────────────────────────────────────────────────────


def test_every_page_has_a_markdown_version_with_absolute_links(built_site: Built) -> None:
    """Beside each HTML page; no macro is left, no link is relative, and links into the site lead to a file."""
    pages = {p.relative_to(ROOT / "docs").with_suffix("").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    for stem in pages:
        text = (built_site.site / address("", stem, markdown=True)).read_text("utf-8")
        prose = re.sub(r"^(`{3,}|~{3,}).*?^\1`*$", "", text, flags=re.MULTILINE | re.DOTALL)
        prose = re.sub(r"`[^`\n]*`|<pre.*?</pre>", "", prose, flags=re.DOTALL)
        source = (ROOT / "docs" / f"{stem}.md").read_text("utf-8")
        if read_head(source, stem).values.get("render_macros") is not False:
            assert "{{" not in prose, stem
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            assert re.match(r"(https?|mailto|tel):", target), (stem, target)
            if target.startswith(SITE) and target.partition("#")[0].endswith(".md"):
                assert (built_site.site / target.partition("#")[0].removeprefix(SITE)).is_file(), (stem, target)


def test_commands_stand_byte_for_byte_in_the_markdown(demo: DemoProject) -> None:
    """In a fence of their own, with the warning of what is not proven before them."""
    demo.prove(failed)
    text = (demo.build().site / STEM / "index.md").read_text("utf-8")
    runbook = parse_feature((demo.root / FEATURE).read_text("utf-8"), FEATURE)

    for command in (c for p in runbook.procedures for c in p.commands):
        assert f"\n```{command.media_type}\n{command.text}\n```" in text
    assert "> WARNING: this procedure is not proven as it is written now: failed.\n" in text
    assert 1 == text.count("WARNING")


def test_links_become_absolute_and_code_stays() -> None:
    """Pages lead to their Markdown version, anchors stay, what is absolute or code is not touched."""
    text = "[a](../health/x.md#y) [b](#z) [c](https://example.org) [d](pic.png)\n```text\n[e](f.md)\n```\n"
    expected = (
        "[a](https://s/health/x/index.md#y) [b](https://s/database/p/#z) [c](https://example.org) "
        "[d](https://s/database/pic.png)\n```text\n[e](f.md)\n```\n"
    )
    assert expected == absolute_links(text, "docs/database/p.md", "https://s/")


def test_llms_txt_names_every_page_once(built_site: Built) -> None:
    """Runbooks with what a person sees, the other pages below."""
    links = re.findall(r"\]\((\S+)\)", (built_site.site / "llms.txt").read_text("utf-8"))
    pages = {p.relative_to(ROOT / "docs").with_suffix("").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert sorted(address(SITE, stem, markdown=True) for stem in pages) == sorted(links)


def test_the_sitemap_and_each_page_know_their_address(built_site: Built) -> None:
    """The sitemap lists every page; canonical and og:url are that address; the description is the situation."""
    tree = ElementTree.parse(built_site.site / "sitemap.xml")  # noqa: S314 - made by this build
    listed = {node.text for node in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    for entry in document_of(built_site)["runbooks"]:
        assert entry["url"] in listed
        page = built_site.page(entry["stem"])
        assert f'<link rel="canonical" href="{entry["url"]}">' in page
        assert f'<meta property="og:url" content="{entry["url"]}">' in page
        described = re.findall(r'<meta (?:name|property)="(?:og:|twitter:)?description" content="([^"]*)"', page)
        assert 3 == len(described)
        assert 1 == len(set(described))
        assert described[0].startswith("Use when: ")


# ── the server for assistants ────────────────────────────────────────────────────────────────────


def ask(project: DemoProject, questions: Callable[[Client], Awaitable[None]]) -> None:
    """Starts `runbooks mcp` in a process of its own and talks to it with the protocol's own client."""

    async def session() -> None:
        command = str(Path(sys.executable).with_name("runbooks"))
        server = StdioServerParameters(command=command, args=["mcp"], cwd=project.root)
        async with Client(server, read_timeout_seconds=30) as client:
            await questions(client)

    asyncio.run(session())


async def answer(client: Client, tool: str, **arguments: object) -> tuple[bool, str]:
    """Whether it is an error, and what it says."""
    result = await client.call_tool(tool, arguments)
    return bool(result.is_error), "".join(getattr(part, "text", "") for part in result.content)


def test_an_assistant_finds_and_quotes_a_procedure_with_its_proof(demo: DemoProject) -> None:
    """By an error text; the command byte for byte; a warning for the one that failed; every tool only reads."""
    demo.prove(failed)

    async def questions(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert ["get_procedure", "get_runbook", "proof_status", "search_runbooks"] == sorted(t.name for t in tools)
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        _, found = await answer(client, "search_runbooks", query="FATAL: sorry, too many clients already")
        assert found.startswith(f"{STEM}: Database connections are exhausted (CRITICAL; Failed on embedded)")
        _, quoted = await answer(client, "get_procedure", runbook="connections-exhausted", procedure=KILL)
        assert "WHERE state = 'idle in transaction' AND state_change < now() - interval '1 minute';\n```" in quoted
        assert f"Proof: failed on embedded, {local_time(STARTED)}" in quoted
        assert "> WARNING: this procedure is not proven as it is written now: failed." in quoted
        _, whole = await answer(client, "get_runbook", runbook=STEM)
        assert "## Escalation" in whole
        _, status = await answer(client, "proof_status", runbook=STEM)
        assert f"- {KILL} [destructive]: Proof: failed on embedded" in status
        resource = await client.read_resource(f"runbook:///{STEM}")
        assert whole.split("days ago")[-1] == str(getattr(resource.contents[0], "text", "")).split("days ago")[-1]

    ask(demo, questions)


def test_hostile_questions_are_refused_in_one_line(demo: DemoProject) -> None:
    """Paths, macros, control characters, endless and empty texts, wrong kinds: an error in words, and it goes on."""
    hostile = [
        "../../../etc/passwd",
        "/etc/passwd",
        "{{ 7*7 }}",
        "$(id)",
        "x" * 5000,
        "\x1b[31m\nred",
        "",
        "docs/index",
    ]

    async def questions(client: Client) -> None:
        for text in hostile:
            for tool, arguments in (
                ("get_runbook", {"runbook": text}),
                ("get_procedure", {"runbook": STEM, "procedure": text}),
            ):
                wrong, said = await answer(client, tool, **arguments)
                assert (True, 1) == (wrong, len(said.splitlines())), (tool, text, said)
                assert not re.search(r"root:|\x1b|Traceback|\b49\b", said)
                assert len(said) < 500
        for query in ("", " ", "x" * 4001):
            wrong, said = await answer(client, "search_runbooks", query=query)
            assert (True, True) == (wrong, "1 to 4000 characters" in said)
        for wrong_kind in ({}, {"runbook": 7}, {"runbook": ["a"]}):
            wrong, _ = await answer(client, "get_runbook", **dict[str, object](wrong_kind))
            assert wrong
        wrong, said = await answer(client, "run_command", command="id")
        assert wrong, said
        with pytest.raises(Exception, match=r"(?i)unknown resource|not found"):
            await client.read_resource("runbook:///../../etc/passwd")
        wrong, said = await answer(client, "proof_status")
        assert (False, True) == (wrong, STEM in said)

    ask(demo, questions)


def test_search_ranks_what_a_person_sees_first() -> None:
    """Of this project's runbooks, each is among the first three for each of its symptoms."""
    project = load_project(ROOT)
    document, index = catalog(project, SITE, datetime.now(UTC)), make_index(project)
    lost = [
        (entry["stem"], symptom)
        for entry in document["runbooks"]
        for symptom in entry["symptoms"]
        if entry["stem"] not in ranked(index, symptom)[:3]
    ]
    assert [] == lost
    assert [] == ranked(index, "zebra crossing")


def test_an_assistant_finds_every_situation() -> None:
    """Over the protocol, in the server's own words."""

    async def session() -> dict[str, list[str]]:
        found = {}
        async with Client(make_server(ROOT, SITE)) as client:
            for text in OURS:
                _, said = await answer(client, "search_runbooks", query=text)
                found[text] = [line.partition(":")[0] for line in said.splitlines()]
        return found

    assert {} == missed(OURS, asyncio.run(session()))
