"""What people say, as data: a file that is broken, or leads nobody, is told with its line."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runbook_steps.engine.checks.references import saying_problems
from runbook_steps.engine.errors import PageError
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.site.search.index import make_index
from runbook_steps.engine.site.search.rank import ranked
from runbook_steps.engine.site.search.terms import stem, words
from runbook_steps.engine.sources.search_file import SEARCH, parse_sayings
from runbook_steps.stand_in.embedded.binaries import postgres_bin

ROOT = Path(__file__).parents[2]
SLOW_SITE = "الموقع بطيء"  # no page is written in Arabic


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("same: [{words: [500]}]", f"{SEARCH}:1: `words` must be a list of words"),
        ("said: [{runbook: a, words: [b]}, {runbook: a, words: [c]}]", f"{SEARCH}:1: `a` stands twice"),
        ("said: [{words: [b]}]", f"{SEARCH}:1: needs `runbook:`, in words"),
        ("sayed: []", f"{SEARCH}:1: unknown key `sayed`; known: said, same"),
    ],
)
def test_a_broken_file_is_told_with_its_line(text: str, expected: str) -> None:
    """One that nobody reads would lead nobody, without a word."""
    with pytest.raises(PageError) as refused:
        parse_sayings(text, SEARCH)
    assert expected == str(refused.value)


@pytest.mark.parametrize("file", ["docs/data/search.yml", "docs/data/order.yml"])
def test_a_data_file_that_cannot_be_read_is_a_problem_of_the_project(tmp_path: Path, file: str) -> None:
    """Also one that a project need not have: it was read after the problems were counted."""
    for name in ("mkdocs.yml", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("- a list\n", "utf-8")

    assert f"{file}:1: needs `key: value` lines" in [str(problem) for problem in load_project(tmp_path).problems]


def test_what_leads_to_no_runbook_is_told() -> None:
    """With the id that was meant, when one is near."""
    text = "said:\n  - {runbook: connection-exhaustio, words: [too many]}\n"
    project = load_project(ROOT)
    changed = Project(ROOT, runbooks=project.runbooks, pages=project.pages, sayings=parse_sayings(text, SEARCH))

    assert [f"{SEARCH}:2: no runbook has the id “connection-exhaustio”; did you mean “connection-exhaustion”?"] == [
        str(problem) for problem in saying_problems(changed)
    ]


def test_a_word_is_found_in_all_its_forms() -> None:
    """Endings, joined names, apostrophes, and the ways an Arabic letter is written."""
    assert {"expir"} == {stem(word) for word in ("expire", "expires", "expired", "expiring")}
    assert ["http", "code", "elb", "5xx", "count"] == [word for word, _ in words("HTTPCode_ELB_5XX_Count")]
    assert [("can", "")] != list(words("can't"))
    assert {word for word, _ in words("الشهادة")} == {word for word, _ in words("شهاده")}


def test_without_its_sayings_the_search_misses_what_stands_on_no_page() -> None:
    """The data file is what finds them: the same index without it does not."""
    project = load_project(ROOT)
    bare = make_index(Project(ROOT, project.runbooks, project.pages, alerts=project.alerts, order=project.order))

    assert [] == ranked(bare, SLOW_SITE)
    assert "application/high-response-time" == ranked(make_index(project), SLOW_SITE)[0]


def test_two_words_typed_as_one_are_read_as_two() -> None:
    """Where they stand beside each other on a page, and the one word stands on none."""
    index = make_index(load_project(ROOT))

    assert (True, False) == ("pool" in index["terms"], "poolsiz" in index["terms"])
    assert ranked(index, "pool size") == ranked(index, "poolsize")
    assert [] == ranked(index, "zebrasize")


def test_the_codes_of_postgresql_are_those_of_postgresql() -> None:
    """Each code that leads to a page stands beside its name, as the server lists them."""
    listed = (postgres_bin().parent / "share/errcodes.txt").read_text("utf-8")
    codes = dict(re.findall(r"^(\w{5}) +[EWS] +\S+ +(\w+)$", listed, re.MULTILINE))
    said = re.findall(r"\b(?=\w*\d)([0-9A-Z]{5}) ([a-z]+(?:_[a-z]+)*)", (ROOT / SEARCH).read_text("utf-8"))

    assert len(said) > 20
    assert {} == {code: name for code, name in said if codes.get(code) != name}
