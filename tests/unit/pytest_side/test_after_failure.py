"""`--after-failure`: a block that changes something although the block before it failed is red, unless declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.pytest_side.proof_project import prove, write

SURE = "echo sure > {folder}/sure"
CHANGES = "echo changed >> {folder}/log"
LOOKS = 'if test -e {folder}/sure; then echo changed >> {folder}/log; else echo "not sure"; false; fi'
DECLARED = "# good without (1): the log takes a line whatever came before.\n    "
DAMAGES = "echo changed >> {folder}/log; false"
READS = "ls {folder} > /dev/null"


def feature(folder: Path, second: str, *, above: str = "") -> str:
    """Two blocks: one that makes sure, one that changes something."""
    return f'''\
@risk_mutating
Feature: F

  Scenario: S
    When I make sure:
      """bash
      {SURE.format(folder=folder)}
      """
    {above}And I change it:
      """bash
      {second.format(folder=folder)}
      """
    Then it ends with exit code 0
'''


@pytest.mark.parametrize(
    ("second", "above", "says"),
    [
        (LOOKS, "", "1 passed"),
        (READS, "", "1 passed"),
        (CHANGES, "", "Let it look first"),
        (DAMAGES, "", "Let it look first"),
        (CHANGES, DECLARED, "1 passed"),
        (LOOKS, DECLARED, "take that `# good without` out"),
    ],
)
def test_what_goes_on_is_red_unless_it_is_declared(
    project: pytest.Pytester, tmp_path: Path, second: str, above: str, says: str
) -> None:
    """Whatever it attempts is named and not done: the log stays as it was."""
    write(project, feature(tmp_path, second, above=above))
    result = prove(project, "--pasted", "bash", "--after-failure")
    result.assert_outcomes(**{"passed" if says == "1 passed" else "failed": 1})
    assert says in result.stdout.str()
    assert not (tmp_path / "log").exists()


def test_it_needs_a_window_that_goes_on(project: pytest.Pytester, tmp_path: Path) -> None:
    """Each block in a shell of its own says nothing about the next one."""
    write(project, feature(tmp_path, CHANGES))
    result = prove(project, "--after-failure")
    assert "--after-failure needs --pasted" in result.stdout.str() + result.stderr.str()
