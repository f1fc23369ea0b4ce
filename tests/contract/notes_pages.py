"""The page and the feature on which the prompt of a guided run is tried: changes to a file, with their undo."""

__all__ = ["FEATURE", "PAGE"]

FEATURE = '''\
Feature: Notes

  @risk_destructive
  Scenario: One entry is thrown away
    When I list the entries:
      """bash
      echo '{"entries": [{"pid": 7, "who": "anna"}, {"pid": 9, "who": "ben"}]}'
      """
    And I take entries[0].pid from the answer as VICTIM
    And I throw it away:
      """bash
      echo "gone $VICTIM" >> "$LEDGER"
      """
    Then it ends with exit code 0

  @risk_mutating
  Scenario: A change that may fail
    When I get ready to take it back:
      """bash
      echo undone >> "$LEDGER"
      """
    And I look:
      """bash
      ls /
      """
    And I change it:
      """bash
      echo tried >> "$LEDGER"; test -e "$LEDGER.open"
      """
    And I finish it:
      """bash
      echo finished >> "$LEDGER"
      """
    Then it ends with exit code 0

  @risk_mutating
  Scenario: A change whose undo takes long
    When I get ready to take it back:
      """bash
      echo undoing >> "$LEDGER"; until test -e "$LEDGER.open"; do sleep 0.05; done; echo undone >> "$LEDGER"
      """
    And I change it:
      """bash
      echo changed >> "$LEDGER"
      """
    And I finish it:
      """bash
      echo finished >> "$LEDGER"
      """
    Then it ends with exit code 0

  @risk_destructive
  Scenario: What was kept is discarded
    When I discard it:
      """bash
      echo discarded >> "$LEDGER"
      """
    Then it ends with exit code 0
'''
PAGE = """\
# Notes

## Before you start

- Nothing.

## Mitigation

!!! danger "Ask who it is first"
    The entry of a customer is never thrown away.

{{ procedure("One entry is thrown away") }}

{{ procedure("A change that may fail") }}

## Rollback

It can be done again: {{ procedure("A change that may fail") }}

**Point of no return: discarding it.**

{{ procedure("What was kept is discarded") }}

## Escalation

Call the Security Lead.
"""
