"""A new runbook: page, feature and steps that keep the rules of the house, and are red until they are written. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.project.project import CONTACTS, SEVERITIES, Project
from runbook_steps.engine.sources.page_head import suggestion

__all__ = ["paths_of", "refuse_name", "refuse_taken", "skeleton"]

"""Where the Python steps of a project are."""
LONGEST = 80
"""Characters of a stem: a step that names it must fit a line of Python."""
_STEM = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")
_NOT_PLAIN = re.compile(r"[^\w &/-]")
_ODD_IN_A_TITLE = re.compile(r"[\x00-\x1f\x7f{}<>`\[\]\\]")


@dataclass(frozen=True)
class Skeleton:
    """What `runbooks new` writes: relative path → text. `owner` and `severity` are those that were taken."""

    stem: str
    owner: str
    severity: str
    files: dict[str, str]


def refuse_name(stem: str) -> None:
    """Raises ConfigurationError for a name that is not `domain/name` in lower-case words joined by hyphens."""
    if not _STEM.fullmatch(stem) or len(stem) > LONGEST:
        raise ConfigurationError(
            f"{stem!r} is no good name: write domain/name, lower-case words joined by hyphens, "
            f"at most {LONGEST} characters, like database/cache-fills-up"
        )


def paths_of(stem: str) -> tuple[str, str]:
    """The page and the feature of a stem."""
    return f"docs/{stem}.md", f"features/{stem}.feature"


def refuse_taken(project: Project, stem: str, *, by: str = "") -> None:
    """Raises ConfigurationError for an unknown domain, RefusedError for a name that is taken.

    A former name is taken too: its address leads to where that runbook is now. `by` may have its own one back.
    """
    domain = stem.partition("/")[0]
    known = sorted(
        page.path.split("/")[1] for page in project.pages if re.fullmatch(r"docs/[^/]+/index\.md", page.path)
    )
    if domain not in known:
        hint = suggestion(domain, known) or f"; known: {', '.join(known)}"
        raise ConfigurationError(f"no domain “{domain}”{hint}. A new domain starts with docs/{domain}/index.md")
    for path in paths_of(stem):
        if (project.root / path).exists():
            raise RefusedError(f"{path} exists; choose another name, or change that runbook")
    for runbook in project.runbooks:
        if runbook.front_matter and stem in runbook.front_matter.moved_from and runbook.stem != by:
            raise RefusedError(f"{stem} is a former name of {runbook.stem}, and leads there; choose another name")


def skeleton(project: Project, stem: str, *, title: str = "", owner: str = "", severity: str = "") -> Skeleton:
    """The files of a new runbook; what is left out is taken from the name and from the data files.

    Raises ConfigurationError for a name, title, owner or severity that is not good, RefusedError when it exists.
    """
    refuse_name(stem)
    refuse_taken(project, stem)
    title = title.strip() or stem.partition("/")[2].replace("-", " ").capitalize()
    if _ODD_IN_A_TITLE.search(title):
        raise ConfigurationError(f"{title!r} is no good title: one line of words, without brackets or backticks")
    owner = _known("owner", owner, list(project.contacts), CONTACTS, default=0)
    severity = _known("severity", severity, list(project.severities), SEVERITIES, default=-1)
    page, feature = paths_of(stem)
    steps = _steps_path(project, stem)
    values = {
        "stem": stem,
        "title": title,
        "title_yaml": json.dumps(title, ensure_ascii=False),
        "owner": json.dumps(owner, ensure_ascii=False) if _NOT_PLAIN.search(owner) else owner,
        "severity": severity,
        "id": _free_id(project, stem),
        "steps": steps,
    }
    texts = {page: _PAGE, feature: _FEATURE, steps: _STEPS_TEXT}
    return Skeleton(stem, owner, severity, {path: _filled(text, values) for path, text in texts.items()})


def _known(what: str, word: str, known: list[str], file: str, *, default: int) -> str:
    if not known:
        raise ConfigurationError(f"{file} names nothing to be the {what}; fill it in first")
    if word and word not in known:
        hint = suggestion(word, known) or f"; known: {', '.join(known)}"
        raise ConfigurationError(f"{what} “{word}” is not in {file}{hint}")
    return word or known[default]


def _free_id(project: Project, stem: str) -> str:
    name = stem.partition("/")[2]
    heads = [runbook.front_matter for runbook in project.runbooks if runbook.front_matter]
    taken = {word for front in heads for word in (front.id, *front.former_ids)}
    return name if name not in taken else stem.replace("/", "-")


def _steps_path(project: Project, stem: str) -> str:
    name = stem.partition("/")[2].replace("-", "_")
    if not project.settings.steps:
        raise ConfigurationError("[tool.runbooks] of pyproject.toml names no package of `steps`: where would they go?")
    folder = project.settings.steps.replace(".", "/")
    short, long = f"{folder}/{name}.py", f"{folder}/{stem.replace('/', '_').replace('-', '_')}.py"
    taken = name[0].isdigit() or (project.root / short).exists()
    if taken and (project.root / long).exists():
        raise RefusedError(f"{long} exists; choose another name, or move that file away")
    return long if taken else short


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda found: values[found[1]], text)


_PAGE = """\
---
kind: runbook
title: <title_yaml>
id: <id>
owner: <owner>
severity: <severity>
alerts: []
services: []
symptoms: []
reviewed: ""
review_every: 90d
expected_minutes: 10
---

# <title>

{{ status() }}

## Use this when

- Not written yet: what a person sees, in the words on the screen.

**Not when** it looks alike but is something else: name the other runbook.

## Impact

Not written yet: who notices, and what does not work.

## Before you start

- Not written yet: access, variables, time; what must not be done.

## Diagnosis

Not written yet: what to expect, and where to go next when it is otherwise.

{{ procedure("The cause is found") }}

## Mitigation

{{ procedure("The symptom is gone") }}

## Verification

{{ procedure("Nothing else is broken") }}

## Rollback

Not written yet: how to go back, and the point after which there is no way back.

## Escalation

Not written yet: when to call whom.

## Background

??? note "Why it happens"
    Not written yet: what a calm reader wants to know.
"""

_FEATURE = """\
Feature: <title>
  Not written yet: one sentence for a person who has never seen it.

  Background:
    Given the situation of <stem>

  @risk_readonly
  Scenario: The cause is found
    When I look for the cause:
      \"\"\"bash
      echo 'not written yet: the command that finds the cause' >&2
      exit 1
      \"\"\"
    Then <stem> is written

  @risk_mutating
  Scenario: The symptom is gone
    When I remove the cause:
      \"\"\"bash
      echo 'not written yet: the command that removes the cause' >&2
      exit 1
      \"\"\"
    Then <stem> is written

  @risk_readonly
  Scenario: Nothing else is broken
    When I look at what could have suffered:
      \"\"\"bash
      echo 'not written yet: the command that looks at the rest' >&2
      exit 1
      \"\"\"
    Then <stem> is written
"""

_STEPS_TEXT = '''\
"""The steps of <stem>: not written yet."""

from __future__ import annotations

from pytest_bdd import given, then

from runbook_steps.engine.errors import CheckFailed


@given("the situation of <stem>")
def situation_is_there() -> None:
    raise CheckFailed("not written yet: arrange what this runbook repairs, with a fault")


@then("<stem> is written")
def symptom_is_gone() -> None:
    raise CheckFailed("not written yet: read back that it works again, through a client of the service")
'''
