"""Every rule of the house is broken once, and told with file and line; the whole project breaks none."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.project.reference import reference_problem
from tests.unit.checks.small_project import FEATURE, FEATURE_PATH, PAGE, PAGE_PATH, ROOT, only, project_of, said


def test_a_page_and_its_feature_break_no_rule() -> None:
    """The ground that the other tests stand on."""
    assert [] == said(project_of())


def test_this_project_breaks_no_rule() -> None:
    """Every page and feature that is delivered."""
    assert [] == said(load_project(ROOT))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '"It is found")',
            '"It is fuond")',
            "32: no scenario “It is fuond” in features/redis/full.feature; did",
        ),
        (
            'procedure("It is found")',
            'procedure("It" ~ " is found")',
            "32: procedure() takes one name in quotes",
        ),
        (
            '{{ procedure("It is found") }}',
            'So: {{ procedure("It is found") }}',
            "32: procedure() must stand alone",
        ),
        (
            "Look again.",
            '{{ procedure("It is found") }}',
            "40: “It is found” is shown twice, first at line 32",
        ),
        ("{{ status() }}", "", "14: lacks {{ status() }}"),
        (
            "{{ status() }}",
            "{{ status() }} {{ statsu }}",
            "16: unknown macro or variable “statsu”; did you mean",
        ),
        ("Writes fail.", "<!-- soon -->", "22: section “Impact” is empty"),
        ("## Impact\n\nWrites fail.\n", "", "14: section “Impact” is missing"),
        ("## Impact", "## Impakt", "22: “Impakt” is no section of a runbook; did you mean “Impact”?"),
        ("## Rollback", "## Escalation", "46: section “Escalation” stands twice"),
        ("**Not when** it is down.", "", "18: “Use this when” must also say when not"),
        ('??? note "Why"', '!!! note "Why"', "50: “Background” must be collapsed"),
        ("# Redis is full\n", "Redis is full\n", "14: has no `# Title` line"),
        ("Writes fail.", "```bash\nls\n```", "24: a hand-written bash block: nothing ran it"),
        ("Writes fail.", "    ```sql\n    SELECT 1\n    ```", "24: a hand-written sql block"),
        ("Writes fail.", "```\nls\n```", "24: a block without a language is not allowed here"),
        ("Writes fail.", "```markdown\nx\n```", "24: `markdown` blocks are not allowed here"),
        ("Writes fail.", "<pre>ls</pre>", "24: a hand-written <pre> block"),
        (
            "Writes fail.",
            "Do:\n\n    redis-cli ping",
            "26: an indented code block (four blanks before it): nothing ran it",
        ),
        (
            "severity: HIGH",
            "severity: HIHG",
            "6: severity “HIHG” is not in docs/data/severity.yml; did you mean",
        ),
        (
            "owner: DevOps Lead",
            "owner: Somebody",
            "5: owner “Somebody” is not in docs/data/contacts.yml; known:",
        ),
        ("alerts: [RedisMemoryHigh]", "alerts: []", "7: its feature has @alert_RedisMemoryHigh"),
        ("kind: runbook", "kind: page", "2: is `kind: page`, but features/redis/full.feature exists"),
        ("expected_minutes: 10\n", "", "3: front matter lacks `expected_minutes:`"),
        ("id: redis-full", "id: Redis Full", "4: `id` must be lower-case words joined by hyphens"),
    ],
)
def test_a_page_that_breaks_a_rule_is_told(old: str, new: str, expected: str) -> None:
    """File, line, what is wrong, and where it can be known what was meant."""
    assert old in PAGE

    problems = said(project_of(page=PAGE.replace(old, new, 1)))

    assert any(problem.startswith(f"{PAGE_PATH}:{expected}") for problem in problems), problems


def test_a_diagnosis_that_changes_something_is_told() -> None:
    """Who looks must not break anything."""
    feature = FEATURE.replace("@risk_readonly", "@risk_destructive")

    assert f"{PAGE_PATH}:32: Diagnosis breaks nothing, but “It is found” is @risk_destructive" in only(
        project_of(feature=feature)
    )


def test_a_scenario_that_nobody_sees_is_told() -> None:
    """What is proven but not shown helps nobody at night."""
    page = PAGE.replace('{{ procedure("It is mended") }}', "Mend it.")

    assert f"{FEATURE_PATH}:14: “It is mended” is not shown on {PAGE_PATH}" in only(project_of(page=page))


def test_an_orphan_page_is_told() -> None:
    """A runbook that nothing can prove."""
    assert f"{PAGE_PATH}:1: an orphan page: {FEATURE_PATH} does not exist" == only(project_of(feature=None))


def test_an_orphan_feature_is_told() -> None:
    """A proof that nobody can read."""
    assert f"{FEATURE_PATH}:1: an orphan feature: {PAGE_PATH} does not exist" == only(project_of(page=None))


def test_a_feature_without_scenarios_is_told() -> None:
    """It would pass by doing nothing."""
    problems = said(project_of(feature="Feature: Redis is full\n"))

    assert f"{FEATURE_PATH}:1: has no scenario; write one, or remove the file" in problems


def test_a_page_whose_feature_cannot_be_read_is_no_orphan() -> None:
    """One mistake is told once."""
    broken = replace(project_of(feature=None), unreadable=frozenset({"redis/full"}))

    assert [] == said(broken)


def test_an_id_that_is_taken_is_told_at_the_second_page() -> None:
    """Ids become addresses."""
    others = {"docs/redis/more.md": PAGE}

    problems = said(project_of(others=others))

    assert f"docs/redis/more.md:4: id “redis-full” is taken by {PAGE_PATH}:4" in problems


def test_other_pages_may_show_templates_but_nothing_to_run() -> None:
    """Gherkin and Markdown are shown on the contributing page."""
    fine = {"docs/contributing.md": "# C\n\n```gherkin\nFeature: x\n```\n\n```markdown\n## y\n```\n"}
    wrong = {"docs/contributing.md": "# C\n\n```sh\nmake\n```\n"}

    assert [] == said(project_of(others=fine))
    assert "docs/contributing.md:3: a hand-written sh block: nothing ran it; use ```text" in only(
        project_of(others=wrong)
    )


def test_the_templates_to_copy_break_no_rule() -> None:
    """A newcomer's first runbook starts green."""
    text = (ROOT / "docs/contributing.md").read_text()
    feature = text.split("```gherkin\n")[1].split("\n```\n")[0]
    page = text.split("```markdown\n")[1].split("\n```\n")[0]

    assert [] == said(project_of(feature=feature, page=page))


def test_problems_come_in_order_of_file_and_line() -> None:
    """A person works through them from the top."""
    page = PAGE.replace("severity: HIGH", "severity: X").replace("Writes fail.", "")
    positions = [p.position for p in check_project(project_of(page=page))]

    assert sorted((p.path, p.line) for p in positions) == [(p.path, p.line) for p in positions]


@pytest.mark.parametrize(
    ("first", "second", "anchor"),
    [
        ("CPU > 80 %", "CPU < 80 %", "cpu-80"),
        ("It's full", "It s full", "it-s-full"),
        ("Redis: full", "Redis - full", "redis-full"),
        ("WARM up", "warm up", "warm-up"),
        ("Why?", "Why", "why"),
    ],
)
def test_two_scenarios_with_one_address_are_told(first: str, second: str, anchor: str) -> None:
    """A link to the second would lead to the first."""
    feature = FEATURE.replace("It is found", first).replace("It is mended", second)
    expected = f"14: “{second}” has the address of the scenario “{first}”, #{anchor}: word it otherwise"

    assert any(problem.endswith(expected) for problem in said(project_of(feature=feature)))


def test_a_scenario_takes_no_address_of_a_section() -> None:
    """The strip's Rollback would lead to it."""
    problems = said(project_of(feature=FEATURE.replace("It is mended", "Rollback")))

    assert any("“Rollback” has the address of the section “Rollback”, #rollback" in each for each in problems)


def test_braces_that_are_text_are_one_problem_with_its_remedy() -> None:
    """What follows from it is not told."""
    problems = said(project_of(page=PAGE.replace("# Redis is full\n", "# Redis is full\n\n`{{.Names}}`\n", 1)))

    assert len(problems) == 1
    assert "braces that are text stand between {% raw %} and {% endraw %}" in problems[0]


@pytest.mark.parametrize(("macro", "typed"), [("status", "statsu"), ("procedure", "procedrue")])
def test_a_mistyped_macro_is_one_problem(macro: str, typed: str) -> None:
    """Neither that the page lacks it, nor that its scenario is not shown."""
    assert f"“{typed}”; did you mean “{macro}”?" in only(
        project_of(page=PAGE.replace(f"{{{{ {macro}(", f"{{{{ {typed}(", 1))
    )


def test_what_leads_to_a_feature_with_a_mistake_is_no_problem_of_its_own() -> None:
    """A table of 300 references has no mistake because of a letter in a feature, which is told by itself."""
    project = project_of(feature=None)
    assert "there is no feature" in reference_problem(project, "redis/full::It is mended")
    assert not reference_problem(replace(project, unreadable=frozenset({"redis/full"})), "redis/full::It is mended")


def test_a_counter_example_stands_under_background_only() -> None:
    """And nothing else does."""
    bad = FEATURE.replace("@risk_mutating", "@risk_mutating @counter_example")
    assert "belongs under Background" in only(project_of(feature=bad))
    moved = PAGE.replace('{{ procedure("It is mended") }}', "Nothing.").rstrip()
    moved += '\n\n{{ procedure("It is mended") }}\n'
    assert "tag it @counter_example" in only(project_of(page=moved))
    assert said(project_of(feature=bad, page=moved)) == []
