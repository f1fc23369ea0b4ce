"""What a feature's text means, and what is refused with file and line."""

from __future__ import annotations

import pytest

from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.model import Risk, Role
from runbook_steps.engine.sources.feature_file import parse_feature, stem_of

PATH = "features/redis/full.feature"
HEAD = "@risk_mutating\nFeature: Redis\n"
TAIL = "    Then it ends with exit code 0\n"


def feature(steps: str, *, head: str = HEAD) -> str:
    """A feature of one scenario with these steps and a check."""
    return f"{head}\n  Scenario: One\n{steps}{TAIL}"


def command_step(step: str, *, media_type: str = "bash", text: str = "echo 1") -> str:
    """A When with a command."""
    return f'    When {step}\n      """{media_type}\n      {text}\n      """\n'


def test_a_command_keeps_its_bytes() -> None:
    """Inner indentation, quotes and blank lines of a command are kept."""
    text = 'if true; then\n        echo "a  b"\n\n      fi'
    (procedure,) = parse_feature(feature(command_step("I do it:", text=text)), PATH).procedures
    assert tuple(c.text for c in procedure.commands) == ('if true; then\n  echo "a  b"\n\nfi',)


@pytest.mark.parametrize(
    ("step", "purpose", "timeout_s", "may_fail"),
    [
        ("I measure the memory:", "measure the memory", 30.0, False),
        ("I restore it (within 5 minutes):", "restore it", 300.0, False),
        ("I wait (within 1 second):", "wait", 1.0, False),
        ("I try to restore without a yes:", "restore without a yes", 30.0, True),
    ],
)
def test_a_command_step_is_read(step: str, purpose: str, timeout_s: float, may_fail: bool) -> None:
    """Purpose, time limit and whether it may fail stand in the step."""
    (procedure,) = parse_feature(feature(command_step(step)), PATH).procedures
    (command,) = procedure.commands
    assert (purpose, timeout_s, may_fail) == (command.purpose, command.timeout_s, command.may_fail)


def test_and_takes_the_role_of_the_step_before() -> None:
    """And and But are resolved, a Background's steps come first."""
    text = HEAD + "  Background:\n    Given a\n    And b\n\n  Scenario: One\n    When a person looks\n" + TAIL
    (procedure,) = parse_feature(text, PATH).procedures
    assert [step.role for step in procedure.steps] == [Role.GIVEN, Role.GIVEN, Role.WHEN, Role.THEN]
    assert [step.from_background for step in procedure.steps] == [True, True, False, False]
    assert [step.manual for step in procedure.steps] == [False, False, True, False]


def test_the_stem_binds_page_and_feature() -> None:
    """Both sides have the same stem."""
    assert "redis/full" == stem_of(PATH) == stem_of("docs/redis/full.md")


def test_the_risk_comes_from_the_tag() -> None:
    """A scenario inherits its feature's risk."""
    assert Risk.MUTATING is parse_feature(feature(""), PATH).procedures[0].risk


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "no `Feature:` here"),
        ("nonsense", 1, "“nonsense” does not belong here"),
        ("\ufeff" + feature(""), 1, "begins with a byte order mark"),
        (feature("", head="Feature: X\n"), 3, "exactly one risk tag"),
        (feature("", head="@risk_readonly @risk_mutating\nFeature: X\n"), 4, "exactly one risk tag"),
        (feature("    Gvien x\n"), 5, "did you mean Given?"),
        (feature("    Given x\n    Than y\n"), 6, "“Than y” does not belong here"),
        (feature("    Given x\n    Than y\n"), 6, "did you mean “Then”?"),
        (feature("    And x\n"), 5, "begin with Given"),
        (HEAD + "  Scenario: One\n    Given x\n", 3, "checks nothing"),
        (HEAD + "  Scenario: One\n", 3, "checks nothing"),
        (HEAD + "  Scenario: One\n    Then a person looks\n", 3, "checks nothing"),
        (HEAD + "  Background:\n    When x\n  Scenario: One\n" + TAIL, 4, "Given only"),
        (feature("    When I do it:\n"), 5, "holds no command"),
        (feature(command_step("I do it:", media_type="")), 6, "name the language"),
        (feature(command_step("I do it:", media_type="fish")), 6, "name the language"),
        (feature(command_step("it is done")), 5, "ending with a colon"),
        (feature(command_step("I do it:", text="")), 6, "the command is empty"),
        (feature("").replace("One", "a::b"), 4, "needs a name"),
        (feature("") + "\n  Scenario: One\n" + TAIL, 7, "a second scenario named “One”"),
    ],
)
def test_a_broken_rule_names_its_line(text: str, line: int, message: str) -> None:
    """Every refusal says file, line and what to do."""
    with pytest.raises(FeatureError) as caught:
        parse_feature(text, PATH)
    assert (PATH, line) == (caught.value.position.path, caught.value.position.line)
    assert message in str(caught.value)


def test_the_hash_follows_what_the_scenario_says() -> None:
    """A changed command changes the hash, a moved scenario does not."""
    one = parse_feature(feature(command_step("I do it:")), PATH).procedures[0]
    moved = parse_feature(feature(command_step("I do it:"), head=HEAD + "\n\n"), PATH).procedures[0]
    other = parse_feature(feature(command_step("I do it:", text="echo 2")), PATH).procedures[0]
    assert one.text_hash == moved.text_hash
    assert one.text_hash != other.text_hash


def test_a_docstring_that_is_no_command_is_what_the_step_says() -> None:
    """The text a check expects belongs to its step, and to the hash."""
    check = '    Then it is refused with exit code 3, saying:\n      """\n      not today\n      """\n'
    (procedure,) = parse_feature(feature(check), PATH).procedures
    said, command = procedure.steps[0].said, procedure.steps[0].command
    assert said == "not today"
    assert command is None
