"""What a page says of the risk: that of the command in hand, and whether anything takes the change back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.project.project import Project
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.site.blocks.page_start import page_start
from runbook_steps.engine.site.blocks.procedure import procedure_block
from runbook_steps.engine.site.blocks.status import status_strip
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_file import parse_page

FEATURE = '''\
Feature: nginx

  @risk_mutating
  Scenario: It is started
    When I look whether it runs:
      """bash
      FIRST
      """
    And I start it:
      """bash
      systemctl start nginx
      """
    Then it ends with exit code 0

  @risk_readonly
  Scenario: It is looked at
    When I look:
      """bash
      nginx -t
      """
    Then it ends with exit code 0
'''
UNDO = '''\
    When I get ready to stop it again:
      """bash
      systemctl stop nginx
      """
    And I look'''
PAGE = '# nginx\n\n## Diagnosis\n\n{{ procedure("It is started") }}\n'


def words(html: str) -> str:
    """The text of it."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize(
    ("first", "readers", "expected"),
    [
        ("systemctl status nginx", (), "It only reads; what follows it changes state."),
        ("systemctl reload nginx", (), "Changes state and keeps no undo ready : read the procedure to its end"),
        ("library loans list", (), "Changes state and keeps no undo ready : read"),
        ("library loans list", ("library loans list",), "It only reads; what follows it changes state."),
    ],
)
def test_the_first_card_says_what_its_command_does(first: str, readers: tuple[str, ...], expected: str) -> None:
    """Not what its procedure may do: whoever only looks need not be afraid. A project names its own readers."""
    runbook = parse_feature(FEATURE.replace("FIRST", first), "features/web/nginx.feature")
    settings = replace(Settings(Path()), reads=readers)
    project = Project(Path(), (runbook,), (parse_page(PAGE, "docs/web/nginx.md"),), settings=settings)

    assert expected in words(page_start(project, runbook))


def test_a_page_says_of_the_undo_what_the_run_says() -> None:
    """“Can be changed back” stood on a page whose run said “no undo”."""
    bare = parse_feature(FEATURE, "features/web/nginx.feature").procedures[0]
    text = FEATURE.replace("    When I look whether", UNDO + " whether", 1)
    kept = parse_feature(text, "features/web/nginx.feature").procedures[0]

    assert "and keeps no undo ready" in procedure_block(bare, "features/web/nginx.feature", ())
    assert "and keeps its undo ready" in procedure_block(kept, "features/web/nginx.feature", ())


def test_the_strip_says_what_the_page_can_do() -> None:
    """The worst of it, how much of it that is, and how much only reads."""
    runbook = parse_feature(FEATURE, "features/web/nginx.feature")

    strip = words(status_strip(runbook, (), {}, {}))
    assert "Changes state and keeps no undo ready · 1 of 2 procedures; 1 only read" in strip
