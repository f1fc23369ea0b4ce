"""A project of one runbook, to be broken: what the check says of it."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_file import parse_page
from runbook_steps.engine.sources.people_and_levels import parse_contacts, parse_severities

ROOT = Path(__file__).parents[3]

FEATURE_PATH = "features/redis/full.feature"

PAGE_PATH = "docs/redis/full.md"

FEATURE = '''\
@alert_RedisMemoryHigh
Feature: Redis is full

  @risk_readonly
  Scenario: It is found
    Given Redis is full
    When I look:
      """bash
      redis-cli info memory
      """
    Then it says so

  @risk_mutating
  Scenario: It is mended
    When I mend it:
      """bash
      redis-cli ping
      """
    Then it is mended
'''

PAGE = """\
---
kind: runbook
title: Redis is full
id: redis-full
owner: DevOps Lead
severity: HIGH
alerts: [RedisMemoryHigh]
services: [redis]
symptoms: [nobody can sign in]
reviewed: ""
review_every: 90d
expected_minutes: 10
---
# Redis is full

{{ status() }}

## Use this when

It is full. **Not when** it is down.

## Impact

Writes fail.

## Before you start

Nothing.

## Diagnosis

{{ procedure("It is found") }}

## Mitigation

{{ procedure("It is mended") }}

## Verification

Look again.

## Rollback

No way back is needed.

## Escalation

Call.

## Background

??? note "Why"
    Because.
"""


def project_of(
    feature: str | None = FEATURE, page: str | None = PAGE, others: Mapping[str, str] | None = None
) -> Project:
    """A project of one runbook and other pages, path → text."""
    pages = {**({PAGE_PATH: page} if page is not None else {}), **(others or {})}
    return Project(
        root=Path(),
        settings=load_settings(ROOT),
        runbooks=(parse_feature(feature, FEATURE_PATH),) if feature is not None else (),
        pages=tuple(parse_page(text, path) for path, text in pages.items()),
        severities=parse_severities((ROOT / "docs/data/severity.yml").read_text(), "docs/data/severity.yml"),
        contacts=parse_contacts((ROOT / "docs/data/contacts.yml").read_text(), "docs/data/contacts.yml"),
    )


def said(project: Project) -> list[str]:
    """What the check says, line by line."""
    return [str(problem) for problem in check_project(project)]


def only(project: Project) -> str:
    """The one thing the check says."""
    problems = said(project)
    assert 1 == len(problems), problems
    return problems[0]
