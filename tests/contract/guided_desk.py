"""A project to be led through, and a person to run it."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg

from tests.contract.live_project import LiveProject
from tests.contract.person import Person

FEATURE = '''\
@needs_postgres
Feature: Notes
  Changes a table.

  @risk_mutating
  Scenario: A note is written
    When I get ready to take the note away:
      """bash
      python3 "$TOOL" "DELETE FROM drill_guided WHERE note = 'note'"
      """
    And I write the note (within 60 seconds):
      """bash
      python3 "$TOOL" "INSERT INTO drill_guided VALUES ('note')"
      until [ -e "$GATE" ]; do sleep 0.05; done
      """
    And I read what a stranger wrote:
      """bash
      cat "$STRANGE"; printf 'password: %s\\n' "$PGPASSWORD"
      """
    Then it ends with exit code 0

  @risk_destructive
  Scenario: All notes are lost
    When I throw the notes away:
      """bash
      python3 "$TOOL" "TRUNCATE drill_guided"
      """
    And a person tells the Security Lead by telephone
    Then it ends with exit code 0

  @risk_readonly
  Scenario: Somebody is looked for
    Given somebody attacks the sign-in from one address
    When I look:
      """bash
      echo nobody
      """
    Then it ends with exit code 3
'''

PAGE = """\
# Notes

## Rollback

There is none: {{ procedure("A note is written") }}

## Escalation

Call the **Security Lead**.
"""

TOOL = """\
import os, sys
import psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute(sys.argv[1])
"""

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\r$(touch /tmp/x)\u202e{{ 7*7 }} [bold]\n"

RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


class Desk:
    """The project, and a person to run it."""

    def __init__(self, project: LiveProject, url: str) -> None:
        self.project = project
        self.gate = Path(project.variables["STAGING_GATE"])
        self.feature = project.root / "features/notes.feature"
        self._url = url

    def runs(self, *arguments: str) -> Person:
        """`runbooks run notes …` at a terminal."""
        return Person([RUNBOOKS, "run", "notes", *arguments], self.project.environment(), self.project.root)

    def notes(self) -> list[str]:
        """What stands in the database."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            return [note for (note,) in connection.execute("SELECT note FROM drill_guided")]

    def journal(self) -> Path:
        """The newest."""
        return max((self.project.root / "build/journal").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)

    def clear(self) -> None:
        """No notes; the gate is open."""
        self.gate.touch()
        self.feature.write_text(FEATURE)
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS drill_guided (note text PRIMARY KEY)")
            connection.execute("TRUNCATE drill_guided")
