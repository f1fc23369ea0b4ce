"""The real site, built as it is delivered, and a small project built in every state it can be in."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import html
import json
import posixpath
import re
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from runbook_steps.engine.model import Outcome, ScenarioRecord
from runbook_steps.engine.proof.evidence_file import EVIDENCE_SCHEMA, evidence_schema
from runbook_steps.engine.site.build.links import broken_links, read_site
from tests.site.conftest import STARTED, Built, DemoProject

FEATURE = "features/database/connections-exhausted.feature"
PAGE = "docs/database/connections-exhausted.md"
STEM = "database/connections-exhausted"
KILL = "SELECT pid, usename, pg_terminate_backend(pid)"


def failed_at_the_kill(record: ScenarioRecord) -> ScenarioRecord:
    """As if the sessions could not be ended."""
    if "Idle sessions" not in record.scenario:
        return record
    at = next(number for number, step in enumerate(record.steps) if step.command)
    steps = [
        step
        if number < at
        else replace(step, outcome=Outcome.FAILED if number == at else Outcome.NOT_REACHED, error="not allowed")
        for number, step in enumerate(record.steps)
    ]
    return replace(record, outcome=Outcome.FAILED, steps=tuple(steps), reason="not allowed")


def text_of(page: str) -> str:
    """What a browser shows of HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def test_the_delivered_site_builds_without_a_warning(built_site: Built) -> None:
    """Strict. How long it takes is measured by `make bench`, on a machine that does nothing else."""
    assert (0, False) == (built_site.exit_code, "WARNING" in built_site.said), built_site.said


def linked_from(built_site: Built, page: str, kind: str = "") -> set[str]:
    """The pages that one leads to, as stems; `kind` is the class that such a link has."""
    text = (built_site.site / page / "index.html").read_text("utf-8")
    found = (posixpath.normpath(posixpath.join(page, link)) for link in re.findall(rf'href="([^"#]+)"{kind}', text))
    return {link for link in found if not link.startswith("http")}


def test_every_page_for_people_on_call_is_in_the_navigation(built_site: Built) -> None:
    """No list of pages is kept by hand; what is about this project stands one step behind, and is complete there."""
    docs = built_site.site.parent / "docs"
    stems = {str(p.relative_to(docs).with_suffix("")) for p in docs.rglob("*.md") if p.name != "index.md"}
    apart = {stem for stem in stems if stem.startswith(("about/", "decisions/"))}
    apart |= {"architecture", "contributing-engine"}
    for page in ("", "database/blocked-queries"):
        assert linked_from(built_site, page, ' class="md-nav__link') & stems == stems - apart
    assert linked_from(built_site, "about") | linked_from(built_site, "decisions") >= apart


def test_every_page_says_where_its_text_is_changed(built_site: Built) -> None:
    """And a runbook how to tell its owner what was wrong."""
    docs = built_site.site.parent / "docs"
    for page in docs.rglob("*.md"):
        stem = str(page.relative_to(docs).with_suffix(""))
        folder = "" if stem == "index" else stem.removesuffix("/index")
        text = (built_site.site / folder / "index.html").read_text("utf-8")
        assert f'<a href="https://github.com/beautycort/runbooks/edit/main/docs/{stem}.md">Edit this page</a>' in text
        assert ("runbooks feedback add " in text.partition('class="rb-end"')[2]) == ('class="rb-status' in text), stem


def test_every_link_of_the_delivered_site_leads_somewhere(built_site: Built) -> None:
    """Also those that no Markdown check sees, because a macro wrote them."""
    site = read_site(built_site.site)

    assert [] == [str(bad) for bad in broken_links(site)]
    assert len(site.links) > 20


def test_no_list_runs_into_the_paragraph_before_it(built_site: Built) -> None:
    """Where an empty line is missing, the entries stand in one block of text, each with a dash before it."""
    run_in = re.compile(r"<p>(?:(?!</p>).)*\n- (?:(?!</p>).)*</p>", re.DOTALL)
    found = {str(page): run_in.findall(page.read_text("utf-8")) for page in built_site.site.rglob("*.html")}

    assert {} == {page: texts for page, texts in found.items() if texts}


def test_nothing_is_fetched_from_another_origin(built_site: Built) -> None:
    """No font, script, style or picture: the site works when the network is gone."""
    for page in built_site.site.rglob("*.html"):
        text = page.read_text("utf-8")
        fetched = re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="(https?:)?//[^"]*"', text)
        fetched += re.findall(r'<link[^>]*rel="(?:stylesheet|preconnect|preload)"[^>]*href="https?:[^"]*"', text)
        assert [] == fetched, page


def test_the_evidence_schema_is_published_under_its_address(demo: DemoProject) -> None:
    """A reader of an evidence file finds what it means."""
    built = demo.build()
    path = built.site / EVIDENCE_SCHEMA.removeprefix("https://beautycort.com/runbooks/")

    assert evidence_schema() == json.loads(path.read_text("utf-8"))
    assert '"Evidence of one target"' in text_of(built.page("reference/evidence-schema"))


def test_a_proven_page_says_so(demo: DemoProject) -> None:
    """Target, time, commit, duration and what is emulated."""
    demo.prove()
    page = demo.build().page(STEM)

    at = datetime.fromisoformat(STARTED).astimezone(ZoneInfo("Asia/Amman"))
    shown = f"{at:%Y-%m-%d %H:%M} (Asia/Amman)"

    assert 1 == page.count("rb-verdict rb-good")
    assert f"Proven on embedded · {shown} · commit abc1234 · 17 sEmulated: aws" in text_of(page)
    assert "idle in transaction |       20" in text_of(page)


def test_a_failed_run_turns_the_strip_red_and_marks_the_step(demo: DemoProject) -> None:
    """The page names scenario and step, and marks it where it stands."""
    demo.prove(failed_at_the_kill)
    page = demo.build().page(STEM)

    assert 1 == page.count("rb-verdict rb-bad")
    assert "“Idle sessions are ended and new ones get in” failed at “And I end the sessions" in text_of(page)
    assert 1 == page.count('<li class="rb-step rb-bad">')
    assert "The last run failed here." in text_of(page)


def test_a_page_without_evidence_is_never_proven(demo: DemoProject) -> None:
    """A fresh clone claims nothing."""
    page = demo.build().page(STEM)

    assert 1 == page.count("rb-verdict rb-none")
    assert "Never proven" in text_of(page)
    assert "Recorded output" not in page


def test_an_edited_command_changes_the_page_and_voids_its_proof(demo: DemoProject) -> None:
    """The feature is the only source of a command."""
    demo.prove()
    demo.edit(FEATURE, KILL, "SELECT pid, pg_terminate_backend(pid)")
    page = demo.build().page(STEM)

    assert "SELECT pid, pg_terminate_backend(pid)" in text_of(page)
    assert KILL not in text_of(page)
    assert "Stale on embedded · 2 of 3 scenarios" in text_of(page)
    assert "stale: the scenario has changed since it was proven" in text_of(page)


def test_what_is_copied_is_the_command_byte_for_byte(demo: DemoProject) -> None:
    """Tabs and line breaks included."""
    page = demo.build().page(STEM)
    copied = [html.unescape(text) for text in re.findall(r'data-copy="([^"]*)"', page)]

    expected = (
        "psql --no-psqlrc --tuples-only --no-align \\\n"
        "\t--command \"SELECT current_setting('max_connections')\" # a tab indents this line"
    )
    assert expected in copied


def test_hostile_text_from_feature_and_evidence_stays_text(demo: DemoProject) -> None:
    """Jinja, Markdown and the browser all leave it alone."""
    hostile = "{{ 7*7 }} {% raw %}\n```bash\nx\n```\n<script>alert(1)</script>\x1b[31m \n# no heading"
    demo.edit(FEATURE, "Then a new session can connect", "Then {{ 7*7 }} <script>alert(2)</script> **no**")
    demo.prove(
        lambda record: replace(
            record,
            steps=tuple(replace(step, stdout=hostile) if step.command else step for step in record.steps),
        )
    )
    built = demo.build()
    page = built.page(STEM)

    assert 0 == built.exit_code, built.said
    assert "{{ 7*7 }} {% raw %}\n```bash\nx\n```\n<script>alert(1)</script> \n# no heading" in text_of(page)
    assert "{{ 7*7 }} <script>alert(2)</script> **no**" in text_of(page)
    assert not re.search(r"<script>alert|\x1b|>49<", page)


def test_braces_in_a_scenarios_name_are_shown(demo: DemoProject) -> None:
    """On the page that calls for it by that name; nothing works them out."""
    name = "The {{ 7*7 }} idle sessions are found"
    (found,) = re.findall(r"Scenario: (.*)", (demo.root / FEATURE).read_text("utf-8"))[:1]
    for path in (FEATURE, f"docs/{STEM}.md"):
        demo.edit(path, found, name)
    demo.prove()
    built = demo.build()

    assert 0 == built.exit_code, built.said
    assert name in text_of(built.page(STEM))
    assert ">49<" not in built.page(STEM)


@pytest.mark.parametrize(
    ("path", "old", "new", "offset", "expected"),
    [
        (PAGE, 'procedure("Idle sessions', 'procedure("Idel sessions', 0, "no scenario “Idel sessions"),
        (PAGE, "{{ status() }}", "{{ sttus() }}", 0, "unknown macro or variable “sttus”; did you mean"),
        (PAGE, "{{ status() }}", "{{ status( }}", 0, "macro: "),
        (PAGE, "```text", "```bash", 0, "a hand-written bash block: nothing ran it"),
        (
            PAGE,
            "Full again within an hour: call the Engineering Lead.",
            "",
            -2,
            "section “Escalation” is empty",
        ),
        (PAGE, "id: connections-exhausted", "id: [", 2, "not YAML"),
        (FEATURE, "Then a new session", "Thus a new session", 0, "“Thus a new session"),
        (FEATURE, "@risk_destructive", "@risk_some", 1, "needs exactly one risk tag"),
    ],
)
def test_a_broken_rule_stops_the_build_with_file_and_line(  # noqa: PLR0917 - one table row
    demo: DemoProject, path: str, old: str, new: str, offset: int, expected: str
) -> None:
    """One line that says what and where, and no traceback."""
    line = (demo.root / path).read_text("utf-8").partition(old)[0].count("\n") + 1 + offset
    demo.edit(path, old, new)
    built = demo.build()

    assert 1 == built.exit_code
    assert f"{path}:{line}: {expected}" in built.said
    assert "Traceback" not in built.said


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Full again", "[Full](../nowhere.md) again", "contains a link '../nowhere.md'"),
        ("Full again", "[Full](#nobody) again", "contains a link '#nobody', but there is no such anchor"),
    ],
)
def test_a_broken_link_or_anchor_stops_the_build(demo: DemoProject, old: str, new: str, expected: str) -> None:
    """Every link is tried, every time."""
    demo.edit(PAGE, old, new)
    built = demo.build()

    assert 1 == built.exit_code
    assert expected in built.said


def test_a_link_to_a_procedure_is_a_link(demo: DemoProject) -> None:
    """The anchor of a procedure is made of its name."""
    demo.edit(PAGE, "Full again", "[Full](#idle-sessions-are-ended-and-new-ones-get-in) again")

    assert 0 == demo.build().exit_code


def test_an_orphan_page_and_an_orphan_feature_stop_the_build(demo: DemoProject) -> None:
    """Both are told at once."""
    (demo.root / FEATURE).rename(demo.root / "features/database/other.feature")
    built = demo.build()

    assert 1 == built.exit_code
    assert f"{PAGE}:1: an orphan page: {FEATURE} does not exist" in built.said
    assert "features/database/other.feature:1: an orphan feature: docs/database/other.md" in built.said


def test_broken_evidence_stops_the_build(demo: DemoProject) -> None:
    """It is refused whole, never half-read."""
    demo.prove()
    file = demo.root / "build/evidence/embedded.json"
    file.write_text(file.read_text()[:100])
    built = demo.build()

    assert 1 == built.exit_code
    assert "embedded.json is not JSON" in built.said
    assert "Traceback" not in built.said


def test_a_former_address_leads_to_the_page(demo: DemoProject) -> None:
    """Also without a server, and with the part behind the `#`; the link checker follows it."""
    demo.edit(PAGE, "reviewed:", "moved_from: [health/too-many-clients]\nreviewed:")
    built = demo.build()
    former = (built.site / "health/too-many-clients/index.html").read_text("utf-8")

    assert 'content="0; url=../../database/connections-exhausted/index.html"' in former
    assert "location.hash" in former
    assert [] == [link for link in broken_links(read_site(built.site)) if "too-many-clients" in link.page]
