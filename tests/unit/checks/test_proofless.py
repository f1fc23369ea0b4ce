"""Checks that cannot fail are found in the source; each planted case once, and its honest twin never."""

from __future__ import annotations

import ast
import textwrap

import pytest

from runbook_steps.engine.checks.idle import idle_problems
from runbook_steps.engine.checks.vacuous import vacuous_checks
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.python_steps import Catalog

STEPS = "company/steps/a.py"
FAULTS = "company/faults/a.py"


def found(body: str, *, more: str = "", path: str = STEPS) -> list[str]:
    """What is said of a Then with that body, or of a file of faults."""
    text = textwrap.dedent(body)
    if path == STEPS:
        text = f"{more}\n@then('so')\ndef so(last_result, datatable, board, shelf):\n{textwrap.indent(text, '    ')}"
    trees = {STEPS: ast.parse(text)} if path == STEPS else {}
    catalog = Catalog(texts={path: text}, trees=trees)
    return [problem.message for problem in vacuous_checks(catalog, ["company/faults"])]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print(last_result)", "checks nothing: it asserts nothing"),
        ("last_result.stdout == 'x'", "checks nothing: it asserts nothing"),
        ("assert len(last_result) >= 0", "is true whatever was seen"),
        ("assert len(last_result) > -1", "is true whatever was seen"),
        ("assert (last_result, 'is there')", "is true whatever was seen"),
        ("assert last_result.code == last_result.code", "is true whatever was seen"),
        ("seen = last_result.code\nassert seen == last_result.code", "is true whatever was seen"),
        ("one = shelf['a']\ntwo = shelf['a']\nassert one == two", "is true whatever was seen"),
        ("assert last_result.ok or True", "is true whatever was seen"),
        ("assert (x for x in last_result)", "is true whatever was seen"),
        ("for row in last_result.rows:\n    assert row.ok", "`last_result.rows` may be empty"),
        (
            "for row in last_result.rows():\n    if not row:\n        raise ValueError",
            "`last_result.rows()` may be empty",
        ),
        ("for row in []:\n    assert row", "`[]` may be empty"),
        ("assert all(row.ok for row in last_result.rows)", "`all()` of nothing is true"),
        ("assert all(map(bool, last_result))", "`all()` of nothing is true"),
        ("try:\n    assert last_result\nexcept Exception:\n    pass", "swallows every error"),
        ("try:\n    assert last_result\nexcept:\n    return None", "swallows every error"),
        ("with contextlib.suppress(AssertionError):\n    assert last_result", "swallows every error"),
    ],
)
def test_what_cannot_fail_is_found(body: str, said: str) -> None:
    """One problem, with its reason."""
    problems = found(body)
    assert len(problems) == 1, problems
    assert said in problems[0]


@pytest.mark.parametrize(
    "body",
    [
        "assert len(last_result) >= 1",
        "assert last_result.at >= 0",
        "assert last_result.code == 0",
        "before = last_result.code\nlook()\nbefore = 7\nassert before == last_result.code",
        "seen = shelf.look()\nassert seen == last_result.code",
        "check(last_result)",
        "for row in datatable[1:]:\n    assert row",
        "for row in ('a', 'b'):\n    assert row in last_result",
        "assert last_result.rows\nfor row in last_result.rows:\n    assert row.ok",
        "assert last_result.rows\nassert all(row.ok for row in last_result.rows)",
        "assert all(row in last_result for row in ('a', 'b'))",
        "try:\n    assert last_result\nexcept OSError:\n    pass",
        "try:\n    look()\nexcept Exception as error:\n    raise ValueError from error",
        "with pytest.raises(OSError):\n    look()",
    ],
)
def test_an_honest_check_is_not_accused(body: str) -> None:
    """Nothing is said."""
    assert found(body, more="def check(x):\n    assert x\n") == []


def test_a_then_that_reads_what_its_given_wrote_is_found() -> None:
    """It compares a note with a note; one that looks at the shelf is honest."""
    given = "@given('a', target_fixture='board')\ndef a():\n    return 1\n"
    (said,) = found("assert board == 1", more=given)
    assert "reads board, which a Given wrote" in said
    assert found("assert shelf.look() == board", more=given) == []


def test_a_fault_that_always_says_yes_is_found() -> None:
    """One that may say no is honest."""
    fault = "class F:\n    def observe(self):\n        return Observation({}, 'seen')\n"
    assert "always says" in found(fault.format("True"), path=FAULTS)[0]
    assert found(fault.format("bool(look())"), path=FAULTS) == []
    hidden = "def observe(self):\n    try:\n        look()\n    except Exception:\n        return\n"
    assert "swallows" in found(hidden, path=FAULTS)[0]


def test_a_fault_that_arranges_nothing_is_found() -> None:
    """What is so already is no fault; a base that leaves it to others, and what is no fault, are not accused."""
    arranging = "class F:\n    def arrange(self):\n        {}\n"
    fault = arranging + "    def observe(self):\n        return Observation(look(), 'x')\n"
    for nothing in ("pass", "'''It is so already.'''", "return", "..."):
        assert ["arranges nothing" in said for said in found(fault.format(nothing), path=FAULTS)] == [True], nothing
    for something in ("raise NotImplementedError", "self.stop()", "return self.stop()"):
        assert found(fault.format(something), path=FAULTS) == []
    assert found("class F:\n    def arrange(self):\n        pass\n", path=FAULTS) == []


FEATURE = '''\
@risk_mutating
Feature: Redis
  Scenario: One
    When I get ready to bring it back:
      """bash
      restore
      """
    And I free it:
      """bash
      {command}
      """
    Then at least {count} keys are left
'''


@pytest.mark.parametrize(
    ("command", "count", "said"),
    [
        ("echo freed", "1", "none of its commands does anything"),
        ("true", "1", "none of its commands does anything"),
        ("printf 'freed'", "1", "none of its commands does anything"),
        ("redis-cli unlink a", "0", "is true of every count"),
    ],
)
def test_a_scenario_that_changes_nothing_is_found(command: str, count: str, said: str) -> None:
    """With its line."""
    (problem,) = idle_problems(parse_feature(FEATURE.format(command=command, count=count), "features/a.feature"))
    assert said in problem.message


@pytest.mark.parametrize("command", ["echo 1 > file", "echo a | tee b", "echo $(unlink a)", "redis-cli unlink a"])
def test_a_change_is_not_accused(command: str) -> None:
    """A redirection, a pipe, a substitution, a program."""
    assert list(idle_problems(parse_feature(FEATURE.format(command=command, count="10"), "features/a.feature"))) == []
