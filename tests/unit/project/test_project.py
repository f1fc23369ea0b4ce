"""The project is read from disk as it is now: bound, dated by its text, its mistakes kept."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError, EvidenceError
from runbook_steps.engine.model import Evidence, Outcome
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.proof.evidence_file import write_evidence
from runbook_steps.engine.settings import find_root
from runbook_steps.engine.site.navigation import left_out, navigation, page_list
from runbook_steps.engine.sources.page_file import parse_page
from tests.house import HOUSE_ORDER
from tests.unit.records import proof_of

FEATURE = '''\
Feature: F
  @risk_readonly
  Scenario: S
    When I go:
      """bash
      true
      """
    Then it went
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one feature and one page."""
    for path, text in {
        "mkdocs.yml": "site_name: x\n",
        "pyproject.toml": "",
        "features/a/b.feature": FEATURE,
        "docs/a/b.md": "# B\n",
        "docs/data/severity.yml": "levels:\n  HIGH: {impact: a, response: b, escalation: c}\n",
        "docs/data/contacts.yml": "team:\n  CTO: {name: a, phone: b, email: c, backup: d}\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def prove(root: Path, project: Project) -> None:
    """Writes the evidence of a run of the project as it is."""
    procedure = project.runbooks[0].procedures[0]
    record = proof_of(root, procedure, "a/b")
    write_evidence(
        root / "build/evidence/embedded.json",
        Evidence("embedded", "2026-11-23T15:00:00Z", {record.id: record}),
    )


def outcome(root: Path) -> Outcome:
    """How the one scenario stands now."""
    return load_project(root).evidence[0].records["features/a/b.feature::S"].outcome


def test_page_and_feature_of_one_stem_are_one_runbook(root: Path) -> None:
    """The stem is the binding."""
    project = load_project(root)

    assert [("a/b", "docs/a/b.md")] == [(book.stem, book.page_path) for book in project.runbooks]
    assert (["HIGH"], ["CTO"], ()) == (list(project.severities), list(project.contacts), project.problems)


def test_a_proof_goes_stale_with_the_scenarios_text(root: Path) -> None:
    """And is fresh again when the text is what ran."""
    prove(root, load_project(root))
    feature = root / "features/a/b.feature"

    fresh = outcome(root)
    feature.write_text(FEATURE.replace("true", "false"))
    changed = outcome(root)
    feature.write_text(FEATURE)

    assert (Outcome.PASSED, Outcome.STALE, Outcome.PASSED) == (fresh, changed, outcome(root))


def test_a_broken_feature_is_a_problem_and_the_rest_is_read(root: Path) -> None:
    """All mistakes are told together."""
    (root / "features/a/c.feature").write_text("Feature: C\n  Scenario: X\n    Given y\n")

    project = load_project(root)

    assert ["features/a/c.feature"] == [problem.position.path for problem in project.problems]
    assert (1, frozenset({"a/c"})) == (len(project.runbooks), project.unreadable)


@pytest.mark.parametrize(
    "command",
    [["status"], ["evidence", "merge", "build/evidence/embedded.json", "--out", "joined.json", "--whole"]],
    ids=lambda words: words[0],
)
def test_who_counts_on_all_scenarios_is_told_of_a_feature_that_cannot_be_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """All that are left are proven, and nobody knows of the others: that is no success."""
    monkeypatch.chdir(root)
    prove(root, load_project(root))
    good = CliRunner().invoke(app, command)
    (root / "joined.json").unlink(missing_ok=True)
    (root / "features/a/c.feature").write_text(FEATURE.replace("Feature: F", "Feature F"), "utf-8")
    bad = CliRunner().invoke(app, command)

    assert 0 == good.exit_code, good.output
    assert (True, True) == (0 != bad.exit_code, "features/a/c.feature:1" in bad.stderr + str(bad.exception)), bad.output
    assert not (root / "joined.json").exists()


def test_a_data_file_that_is_missing_is_told(root: Path) -> None:
    """Pages name what stands in it."""
    (root / "docs/data/contacts.yml").unlink()

    assert "docs/data/contacts.yml:1: cannot be read" in str(load_project(root).problems[0])


def test_a_data_file_with_a_gap_is_told_with_its_line(root: Path) -> None:
    """A severity without a response time helps nobody."""
    (root / "docs/data/severity.yml").write_text("levels:\n  HIGH:\n    impact: a\n")

    assert "docs/data/severity.yml:2: HIGH needs `response:`, in words" == str(load_project(root).problems[0])


def test_evidence_that_is_cut_short_is_refused(root: Path) -> None:
    """Never half-read."""
    prove(root, load_project(root))
    file = root / "build/evidence/embedded.json"
    file.write_text(file.read_text()[:-40])

    with pytest.raises(EvidenceError, match="not JSON"):
        load_project(root)


def test_evidence_that_changed_is_read_again(root: Path) -> None:
    """The site server sees a new run."""
    prove(root, load_project(root))
    before = outcome(root)
    file = root / "build/evidence/embedded.json"
    document = json.loads(file.read_text())
    document["scenarios"][0]["outcome"] = "timed out"
    file.write_text(json.dumps(document))

    assert (Outcome.PASSED, Outcome.TIMED_OUT) == (before, outcome(root))


def test_the_root_is_found_from_below_and_its_absence_told(root: Path) -> None:
    """Commands work in any folder of the project."""
    assert root == find_root(root / "docs/a")
    with pytest.raises(ConfigurationError, match="no project at or above"):
        find_root(Path("/"))


def test_the_site_is_ordered_by_domain_and_title() -> None:
    """Home first, emergencies before reference, an index before its pages, how to contribute last."""
    pages = [
        parse_page(f"# {title}\n", f"docs/{path}.md")
        for path, title in {
            "contributing": "C",
            "reference/x": "X",
            "health/b": "Alpha",
            "health/a": "Beta",
            "emergency/z": "Z",
            "unknown/u": "U",
            "decisions/0002-b": "A",
            "decisions/0001-a": "B",
            "decisions/index": "Z",
            "index": "I",
        }.items()
    ]

    assert [
        {"Home": "index.md"},
        {"Emergency": ["emergency/z.md"]},
        {"Health": ["health/b.md", "health/a.md"]},
        {"Reference": ["reference/x.md"]},
        {"Decisions": "decisions/index.md"},
        {"Unknown": ["unknown/u.md"]},
        "contributing.md",
    ] == navigation(pages, HOUSE_ORDER)
    assert left_out(pages, HOUSE_ORDER) == ["/decisions/0002-b.md", "/decisions/0001-a.md"]
    assert page_list(pages, "decisions", HOUSE_ORDER) == "\n- [B](0001-a.md)\n- [A](0002-b.md)\n"


def test_a_proof_runs_out_and_may_be_a_mistake(root: Path) -> None:
    """Older than `review_every` is stale, with the date; with `stale_fails` the check names the scenario."""
    page = root / "docs/a/b.md"
    head = (
        "title: B\nowner: CTO\nseverity: HIGH\nalerts: []\nservices: [api]\nsymptoms: [b]\n"
        'reviewed: ""\nreview_every: 90d\nexpected_minutes: 1\n'
    )
    page.write_text(f"---\n{head}---\n# B\n", encoding="utf-8")
    prove(root, load_project(root))

    def outcome(day: str) -> tuple[Outcome, str]:
        found = load_project(root, date.fromisoformat(day)).evidence[0].records["features/a/b.feature::S"]
        return found.outcome, found.reason

    assert outcome("2027-02-21") == (Outcome.PASSED, "")
    assert outcome("2027-02-22") == (Outcome.STALE, "proven 2026-11-23, longer ago than 90 days (review_every)")
    told = [str(p) for p in check_project(load_project(root, date(2027, 3, 1))) if "stale" in str(p)]
    assert told == []
    (root / "pyproject.toml").write_text("[tool.runbooks]\nstale_fails = true\n", encoding="utf-8")
    told = [str(p) for p in check_project(load_project(root, date(2027, 3, 1))) if "stale" in str(p)]
    assert [line.partition(" is stale")[0] for line in told] == ["features/a/b.feature:3: “S”"]
    (root / "pyproject.toml").write_text("[tool.runbooks]\nstale_fails = 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="stale_fails is true or false"):
        load_project(root)
