"""The proof session: what pytest shows, what the journal and the evidence hold."""

from __future__ import annotations

import json
import types

import psutil
import pytest

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import Outcome
from runbook_steps.engine.pytest_side.plugin import _refuse_second_fixtures
from tests.unit.pytest_side.proof_project import GOOD, LONGEST_S, evidence, prove, scenario, write


def test_a_scenario_is_collected_by_its_name(project: pytest.Pytester) -> None:
    """Ids are the feature's path and the scenario's name."""
    write(project, GOOD)
    result = prove(project, "--collect-only", "-q")
    result.stdout.fnmatch_lines(["features/a.feature::A greeting is printed"])


def test_a_passing_scenario_is_evidence(project: pytest.Pytester) -> None:
    """Command, exit code and output of every step are in the evidence."""
    write(project, GOOD)
    prove(project).assert_outcomes(passed=1)
    record = evidence(project)["features/a.feature::A greeting is printed"]
    assert record.outcome is Outcome.PASSED
    assert [step.outcome for step in record.steps] == [Outcome.PASSED] * 4
    assert [step.stdout or None for step in record.steps[1:3]] == [None, "hello"]
    assert record.emulated == {"all": "a test"}


@pytest.mark.parametrize(
    ("command", "outcome", "word"),
    [
        ("exit 3", Outcome.FAILED, "exit code 3"),
        ("false | true", Outcome.FAILED, "exit code 1"),
        ('echo "$NO_SUCH_VARIABLE"', Outcome.FAILED, "NO_SUCH_VARIABLE"),
    ],
)
def test_a_failing_command_fails_the_scenario(
    project: pytest.Pytester, command: str, outcome: Outcome, word: str
) -> None:
    """A non-zero exit, a broken pipe stage and an unset variable each fail, and say where."""
    write(project, scenario(command))
    result = prove(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["features/a.feature:5: When I run it:", "*target:   here", f"*{word}*"])
    record = evidence(project)["features/a.feature::S"]
    assert outcome is record.outcome
    assert [outcome, Outcome.NOT_REACHED] == [step.outcome for step in record.steps]


def test_a_hanging_command_is_killed_with_its_children(project: pytest.Pytester) -> None:
    """A command past its limit is `timed out`; even a child that left its session is gone."""
    write(project, scenario("setsid sleep 4321 & sleep 4321", step="I hang (within 1 second)"))
    prove(project).assert_outcomes(failed=1)
    assert Outcome.TIMED_OUT is evidence(project)["features/a.feature::S"].outcome
    assert [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "4321"]] == []


def test_a_variable_that_is_only_where_named_reaches_no_other_command(project: pytest.Pytester) -> None:
    """As an administrator's password: named with its shell's own signs, or not there."""
    settings = project.path / "pyproject.toml"
    settings.write_text(settings.read_text("utf-8") + '\nonly_where_named = ["REDIS_URL"]\n', "utf-8")
    write(project, scenario("test -z \"$(env | grep '^REDIS_URL=')\""))
    write(project, scenario('test "${REDIS_URL:?}" = "$(printenv REDIS_URL)"'), "b")

    prove(project).assert_outcomes(passed=2)


def test_a_missing_tool_is_not_runnable_here(project: pytest.Pytester) -> None:
    """A scenario whose tool is absent is skipped with the tool's name, and recorded so."""
    write(project, scenario("true").replace("@risk_readonly", "@risk_readonly @requires_nosuchtool"))
    result = prove(project)
    result.assert_outcomes(skipped=1)
    record = evidence(project)["features/a.feature::S"]
    assert (
        record.outcome,
        record.reason,
    ) == (Outcome.NOT_RUNNABLE, "nosuchtool not found on the PATH of here")
    assert {Outcome.NOT_REACHED} == {step.outcome for step in record.steps}


def test_a_step_nobody_wrote_fails(project: pytest.Pytester) -> None:
    """A typo in a step is a failure at its line, not a pass."""
    write(project, scenario("true", tail="Then it ends wiht exit code 0"))
    result = prove(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["features/a.feature:9: Then it ends wiht exit code 0"])
    assert [s.outcome for s in evidence(project)["features/a.feature::S"].steps] == [
        Outcome.PASSED,
        Outcome.FAILED,
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Feature: F\n  Scenario: S\n    Then x\n", "features/a.feature:2: needs exactly one risk tag*"),
        ("@risk_readonly\nFeature: F\n  Scenario: S\n    Gvien x\n", "features/a.feature:4: *"),
        (
            "@risk_readonly @nonsense\nFeature: F\n  Scenario: S\n    Then x\n",
            "*a.feature:3: unknown tag @nonsense*",
        ),
        ("", "features/a.feature:1: no `Feature:` here*"),
    ],
)
def test_a_broken_feature_is_one_line(project: pytest.Pytester, text: str, message: str) -> None:
    """Errors of a feature name file and line, without a traceback."""
    write(project, text)
    result = prove(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_secret_is_seen_nowhere(project: pytest.Pytester) -> None:
    """A command that prints a secret leaves only its kind and length, in terminal, journal and evidence."""
    write(project, scenario('echo "$REDIS_URL"; exit 1'))
    result = prove(project, "--junitxml=junit.xml", "--cucumberjson=cucumber.json")
    result.assert_outcomes(failed=1)
    texts = {file: file.read_text() for file in project.path.rglob("*.*") if file.suffix in {".json", ".jsonl", ".xml"}}
    assert len(texts) == 5  # the journal, the evidence, its history, and the two reports
    assert [file.name for file, text in texts.items() if "S3cr3t" in text] == []
    assert "S3cr3t" not in result.stdout.str()
    assert "[redacted" in texts[project.path / "build/evidence/here.json"]


def test_broken_evidence_is_refused(project: pytest.Pytester) -> None:
    """A damaged evidence file stops the run before it starts, and is left as it was."""
    write(project, GOOD)
    file = project.path / "build/evidence/here.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"schema": "half')
    result = prove(project)
    assert result.ret == 4
    result.stdout.fnmatch_lines(["*here.json is not JSON*Move it away and prove again*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert file.read_text() == '{"schema": "half'


def test_a_partial_run_keeps_the_other_evidence(project: pytest.Pytester) -> None:
    """Proving one scenario replaces its record and no other."""
    write(project, GOOD, "a")
    write(project, scenario("true"), "b")
    prove(project).assert_outcomes(passed=2)
    before = evidence(project)
    prove(project, "-k", "greeting").assert_outcomes(passed=1, deselected=1)
    after = evidence(project)
    assert before["features/b.feature::S"] == after["features/b.feature::S"]
    assert (
        before["features/a.feature::A greeting is printed"].run
        != after["features/a.feature::A greeting is printed"].run
    )


def test_two_workers_make_one_evidence(project: pytest.Pytester) -> None:
    """With `-n 2` the journals of both workers become one evidence file."""
    for name in "abcd":
        write(project, scenario("true"), name)
    prove(project, "-n", "2").assert_outcomes(passed=4)
    assert len(evidence(project)) == 4


def test_last_failed_runs_only_what_failed(project: pytest.Pytester) -> None:
    """`--lf` finds the failed scenario again by its id."""
    write(project, GOOD, "a")
    write(project, scenario("exit 1"), "b")
    project.runpytest_subprocess("features/", timeout=LONGEST_S).assert_outcomes(passed=1, failed=1)
    project.runpytest_subprocess("features/", "--lf", timeout=LONGEST_S).assert_outcomes(failed=1)


def test_last_failed_finds_a_row_of_an_outline_again(project: pytest.Pytester) -> None:
    """Only that row, not the whole project."""
    outline = scenario("test <word> = one").replace("Scenario:", "Scenario Outline:")
    write(project, f"{outline}\n    Examples:\n      | word |\n      | one  |\n      | two  |\n")
    project.runpytest_subprocess("features/", timeout=LONGEST_S).assert_outcomes(passed=1, failed=1)
    project.runpytest_subprocess("features/", "--lf", timeout=LONGEST_S).assert_outcomes(failed=1)


def test_the_evidence_is_valid_json_of_its_schema(project: pytest.Pytester) -> None:
    """The file names its schema and version."""
    write(project, GOOD)
    prove(project)
    document = json.loads((project.path / "build/evidence/here.json").read_text())
    assert document["version"] == 1


def test_a_step_that_nobody_wrote_is_shown_as_it_could_be(project: pytest.Pytester) -> None:
    """With the line of the feature: to be corrected there, or to be pasted."""
    write(project, scenario("true") + '    And the "moon" is \\ full\n')
    result = prove(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            'features/a.feature:*: And the "moon" is * full',
            "*no Python step matches it*",
            '*@then("the *moon* is * full")',
            "*def the_moon_is_full() -> None:",
        ]
    )


def test_two_steps_for_one_line_are_refused(project: pytest.Pytester) -> None:
    """Which of two Python steps runs is never left to chance: both are named."""
    with (project.path / "conftest.py").open("a") as file:
        file.write("\nfrom pytest_bdd import parsers, then\n")
        file.write("\n@then(parsers.re('it ends with .*'))\ndef _another(): pass\n")
    write(project, scenario("true"))
    result = prove(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["features/a.feature:9: Then it ends with exit code 0", "*two Python steps match it*"])


def test_two_step_modules_may_not_define_one_fixture() -> None:
    """One would silently take the other's place: the module and the fixture are named."""
    owners: dict[str, str] = {}
    for name in ("first", "second"):
        module = types.ModuleType(f"steps.{name}")
        exec("import pytest\n@pytest.fixture\ndef shared():\n    return 1\n", module.__dict__)  # noqa: S102 - a module
        if name == "first":
            _refuse_second_fixtures(module, owners)
        else:
            module.__file__ = "second.py"
            with pytest.raises(
                ConfigurationError, match=r"second\.py: the fixture `shared` is defined in steps\.first"
            ):
                _refuse_second_fixtures(module, owners)


def test_a_row_of_an_outline_runs_as_it_is_read(project: pytest.Pytester) -> None:
    """The command, the id and the evidence hold the cell, whatever stands before its place."""
    outline = scenario("test 2 -lt 3 <<<x && printf '%s' '<word>'").replace("Scenario:", "Scenario Outline:")
    write(project, f"{outline}\n    Examples:\n      | word |\n      | كلمة |\n      | two  |\n")
    prove(project, "-k", "كلمة").assert_outcomes(passed=1, deselected=1)
    project.runpytest_subprocess("features/a.feature::S[two]", timeout=LONGEST_S).assert_outcomes(passed=1)
    records = evidence(project)
    assert set(records) == {"features/a.feature::S[كلمة]", "features/a.feature::S[two]"}
    assert [each.steps[0].stdout for each in records.values()] == ["two", "كلمة"]
    assert records["features/a.feature::S[two]"].steps[0].command == "test 2 -lt 3 <<<x && printf '%s' 'two'"
