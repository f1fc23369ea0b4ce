"""A guided run is not one person's alone: a second one approves, the channel hears of it, a report tells of it."""

from __future__ import annotations

import getpass
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import read_journal
from tests.contract.ledger import KEYS, Ledger

FEATURE = '''\
Feature: Notes

  @risk_destructive
  Scenario: An entry is thrown away
    When I look at the entries:
      """bash
      ls /
      """
    And I throw one away:
      """bash
      echo gone >> "$LEDGER"; test ! -e "$LEDGER.shut"
      """
    Then it ends with exit code 0

  @risk_mutating
  Scenario: A change with an undo
    When I get ready to take it back:
      """bash
      echo undone >> "$LEDGER"
      """
    And I change <it> | [here](x):
      """bash
      echo changed >> "$LEDGER"
      """
    And I finish it:
      """bash
      echo finished >> "$LEDGER"
      """
    Then it ends with exit code 0
'''
CONTACTS = """\
team:
  DevOps Lead: {name: Anna Ash, phone: "+1 555 0101", email: anna@example.com, backup: CTO}
  Security Lead: {name: Anna Ash, phone: "+1 555 0101", email: anna@example.com, backup: CTO}
  CTO: {name: Ben Birch, phone: "+1 555 0102", email: ben@example.com, backup: DevOps Lead}
"""
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))
THROW, CHANGE = "An entry is thrown away", "A change with an undo"
WHO = getpass.getuser()
SECOND = "Their name, q to stop:"


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A project that asks for a second person, and says who there is."""
    cache = tmp_path_factory.getbasetemp() / "compiled"
    made = Ledger.make(tmp_path, FEATURE, "# Notes\n", RUNBOOKS, cache, settings='second_person = ["branch"]\n')
    (tmp_path / "docs/data").mkdir()
    (tmp_path / "docs/data/contacts.yml").write_text(CONTACTS)
    return made


def events(ledger: Ledger) -> list[dict[str, Any]]:
    """Of the newest journal."""
    return [json.loads(line) for line in ledger.journal().read_text("utf-8").splitlines()]


def report(ledger: Ledger) -> str:
    """Of the newest run."""
    return ledger.journal().with_suffix(".md").read_text("utf-8")


# ── a second person ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("same", ["DevOps Lead", "devops  LEAD", "Security Lead", "Anna Ash", WHO, "", "7"])
def test_nobody_approves_for_themselves(ledger: Ledger, same: str) -> None:
    """Under whatever name or role; nothing is run, and it is asked again. What reads needs no approval."""
    with ledger.runs(THROW, "--allow", "destructive", "--as", "DevOps Lead") as person:
        person.waits_for("Approval  a second person's, by name")
        person.answers(KEYS, "")
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        person.answers(SECOND, same)
        person.waits_for("nothing was run")
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        person.answers(SECOND, "q")
        assert person.ends() == 130, person.seen
    assert ledger.lines() == []
    assert not [event for event in events(ledger) if event["event"] == "approved"]


def test_a_second_person_approves_each_try_by_name(ledger: Ledger) -> None:
    """Also what is tried again, and what is edited; who it was stands in journal and report. No mutating one asks."""
    shut = Path(f"{ledger.file}.shut")
    shut.touch()
    with ledger.runs(THROW, "--allow", "destructive", "--as", "DevOps Lead") as person:
        person.answers(KEYS, "")
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        person.answers(SECOND, "Ben Birch")
        person.answers("[t] try again", "t")
        person.answers("Type branch to run it", "branch")
        person.answers(SECOND, "Anna Ash")
        person.waits_for("Anna Ash is the person who runs it")
        person.answers("[t] try again", "e")
        person.answers("a line with a single dot ends it.", 'echo edited >> "$LEDGER"')
        person.answers("  >", ".")
        person.answers("Type branch to run it", "branch")
        person.answers(SECOND, "CTO")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["gone", "edited"]
    told = [(event["by"], event["of"]) for event in events(ledger) if event["event"] == "approved"]
    assert told == [("Ben Birch", "DevOps Lead"), ("CTO", "DevOps Lead")]
    assert " Ben Birch: approves step 2" in report(ledger)
    with ledger.runs(CHANGE, "--allow", "mutating") as person:
        person.answers(KEYS, "r")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert SECOND not in person.seen


def test_what_was_approved_and_went_through_is_a_proof(ledger: Ledger) -> None:
    """An approval changes nothing of what was done. The dry run says that it will be asked for."""
    with ledger.runs(THROW, "--allow", "destructive") as person:
        person.answers(KEYS, "")
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        person.answers(SECOND, "Ben Birch")
        assert person.ends() == 0, person.seen
    (record,) = read_journal(ledger.journal())
    assert record.outcome is Outcome.PASSED
    assert record.steps[1].notes[0].startswith("approved by Ben Birch at 20")
    shown = subprocess.run(
        [RUNBOOKS, "run", "notes", "--target", "branch", "--dry-run", "--format", "json"],
        cwd=ledger.root, env={**os.environ, "BRANCH_LEDGER": "x"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert [row["second_person"] for row in json.loads(shown)] == [True, False]


# ── the report ───────────────────────────────────────────────────────────────────────────────────


def test_a_report_says_what_was_done_skipped_and_stays_unproven(ledger: Ledger) -> None:
    """With who and when; what looks like markup is text."""
    with ledger.runs(CHANGE, "--allow", "mutating", "--as", "CTO") as person:
        person.answers(KEYS, "n")
        person.answers("What is to be noted?", "the *pager* rang")
        person.answers(KEYS, "r")
        person.answers(KEYS, "s")
        person.answers("Why is it skipped?", "not tonight")
        person.waits_for("✗ it is not so: “finish it” was not run, so there is no exit code")
        person.answers("(Enter ends it as failed)", "")
        person.answers("Undo it now? [Y]es", "l")
        person.waits_for("Report:  build/journal/")
        assert person.ends() == 1, person.seen
    told = report(ledger)
    assert told.startswith(f"# {CHANGE}: failed, on branch\n")
    parts = {part.split("\n", 1)[0]: part for part in told.split("\n## ")}
    assert "CTO: I change \\<it\\> \\| \\[here\\](x): passed, exit code 0 after" in parts["Done"]
    assert "the \\*pager\\* rang" in parts["Done"]
    assert "CTO: I finish it; skipped by CTO at 20" in parts["Skipped"]
    assert "not tonight" in parts["Skipped"]
    assert "kept for later: “take it back”" in parts["Undo"]
    assert "- I finish it: not reached (skipped by CTO" in parts["What stays unproven"]
    assert "Still to be undone: take it back; `runbooks target undos branch`" in parts["What stays unproven"]
    assert "| CTO | skipped | " in parts["Timeline"]


def test_a_killed_run_has_a_report_and_one_that_went_on_tells_both(ledger: Ledger) -> None:
    """Made of the journal; the second person of the night is another one."""
    with ledger.runs(CHANGE, "--allow", "mutating", "--as", "CTO") as person:
        person.answers(KEYS, "r")
        person.waits_for("finish it")
        person.waits_for(KEYS)
        os.kill(person.process.pid, signal.SIGKILL)
        person.ends()
    killed = ledger.journal()
    made = subprocess.run(
        [RUNBOOKS, "journal", str(killed), "--report"], cwd=ledger.root, capture_output=True, text=True, check=True
    ).stdout
    assert "it was killed" in made
    assert "Still to be undone: take it back" in made
    with ledger.runs("", "--allow", "mutating", "--as", "DevOps Lead", "--resume", str(killed)) as person:
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    told = report(ledger)
    assert "- By: CTO, DevOps Lead" in told
    assert f"goes on with {killed.name}" in told
    assert "in several goes" in told
    parts = {part.split("\n", 1)[0]: part for part in told.split("\n## ")}
    assert re.findall(r"- \S+ \S+ (.+?): (.+?): passed", parts["Done"]) == [
        ("CTO", "I change \\<it\\> \\| \\[here\\](x)"),
        ("DevOps Lead", "I finish it"),
    ]
    assert "| DevOps Lead | done before | I change" in parts["Timeline"]
    assert "Still to be undone" not in told


def test_what_is_no_guided_run_has_no_report(ledger: Ledger) -> None:
    """Said in one line."""
    subprocess.run([sys.executable, "-m", "pytest", "features", "-q", "-p", "no:cacheprovider"], cwd=ledger.root,
                   env={**os.environ, "BRANCH_LEDGER": "x"}, capture_output=True, check=False)  # fmt: skip
    done = subprocess.run(
        [RUNBOOKS, "journal", "--report"], cwd=ledger.root, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "is not the journal of a guided run" in done.stderr


# ── the channel ──────────────────────────────────────────────────────────────────────────────────


class Posts:
    """What a channel got. `status` is what it answers with."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.status = 200
        posts = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posts.texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.send_response(posts.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """With the secret that a webhook's address is."""
        return f"http://127.0.0.1:{self.server.server_port}/services/T0P5ECRET"


@pytest.fixture
def posts() -> Iterator[Posts]:
    """A channel."""
    found = Posts()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_the_channel_is_told_at_the_start_at_each_change_and_at_the_end(ledger: Ledger, posts: Posts) -> None:
    """Also of an undo; not of what only reads. The address is in no output and no file."""
    with ledger.runs(CHANGE, "--allow", "mutating", RUNBOOKS_CHANNEL_WEBHOOK=posts.address) as person:
        person.answers(KEYS, "r")
        person.answers(KEYS, "q")
        person.answers("Undo it now? [Y]es", "")
        assert person.ends() == 130, person.seen
    assert posts.texts == [
        f"branch: {WHO} begins with “{CHANGE}” (notes, mutating)".replace("notes", "Notes"),
        f"branch: “change &lt;it&gt; | [here](x)”: exit code 0 ({WHO})",
        f"branch: “{CHANGE}” ended: interrupted ({WHO}); “{CHANGE}” did not go through; undone: “take it back”",
    ]
    everything = person.seen + ledger.journal().read_text() + report(ledger)
    assert "T0P5ECRET" not in everything


@pytest.mark.parametrize("broken", ["status", "nobody", "no address"])
def test_a_channel_that_is_not_told_is_said_and_fails_nothing(ledger: Ledger, posts: Posts, broken: str) -> None:
    """What it missed is shown, to be told by hand; never with the address."""
    posts.status = 404
    address = {"status": posts.address, "nobody": "http://127.0.0.1:1/T0P5ECRET", "no address": "T0P5ECRET"}[broken]
    with ledger.runs(CHANGE, "--allow", "mutating", RUNBOOKS_CHANNEL_WEBHOOK=address) as person:
        person.answers(KEYS, "r")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert f"the channel was not told, tell it yourself: “branch: {WHO} begins" in person.seen
    assert "T0P5ECRET" not in person.seen
