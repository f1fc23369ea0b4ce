"""A view of evidence tells all that was recorded, why something is not proven, and nothing in it comes alive."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from runbook_steps.engine.model import Evidence, Outcome, Role, ScenarioRecord, StepRecord
from runbook_steps.engine.site.blocks.evidence_page import Surroundings, evidence_address, evidence_data, evidence_page
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.unit.proven_runbook import BOOK, FEATURE, FRONT, PATH
from tests.unit.records import scenario_record

STEPS = (
    StepRecord(
        Role.WHEN, "When", "I look:", 4, Outcome.PASSED, 0.4, "redis-cli ping", "bash", 0, "PONG\nPONG\n", "careful\n"
    ),
    StepRecord(Role.THEN, "Then", "it is found", 8, Outcome.PASSED, notes=("2 keys",)),
)
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)> ' &amp;",
    "</pre></details></main><h1>x</h1>",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m \x00 \u202egnp.exe \ud800",
    "{{ 7*7 }} {% raw %}\n```\n# x",
]


def record(scenario: str = "It is found", row: str = "", outcome: Outcome = Outcome.PASSED) -> ScenarioRecord:
    """What is known of one scenario."""
    return scenario_record(
        PATH, scenario, row=row, outcome=outcome, steps=STEPS, duration_s=75.0, commit="abc1234def", dirty=True,
        emulated={"aws": "moto"}, tools={"postgres": "18.6", "python": "3.11"}, run="20261123-1",
    )  # fmt: skip


def view(*records: ScenarioRecord, around: Surroundings | None = None) -> str:
    """The page of these records on `embedded`."""
    evidence = Evidence("embedded", "2026-11-23T15:01:00.000Z", {each.id: each for each in records})
    return evidence_page(BOOK, evidence, around or Surroundings("Runbooks"))


def text_of(page: str) -> str:
    """What a browser shows of it, a line for each block."""
    broken = re.sub(r"</?(?:p|li|dt|dd|h\d|pre|summary|section)\b[^>]*>", "\n", page.partition("<body")[2])
    lines = html.unescape(re.sub(r"<[^>]*>", "", broken)).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


class Tags(HTMLParser):
    """The tags of a page, each with its attributes' names, and the open ones in the end."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes it."""
        self.found.append((tag, *(name for name, _ in attrs)))
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes the last one, which must be of that name."""
        assert tag == self.open.pop()


def test_everything_that_was_recorded_is_told() -> None:
    """Of the scenario and of each step."""
    told = text_of(view(record()))
    for name, value in {
        "Result": "✓ passed",
        "Started": "2026-11-23 15:00 (UTC)",
        "Took": "1 min 15 s",
        "Commit": "abc1234def, with uncommitted changes",
        "Target": "embedded",
        "Emulated": "aws: moto",
        "Tools": "postgres: 18.6; python: 3.11",
        "Run": "20261123-1",
        "Id": f"{PATH}::It is found",
    }.items():
        assert f"\n{name}\n{value}\n" in told
    assert "\n✓ When I look passed · 0.4 s\nredis-cli ping\nexit code 0\nRecorded output, 3 lines\n" in told
    assert "Standard output\nPONG\nPONG\nStandard errors\ncareful\n✓ Then it is found passed\n2 keys\n" in told


@pytest.mark.parametrize(
    ("outcome", "reason", "said"),
    [
        (Outcome.STALE, "the scenario has changed", "It passed in this run, and is stale: the scenario has changed"),
        (Outcome.NOT_RUNNABLE, "jq is not installed", "jq is not installed"),
        (Outcome.FAILED, "no PONG", "no PONG"),
    ],
)
def test_what_is_not_proven_says_why(outcome: Outcome, reason: str, said: str) -> None:
    """Each in its own words; what passed needs none."""
    told = text_of(view(replace(record(outcome=outcome), reason=reason)))

    assert f"{outcome}\nWhy\n{said}\nStarted" in told
    assert "\nWhy\nNo run" not in text_of(view(record())).partition("It is read")[0]


def test_a_scenario_without_a_record_is_never_proven() -> None:
    """Also a row of an outline."""
    told = text_of(view(record(), record("It is read", "[a]")))
    assert "✓ It is found passed\n? It is read never proven\n" in told
    assert "Why\nNo run on embedded has followed it yet for 1 of its rows." in told
    assert "Never proven on embedded 0 of 2 scenarios proven" in text_of(view())


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (replace(STEPS[0], stdout="", stderr=""), "exit code 0\nIt printed nothing."),
        (replace(STEPS[0], exit_code=None, outcome=Outcome.TIMED_OUT), "killed at its time limit"),
        (replace(STEPS[0], exit_code=None, outcome=Outcome.INTERRUPTED), "no exit code: it did not run to its end"),
        (replace(STEPS[1], error="not found", outcome=Outcome.FAILED), "✗ Then it is found failed\nnot found"),
    ],
)
def test_how_a_step_ended_is_told(step: StepRecord, said: str) -> None:
    """In words; an error stands open."""
    assert said in text_of(view(replace(record(), steps=(step,))))


def test_every_scenario_and_row_has_an_anchor_of_its_own() -> None:
    """The scenario's is that of its page; no two are the same."""
    book = parse_feature(FEATURE.replace("It is found", "It is read a"), PATH)
    found = {each.id: each for each in (record("It is read a"), record("It is read", "[a]"))}
    ids = Tags(evidence_page(book, Evidence("embedded", "", found), Surroundings("Runbooks"))).ids

    assert ["it-is-read-a", "it-is-read", "it-is-read-a-2"] == ids


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_values_stay_text(hostile: str) -> None:
    """Wherever they stand, the page has the same elements as without them."""
    bad = replace(
        record(),
        commit=hostile, reason=hostile, started=hostile, target=hostile, run=hostile,
        emulated={hostile: hostile}, tools={hostile: hostile},
        steps=(StepRecord(Role.WHEN, hostile, hostile, 1, Outcome.FAILED, 1.0, hostile, "bash", 1, hostile, hostile,
                          hostile, (hostile,)),),
    )  # fmt: skip
    calm = replace(bad, steps=tuple(replace(each, stdout="x", stderr="x") for each in bad.steps))
    pages = []
    for word, each in ((hostile, bad), ("x", replace(calm, reason="x"))):
        front = replace(FRONT, title=word)
        evidence = Evidence(word, word, {each.id: each})
        pages.append(evidence_page(replace(BOOK, front_matter=front), evidence, Surroundings(word, data=True)))
    tags = [Tags(page) for page in pages]

    assert tags[0].found == tags[1].found
    assert ["html"] == [tag for tag, *_ in tags[0].found if tag in {"html", "script", "img"}]
    assert [] == tags[0].open
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", pages[0])


def test_links_lead_to_the_page_the_proofs_and_the_data() -> None:
    """Relative, with file names: they hold below any path and from a disk."""
    with_folders = view(record(), around=Surroundings("R", proof_page="about/proof", data=True))
    flat = view(record(), around=Surroundings("R", folders=False))

    assert {
        "../../../redis/full/index.html",
        "../../../about/proof/index.html",
        "../../../evidence/embedded.json",
        "../../../redis/full/index.html#it-is-found",
        "../../../redis/full/index.html#it-is-read",
        "../../../assets/stylesheets/runbooks.css",
        "../../../assets/stylesheets/evidence.css",
        "#it-is-found",
        "#it-is-read",
    } == set(re.findall(r'href="([^"]*)"', with_folders))
    assert {"../../../redis/full.html", "../../../redis/full.html#it-is-found"} < set(
        re.findall(r'href="([^"]*)"', flat)
    )


@pytest.mark.parametrize(
    ("target", "folder"),
    [("staging-2", "staging-2"), ("../../etc", "etc"), ("", "target"), ("a/b", "a-b"), ("x" * 99, "x" * 41)],
)
def test_a_target_is_one_folder_whatever_its_name(target: str, folder: str) -> None:
    """Evidence may come from anywhere; nothing is written outside."""
    assert f"evidence/{folder}/redis/full.html" == evidence_address(target, "redis/full")
    assert f"evidence/{folder}.json" == evidence_data(target)
