"""A runbook, what a run would have written of it, and a page as a browser shows it."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from markdown import Markdown

from runbook_steps.engine.model import (
    Evidence,
    Outcome,
    Procedure,
    Runbook,
    ScenarioRecord,
    Step,
    StepRecord,
)
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.unit.records import scenario_record

PATH = "features/redis/full.feature"

FEATURE = '''\
Feature: Redis is full

  Background:
    Given the shop is open

  @risk_destructive @requires_jq
  Scenario: Memory is free
    Given Redis is full
    When I free memory (within 2 minutes):
      """bash
      redis-cli unlink "$KEY" | jq .
      """
    Then `used_memory` is low
    When a person looks at the chart
    Then it falls
'''

EXTENSIONS = ["tables", "attr_list", "toc", "pymdownx.superfences", "pymdownx.details", "admonition"]


def runbook(feature: str = FEATURE) -> Runbook:
    """The runbook of a feature's text."""
    return parse_feature(feature, PATH)


def step_record(step: Step, outcome: Outcome = Outcome.PASSED, stdout: str = "OK\n") -> StepRecord:
    """What a run would have written of a step."""
    return StepRecord(
        role=step.role,
        keyword=step.keyword,
        text=step.text,
        line=step.position.line,
        outcome=outcome,
        duration_s=0.4,
        command=step.command.text if step.command else None,
        exit_code=0 if step.command else None,
        stdout=stdout if step.command else "",
    )


def record(procedure: Procedure, **changes: object) -> ScenarioRecord:
    """What a run would have written of a scenario."""
    base = scenario_record(
        PATH, procedure.name, risk=procedure.risk, duration_s=12.3, commit="abc1234def", emulated={"aws": "moto"},
        steps=tuple(step_record(step) for step in procedure.steps), text_hash=procedure.text_hash,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def evidence(*records: ScenarioRecord, target: str = "embedded") -> tuple[Evidence, ...]:
    """One target's evidence."""
    return (Evidence(target, "2026-11-23T15:01:00Z", {each.id: each for each in records}),)


def markdown(text: str, extensions: list[str]) -> str:
    """HTML as the site builder makes it."""
    return str(Markdown(extensions=extensions).convert(text))


def text_of(page: str) -> str:
    """What a browser shows of HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))
