"""Pages are read into head, sections, fences and macro calls, every one with its line."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import pytest

from runbook_steps.engine.sources.page_file import parse_page

PATH = "docs/redis/full.md"
HEAD = """\
---
kind: runbook
title: Redis is full
id: redis-full
owner: DevOps Lead
severity: HIGH
alerts: [RedisMemoryHigh]
services: [redis]
symptoms: ["OOM command not allowed"]
reviewed: 2025-07-16
review_every: 90d
expected_minutes: 10
---
"""


def test_front_matter_is_read_into_values() -> None:
    """Dates become ISO text, `90d` becomes days."""
    front, problems = parse_page(HEAD, PATH).front_matter()

    assert () == problems
    assert front is not None
    assert ("2025-07-16", 90, 10, ("redis",)) == (
        front.reviewed,
        front.review_every_days,
        front.expected_minutes,
        front.services,
    )


def test_every_wrong_key_is_told_with_its_line() -> None:
    """A person mends all of them in one go."""
    wrong = HEAD.replace("90d", "monthly").replace("services: [redis]", "service: [redis]")

    front, problems = parse_page(wrong, PATH).front_matter()

    assert front is None
    assert [
        "docs/redis/full.md:3: front matter lacks `services:`",
        "docs/redis/full.md:11: `review_every` must be days, like `90d`",
        "docs/redis/full.md:8: unknown key `service` in the front matter; did you mean “services”?",
    ] == [str(problem) for problem in problems]


def test_a_key_that_stands_twice_is_told() -> None:
    """YAML would silently take the last one."""
    page = parse_page(HEAD.replace("alerts:", "owner: CTO\nalerts:"), PATH)

    assert ["docs/redis/full.md:7: `owner` stands twice"] == [str(problem) for problem in page.problems]


@pytest.mark.parametrize(
    "head",
    [
        "title: <script>alert(1)</script>",
        'title: "{{ 7*7 }}"',
        "title: \"{% include 'x' %}\"",
        "description: 'x\" http-equiv=\"refresh'",
        "author: a > b",
        "tags: [plain, <b>]",
    ],
)
def test_what_is_shown_as_it_is_holds_no_markup(head: str) -> None:
    """The theme writes it into the page without escaping it."""
    page = parse_page(f"---\nkind: page\n{head}\n---\n", PATH)

    (problem,) = map(str, page.problems)
    assert problem.startswith(f"docs/redis/full.md:3: `{head.partition(':')[0]}` is shown as it is")


def test_a_broken_head_is_told_with_its_line() -> None:
    """The line is that of the file, not of the head."""
    page = parse_page("---\ntitle: [unclosed\nid: x\n---\n", PATH)

    assert [3] == [problem.position.line for problem in page.problems]
    assert "not YAML" in str(page.problems[0])


def test_an_empty_review_date_means_nobody_reviewed() -> None:
    """Empty is allowed, a made-up date is not."""
    front, _ = parse_page(HEAD.replace("2025-07-16", '""'), PATH).front_matter()
    _, problems = parse_page(HEAD.replace("2025-07-16", "last week"), PATH).front_matter()

    assert front is not None
    assert "" == front.reviewed
    assert ["reviewed" in str(problem) for problem in problems] == [True]


def test_sections_have_their_text_without_comments_and_deeper_headings() -> None:
    """What is left is what a reader sees; nothing left means empty."""
    page = parse_page("# T\n\n## Impact\n\n<!-- later\n-->\n### Detail\n\n## Rollback\n\nGo back.\n", PATH)

    assert [("Impact", 3, ""), ("Rollback", 9, "Go back.")] == [
        (section.title, section.position.line, section.text) for section in page.sections
    ]


def test_a_heading_in_a_fence_is_no_heading() -> None:
    """A comment in a shell script looks like one."""
    page = parse_page("# T\n\n```text\n## Impact\n```\n\n## Rollback\n\nx\n", PATH)

    assert ["Rollback"] == [section.title for section in page.sections]


def test_fences_are_found_nested_and_indented() -> None:
    """Four backticks hold three; a fence in a list or an admonition is one too."""
    text = "````markdown\n```bash\nx\n```\n````\n\n- a\n\n    ~~~ {.sql}\n    SELECT 1\n    ~~~\n"

    assert [("markdown", 1, 5), ("sql", 9, 11)] == [
        (fence.language, fence.position.line, fence.end) for fence in parse_page(text, PATH).fences
    ]


def test_macro_calls_are_found_with_their_section_and_line() -> None:
    """Lines count from the top of the file, the head included."""
    body = '# T\n\n{{ status() }}\n\n## Diagnosis\n\n{{ procedure("It is found") }}\n\nSo {{ procedure(x) }}.\n'

    calls = parse_page(HEAD + body, PATH).calls

    assert [
        ("status", None, 16, True, None),
        ("procedure", "It is found", 20, True, "Diagnosis"),
        ("procedure", None, 22, False, "Diagnosis"),
    ] == [(c.macro, c.argument, c.position.line, c.alone, c.section) for c in calls]


@pytest.mark.parametrize(
    ("line", "argument", "alone"),
    [
        ('{{ procedure("It is {{ x }} here") }}', "It is {{ x }} here", True),
        ('{{ procedure("{% raw %} {# no #}") }}', "{% raw %} {# no #}", True),
        ('{{ procedure("a") }} {{ procedure("b") }}', "a", False),
        ('{{ procedure("a") }}{% if x %}{{ y }}{% endif %}', "a", False),
    ],
)
def test_braces_inside_a_name_begin_no_macro(line: str, argument: str, alone: bool) -> None:
    """What Jinja reads as text is text: only what it begins to work out shares the line."""
    call = parse_page(f"{HEAD}# T\n\n## Diagnosis\n\n{line}\n", PATH).calls[0]
    assert (call.argument, call.alone) == (argument, alone)


def test_a_broken_macro_is_told_with_its_line() -> None:
    """The site builder would only show a traceback."""
    page = parse_page(HEAD + "# T\n\n{{ status( }}\n", PATH)

    assert [16] == [problem.position.line for problem in page.problems]


def test_a_page_that_renders_no_macros_may_show_them() -> None:
    """The templates on the contributing page are text."""
    page = parse_page("---\nrender_macros: false\n---\n{{ anything( }}\n", PATH)

    assert ((), ()) == (page.calls, page.problems)


def test_kind_and_keys_tell_a_runbook() -> None:
    """A page without a runbook's keys is a plain page."""
    assert parse_page(HEAD, PATH).says_runbook
    assert parse_page("---\nowner: CTO\n---\n", PATH).says_runbook
    assert not parse_page("---\nkind: page\nowner: CTO\n---\n", PATH).says_runbook
    assert not parse_page("---\ntitle: About\n---\n", PATH).says_runbook


def test_a_byte_order_mark_is_told_as_what_it_is() -> None:
    """Not as a head that is missing."""
    page = parse_page("\ufeff---\ntitle: X\n---\n\n# X\n", "docs/redis/full.md")
    assert [str(problem).partition(",")[0] for problem in page.problems] == [
        "docs/redis/full.md:1: begins with a byte order mark"
    ]
