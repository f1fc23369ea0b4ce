"""The way through a runbook is read from its page: looks, conditions, remedies; nothing in a label is syntax."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import html
import re

import pytest

from runbook_steps.engine.site.blocks.ways_to_go import decision_block, page_address
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_file import parse_page
from runbook_steps.engine.sources.ways_to_go import LONGEST, Look, Way, decisions

PAGE = """\
# Redis is "full"

## Diagnosis

Many sessions: see [Sessions](../database/sessions.md). Expect: one kind on top.

{{ procedure("It is found") }}

| It is | Go to |
| --- | --- |
| 401 everywhere | [JWT](jwt.md) |
| 503, or worse | [A](a.md), [B](../b/index.md#x) |

## Mitigation

First choice: remove the cache. It fills again.

{{ procedure("It is removed") }}

!!! danger "No"
    See [nothing](a.md).

{{ procedure("It is raised") }}

### Otherwise

{{ procedure("It is new") }}

A missing index: [A](a.md). Wrong estimates:

{{ procedure("It is told anew") }}

## Verification

Then the [other](other.md).
"""
FEATURE = "@risk_readonly\nFeature: F\n" + "".join(
    f"  Scenario: {name}\n    Then it is\n"
    for name in ("It is found", "It is removed", "It is raised", "It is new", "It is told anew")
)


def test_looks_and_ways_stand_in_the_order_of_the_page() -> None:
    """What is said before the first look is about what it shows; verification leads nowhere."""
    runbook = parse_feature(FEATURE, "features/redis/full.feature")
    assert (
        Look("It is found"),
        Way("Many sessions", page="../database/sessions.md", said="Sessions"),
        Way("401 everywhere", page="jwt.md", said="JWT"),
        Way("503, or worse", page="a.md", said="A"),
        Way("503, or worse", page="../b/index.md#x", said="B"),
        Way("First choice: remove the cache", procedure="It is removed"),
        Way("See nothing", page="a.md", said="nothing"),
        Way("", procedure="It is raised", then=True),
        Way("", procedure="It is new"),  # a heading ends what was stated before it
        Way("A missing index", page="a.md", said="A"),
        Way("Wrong estimates", procedure="It is told anew"),
    ) == decisions(parse_page(PAGE, "docs/redis/full.md"), runbook)


def test_the_diagram_and_the_list_lead_to_the_same_places() -> None:
    """Every node that can be followed is in the list, with the title of its page, and both end with escalation."""
    page = parse_page(PAGE, "docs/redis/full.md")
    block = decision_block(page, parse_feature(FEATURE, "features/redis/full.feature"), {"redis/jwt": "JWT issues"})
    source = html.unescape(re.findall(r'data-diagram="([^"]*)"', block)[0])

    drawn = re.findall(r'click \w+ href "([^"]+)"', source)
    assert drawn == re.findall(r'<a href="([^"]+)"', block)
    assert ["../../database/sessions/", "../jwt/", "../../b/#x"] == [drawn[1], drawn[2], drawn[4]]
    assert re.search(r"n\d+ -->\|then\| n\d+", source)
    assert re.search(r"n4 -->\|or\| n5", source)
    assert "-->|none of these| last" in source
    assert ("JWT issues" in source, "#escalation" == drawn[-1]) == (True, True)
    assert '"Redis is #34;full#34;"' in source


def test_every_arrow_of_a_question_says_what_it_means() -> None:
    """The sides change, so that the ladder stays narrow: nobody may have to guess by the side."""
    page = parse_page(PAGE, "docs/redis/full.md")
    block = decision_block(page, parse_feature(FEATURE, "features/redis/full.feature"), {"redis/jwt": "JWT issues"})
    source = html.unescape(re.findall(r'data-diagram="([^"]*)"', block)[0])

    arrows = re.findall(r"^  (q\d+) -->(?:\|([^|]+)\|)?", source, re.MULTILINE)
    said = {question: {word for each, word in arrows if each == question} for question, _ in arrows}
    assert len(said) > 1
    assert all(words in ({"yes", "next"}, {"yes", "none of these"}) for words in said.values()), said


def test_a_label_cannot_end_itself() -> None:
    """A condition that holds Mermaid's own signs stays words."""
    page = parse_page(PAGE.replace("401 everywhere", 'x"]; click n1 call alert() --> {{y}} %%'), "docs/redis/full.md")
    block = decision_block(page, parse_feature(FEATURE, "features/redis/full.feature"), {})
    source = html.unescape(re.findall(r'data-diagram="([^"]*)"', block)[0])

    line = next(line for line in source.splitlines() if "alert" in line)
    assert '{{"x#34;#93;#59; click n1 call alert#40;#41; #45;#45;#62; #123;#123;y#125;#125; #37;#37;"}}' in line


def test_a_page_without_a_choice_has_no_diagram() -> None:
    """One look and nothing else is no decision."""
    page = parse_page("# T\n\n## Diagnosis\n\n{{ procedure('It is found') }}\n", "docs/redis/full.md")
    assert "" == decision_block(page, parse_feature(FEATURE, "features/redis/full.feature"), {})


def test_a_long_condition_is_cut_at_a_word() -> None:
    """The page has the whole of it."""
    page = parse_page(f"# T\n\n## Mitigation\n\n{'word ' * 40}\n\n{{{{ procedure('It is found') }}}}\n", "docs/a/b.md")
    way = decisions(page, parse_feature(FEATURE, "features/a/b.feature"))[0]
    assert isinstance(way, Way)
    assert (way.condition.endswith("word …"), len(way.condition) <= LONGEST + 2) == (True, True)


@pytest.mark.parametrize(
    ("stem", "target", "expected"),
    [
        ("a/b", "c/d", "../../c/d/"),
        ("a/b", "a/c", "../c/"),
        ("a/b", "index", "../../"),
        ("a/b", "c/index", "../../c/"),
        ("index", "a/b", "a/b/"),
    ],
)
def test_pages_are_addressed_from_where_one_is(stem: str, target: str, expected: str) -> None:
    """Each page is a folder of the site."""
    assert expected == page_address(stem, target)
