"""A runbook of two scenarios, the second an outline: what tests of proofs are about."""

from __future__ import annotations

from dataclasses import replace

from runbook_steps.engine.model import FrontMatter
from runbook_steps.engine.sources.feature_file import parse_feature

__all__ = ["BOOK", "FEATURE", "FRONT", "PATH"]

PATH = "features/redis/full.feature"
FEATURE = '''\
Feature: Redis is full
  @risk_readonly
  Scenario: It is found
    When I look:
      """bash
      redis-cli ping
      """
    Then it is found

  @risk_readonly @requires_jq
  Scenario Outline: It is read
    When I look:
      """bash
      jq .
      """
    Then <what> is read

    Examples:
      | what |
      | a    |
      | b    |
'''
FRONT = FrontMatter("Redis is full", "CTO", "HIGH", (), (), "", 90, 5, "full")
BOOK = replace(parse_feature(FEATURE, PATH), page_path="docs/redis/full.md", front_matter=FRONT)
