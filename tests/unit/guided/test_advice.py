"""What the page says for a procedure: warnings before it, and a way back that takes none away."""

from __future__ import annotations

from runbook_steps.engine.guided.advice import warnings_before, way_back
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_file import parse_page

PAGE = """\
# Notes

## Mitigation

!!! danger "Decide first"
    Everything since then is **gone**.
    See [the table](x.md).

{{ procedure("Restore") }}

Some words.

??? note "Not a warning"
    Nothing.

!!! warning
    Mind it.

{{ procedure("Undo") }}

## Rollback

Take it back: {{ procedure("Undo") }}

**Point of no return: discarding it.** {{ procedure("Look") }}

{{ procedure("Discard") }}
"""
FEATURE = """\
Feature: Notes

  @risk_destructive
  Scenario: Restore
    Then it ends with exit code 0

  @risk_destructive
  Scenario: Undo
    Then it ends with exit code 0

  @risk_readonly
  Scenario: Look
    Then it ends with exit code 0

  @risk_destructive
  Scenario: Discard
    Then it ends with exit code 0
"""
NOTES = parse_page(PAGE, "docs/notes.md")


def test_the_warnings_are_those_between_a_procedure_and_the_one_before() -> None:
    """In words; one without a title is called what it is. A page that does not show the procedure has none."""
    assert warnings_before(NOTES, "Restore") == ("Decide first: Everything since then is gone. See the table.",)
    assert warnings_before(NOTES, "Undo") == ("Warning: Mind it.",)
    assert warnings_before(NOTES, "Elsewhere") == ()
    assert warnings_before(None, "Restore") == ()


def test_no_way_back_is_taken_away() -> None:
    """Behind a point of no return only what loses nothing is named."""
    said = way_back(NOTES, parse_feature(FEATURE, "features/notes.feature"))

    assert '→ runbooks run notes --scenario "Undo"' in said
    assert '→ runbooks run notes --scenario "Look"' in said
    assert "(not now: “Discard”)" in said
    assert '--scenario "Discard"' not in said
