"""`runbooks new` from a shell: what it makes, what it refuses."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.authoring.new import skeleton
from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.project.project import load_project
from tests.house import HOUSE

MADE = ("docs/database/cache-fills-up.md", "features/database/cache-fills-up.feature")
STEPS = "runbook_steps/steps/cache_fills_up.py"
DATA = {
    "mkdocs.yml": "site_name: x\n",
    "docs/database/index.md": "---\nkind: page\ntitle: Database\n---\n\n# Database\n",
    "docs/data/severity.yml": "levels:\n  HIGH: {impact: a, response: b, escalation: c}\n"
    "  LOW: {impact: a, response: b, escalation: c}\n",
    "docs/data/contacts.yml": "team:\n  DevOps Lead: {name: a, phone: b, email: c, backup: d}\n"
    "  CTO: {name: a, phone: b, email: c, backup: d}\n",
}
SEE_THE_STEPS = """
import pytest
import runbook_steps.steps

runbook_steps.steps.__path__.append("runbook_steps/steps")
"""


def lay_out(root: Path) -> Path:
    """The smallest project: one domain, two roles, two severities, no runbook."""
    for path, text in DATA.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    (root / "features").mkdir(exist_ok=True)
    return root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The smallest project, in the current folder."""
    (tmp_path / "pyproject.toml").write_text(HOUSE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return lay_out(tmp_path)


def test_a_new_runbook_keeps_the_rules(root: Path) -> None:
    """Page, feature and steps are there, and `runbooks check` has nothing to say."""
    said = CliRunner().invoke(app, ["new", "database/cache-fills-up", "--title", 'It: "full"', "--owner", "CTO"])
    project = load_project(root)

    assert (0, []) == (said.exit_code, [str(problem) for problem in check_project(project)])
    assert ['It: "full"', "CTO", "LOW", "cache-fills-up"] == [
        project.page("database/cache-fills-up").head.values[key]  # type: ignore[union-attr]
        for key in ("title", "owner", "severity", "id")
    ]
    assert f"pytest {MADE[1]}" in said.stdout
    assert all((root / path).is_file() for path in (*MADE, STEPS))


def test_a_new_runbook_is_red_until_it_is_written(project: pytest.Pytester) -> None:
    """No scenario passes, and each says what is missing."""
    lay_out(project.path)
    assert 0 == CliRunner().invoke(app, ["new", "database/cache-fills-up"]).exit_code
    conftest = project.path / "conftest.py"
    conftest.write_text(SEE_THE_STEPS + conftest.read_text("utf-8"), encoding="utf-8")
    ran = project.runpytest_subprocess("features", "-q")

    ran.assert_outcomes(failed=3)
    ran.stdout.fnmatch_lines(["*not written yet: arrange what this runbook repairs*"])


def test_the_commands_of_a_new_runbook_are_red_too(project: pytest.Pytester) -> None:
    """A situation that was arranged does not make the rest look done."""
    lay_out(project.path)
    assert 0 == CliRunner().invoke(app, ["new", "database/cache-fills-up"]).exit_code
    steps = project.path / STEPS
    steps.write_text(steps.read_text("utf-8").replace("raise", "pass  # raise", 1), encoding="utf-8")
    conftest = project.path / "conftest.py"
    conftest.write_text(SEE_THE_STEPS + conftest.read_text("utf-8"), encoding="utf-8")
    ran = project.runpytest_subprocess("features", "-q")

    ran.assert_outcomes(failed=3)
    ran.stdout.fnmatch_lines(["*not written yet: the command that finds the cause*"])


def test_what_exists_is_not_touched(root: Path) -> None:
    """A second time is refused with exit code 3, the first one's text stays."""
    assert 0 == CliRunner().invoke(app, ["new", "database/cache-fills-up"]).exit_code
    (root / MADE[0]).write_text("mine", encoding="utf-8")

    with pytest.raises(RefusedError, match=f"{MADE[0]} exists"):
        skeleton(load_project(root), "database/cache-fills-up")
    again = CliRunner().invoke(app, ["new", "database/cache-fills-up"])
    assert isinstance(again.exception, RefusedError)
    assert "mine" == (root / MADE[0]).read_text("utf-8")


@pytest.mark.parametrize(
    "name",
    (
        "../x|database/../x|/database/x|database|database/a b|database/Cache|database/a_b"
        f"|database/-a|database/a/b|database/a.md|database/a\n||database/{'a' * 80}"
    ).split("|"),
)
def test_a_hostile_name_is_refused(root: Path, name: str) -> None:
    """Before anything is written."""
    before = sorted(root.rglob("*"))

    with pytest.raises(ConfigurationError, match="is no good name"):
        skeleton(load_project(root), name)
    assert before == sorted(root.rglob("*"))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("dtabase/x", {}, "no domain “dtabase”; did you mean “database”?"),
        ("database/x", {"owner": "DevOps Leed"}, "owner “DevOps Leed” is not in docs/data/contacts.yml; did you mean"),
        ("database/x", {"severity": "URGENT"}, "severity “URGENT” is not in docs/data/severity.yml; known: HIGH, LOW"),
        ("database/x", {"title": "{{ status() }}"}, "is no good title"),
        ("database/x", {"title": "a\n---\nb"}, "is no good title"),
    ],
)
def test_what_the_project_does_not_know_is_refused(root: Path, name: str, options: dict[str, str], said: str) -> None:
    """With what is known, or what was meant."""
    with pytest.raises(ConfigurationError) as refused:
        skeleton(load_project(root), name, **options)
    assert said in str(refused.value)


def test_a_taken_id_and_a_taken_module_get_the_domain_before_them(root: Path) -> None:
    """Two domains may have a runbook of the same name."""
    (root / "docs/health").mkdir()
    (root / "docs/health/index.md").write_text("---\nkind: page\n---\n\n# Health\n", encoding="utf-8")
    assert 0 == CliRunner().invoke(app, ["new", "database/cache-fills-up"]).exit_code
    made = skeleton(load_project(root), "health/cache-fills-up")

    assert "runbook_steps/steps/health_cache_fills_up.py" == list(made.files)[2]
    assert "\nid: health-cache-fills-up\n" in made.files["docs/health/cache-fills-up.md"]
