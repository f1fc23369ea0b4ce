"""The list of changes that nothing takes back."""

from __future__ import annotations

from dataclasses import replace

from runbook_steps.engine.run.plan import points_of_no_return
from runbook_steps.engine.site.blocks.no_undo import no_undo_table
from runbook_steps.engine.sources.feature_file import parse_feature

FEATURE = """\
Feature: Notes

  @risk_{risk}
  Scenario: A | note
    When I {kept}do it:
      \'\'\'bash
      true
      \'\'\'
    And I change it:
      \'\'\'bash
      true
      \'\'\'
    Then it ends with exit code 0
""".replace("'", '"')


def test_a_change_is_listed_until_it_keeps_an_undo() -> None:
    """With its page and its risk; what only reads never is."""
    made = {
        (risk, kept): replace(
            parse_feature(FEATURE.format(risk=risk, kept=kept), "features/a/b.feature"), page_path="docs/a/b.md"
        )
        for risk, kept in (("mutating", ""), ("mutating", "get ready to "), ("readonly", ""))
    }
    runbooks = list(made.values())
    assert [runbook for runbook, _ in points_of_no_return(runbooks)] == [made["mutating", ""]]
    table = no_undo_table(runbooks, "docs/reference/x.md")
    assert "1 of the 2 procedures that may change something keep no undo ready." in table
    assert "| [A \\| note](../a/b.md#a-note) | Notes | mutating |" in table


def test_what_can_be_lost_stands_apart() -> None:
    """The destructive ones first, under a heading of their own."""
    runbooks = [
        replace(
            parse_feature(FEATURE.format(risk=risk, kept=""), f"features/a/{risk}.feature"), page_path="docs/a/b.md"
        )
        for risk in ("mutating", "destructive")
    ]
    table = no_undo_table(runbooks, "docs/reference/x.md")
    lost, kept = table.index("## Data, sessions or service can be lost: 1"), table.index("## Nothing is lost")
    assert lost < table.index("| destructive |") < kept < table.index("| mutating |")
