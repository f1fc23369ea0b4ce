"""A command changed in a feature changes the run and the page; a broken one turns both red."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site.conftest import DemoProject
from tests.unit.conftest import HERE_TARGET

ROOT = Path(__file__).parents[2]
PAGE = """---
kind: runbook
title: Greeting
id: greeting
owner: DevOps Lead
severity: LOW
alerts: []
services: [api]
symptoms: [nobody greets]
reviewed: ""
review_every: 90d
expected_minutes: 1
---

# Greeting

{{ status() }}

## Use this when

- Nobody greets. **Not when** somebody does.

## Impact

None.

## Before you start

- Access: a shell.

## Diagnosis

{{ procedure("A greeting is printed") }}

## Mitigation

Greet.

## Verification

It was printed.

## Rollback

Nothing was changed.

## Escalation

Call the Engineering Lead.

## Background

??? note "Why"
    Because.
"""
FEATURE = '''@risk_readonly
Feature: Greeting

  Scenario: A greeting is printed
    When I print a greeting:
      """bash
      echo "good morning"
      """
    And I print a farewell:
      """bash
      echo "good night"
      """
    Then it ends with exit code 0
'''


@pytest.fixture
def greeting(demo: DemoProject) -> DemoProject:
    """A project with one runbook, which is proven on this very machine."""
    for folder in ("features", "docs"):
        shutil.rmtree(demo.root / folder / "database", ignore_errors=True)
    (demo.root / "docs/data/alerts.yml").unlink()
    (demo.root / "features").mkdir(exist_ok=True)
    (demo.root / "docs/application").mkdir(parents=True)
    (demo.root / "features/application").mkdir()
    (demo.root / "docs/application/greeting.md").write_text(PAGE)
    (demo.root / "features/application/greeting.feature").write_text(FEATURE)
    (demo.root / "conftest.py").write_text(HERE_TARGET)
    (demo.root / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nmarkers = ["risk_readonly"]\n[tool.runbooks]\ndefault_target = "here"\n'
    )
    return demo


def prove(project: DemoProject) -> int:
    """Runs the feature; gives pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "features/"]
    return subprocess.run(command, cwd=project.root, capture_output=True, check=False, timeout=60).returncode


def test_page_and_run_follow_the_feature(greeting: DemoProject) -> None:
    """Green, then changed and green with the new command, then broken and red at the failing step."""
    path = "features/application/greeting.feature"
    assert prove(greeting) == 0
    page = greeting.build().page("application/greeting")
    assert "Proven on here" in page
    assert "good morning" in page

    greeting.edit(path, "good morning", "good evening")
    page = greeting.build().page("application/greeting")
    assert ("good evening" in page, "good morning" in page) == (True, False)
    assert "Proven on here" not in page
    assert prove(greeting) == 0
    assert "Proven on here" in greeting.build().page("application/greeting")

    greeting.edit(path, 'echo "good evening"', "exit 3")
    assert prove(greeting) == 1
    page = greeting.build().page("application/greeting")
    assert "Proven on here" not in page
    assert "exit code 3" in page
    assert "not reached" in page
