"""A small project in a real git repository, for the commands that commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.house import ENTRY_POINTS, HOUSE

PAGE = """\
---
kind: runbook
title: {title}
id: {id}
owner: DevOps Lead
severity: HIGH
alerts: []
services: []
symptoms: []
reviewed: ""
review_every: 90d
expected_minutes: 10
---

# {title}

{{{{ status() }}}}

## Use this when

- It is slow. **Not when** it is down: [{other}]({link}#use-this-when).

## Impact

All.

## Before you start

- Look at [the index](index.md) and ![a picture](../data/a.png).

## Diagnosis

{{{{ procedure("The cause is found") }}}}

## Mitigation

See above.

## Verification

See above.

## Rollback

None.

## Escalation

Nobody.

## Background

??? note "Why"
    Because.
"""
FEATURE = """\
Feature: {title}
  @risk_readonly
  Scenario: The cause is found
    When I look for the cause:
      \"\"\"bash
      echo "GET /api/database/slow" database/slow
      \"\"\"
    Then it is known
"""
FILES = {
    "mkdocs.yml": "site_name: x\n",
    "pyproject.toml": HOUSE + ENTRY_POINTS,
    ".gitignore": "build/\n",
    "docs/data/severity.yml": "levels:\n  HIGH: {impact: a, response: b, escalation: c}\n",
    "docs/data/contacts.yml": "team:\n  DevOps Lead: {name: a, phone: b, email: c, backup: d}\n",
    "docs/data/rules.yml": (
        "SlowDatabase: {runbook: database/slow, see: database/slow-disk}\n"
        'annotations: {runbook_url: "https://runbooks.example/database/slow/#impact"}\n'
        'ask: "https://api.example/database/slow/"\n'
    ),
    "docs/database/index.md": "---\nkind: page\ntitle: Database\n---\n\n# Database\n\n[Slow](slow.md#impact)\n",
    "docs/health/index.md": "---\nkind: page\ntitle: Health\n---\n\n# Health\n",
    "docs/about/change-log.md": (
        "---\nkind: page\ntitle: Change log\n---\n\n# Change log\n\n"
        "| Date | Version | Changes | Author |\n| --- | --- | --- | --- |\n| 2025-07-16 | 1.0 | First | Team |\n"
    ),
    "docs/database/slow.md": PAGE.format(title="Slow", id="slow", other="Down", link="down.md"),
    "docs/database/down.md": PAGE.format(title="Down", id="down", other="Slow", link="../database/slow.md"),
    "features/database/slow.feature": FEATURE.format(title="Slow"),
    "features/database/down.feature": FEATURE.format(title="Down"),
    "README.md": "Run `pytest features/database/slow.feature`, see docs/database/slow.md.\n",
}


def git(root: Path, *arguments: str) -> str:
    """What git says in that folder."""
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def make_project(root: Path) -> Path:
    """Two runbooks that link to each other, committed."""
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "A Person")
    git(root, "config", "user.email", "person@example.com")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    return root
