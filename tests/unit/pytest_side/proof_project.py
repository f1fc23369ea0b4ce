"""A project of one feature, and its proof in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook_steps.engine.proof.evidence_file import load_evidence

__all__ = ["GOOD", "LONGEST_S", "evidence", "prove", "scenario", "write"]

LONGEST_S = 180  # a machine with other work takes a minute to start two workers
GOOD = '''
@risk_readonly
Feature: Greeting

  Scenario: A greeting is printed
    When I print a greeting:
      """bash
      echo '{"word": "hello"}'
      """
    And I take word from the answer as WORD
    And I print it again:
      """bash
      printf '%s' "$WORD"
      """
    Then it ends with exit code 0
'''


def scenario(command: str, *, step: str = "I run it", tail: str = "Then it ends with exit code 0") -> str:
    """A feature of one scenario around one command."""
    return (
        "@risk_readonly\nFeature: F\n\n  Scenario: S\n"
        f'    When {step}:\n      """bash\n      {command}\n      """\n    {tail}\n'
    )


def write(project: pytest.Pytester, text: str, name: str = "a") -> Path:
    """Writes features/<name>.feature."""
    path = project.path / "features" / f"{name}.feature"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def evidence(project: pytest.Pytester) -> Any:
    """The records of the run before, by id."""
    return load_evidence(project.path / "build/evidence/here.json").records


def prove(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """`pytest features/` in a process of its own."""
    return project.runpytest_subprocess("-p", "no:cacheprovider", "features/", *arguments, timeout=LONGEST_S)
