"""A secret that a command prints is in no channel: terminal, reports, journal, evidence; and a leak fails the run."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import Journal
from runbook_steps.engine.run.file_evidence import Filed, file_evidence
from runbook_steps.engine.text.not_held import NOT_HELD
from runbook_steps.engine.text.redact import Redactor
from tests.unit.records import scenario_record

SECRET = "S3cr3t-in-URL"  # the password of the test target
FEATURE = '''
@risk_readonly
Feature: Secrets

  Scenario: A command prints them
    When I print what I should not:
      """bash
      echo "$REDIS_URL"; secret=${REDIS_URL#*:*:}; secret=${secret%%@*}
      printf '%s' "user:$secret" | base64 -w 8
      printf '%s' "$secret" | od -An -tx1 | tr -d ' \\n'; echo
      printf 'S3cr3t\\033[31m-in-\\033[0mURL\\nS3cr3t-\\nin-URL\\n'
      echo "Authorization: Bearer abcdefghijklmnop" >&2
      echo "AKIAABCDEFGHIJKLMNOP eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl $secret" >&2
      exit 3
      """
    Then it ends with exit code 0
'''
NEVER = (
    SECRET,
    SECRET.encode().hex(),
    base64.b64encode(f"user:{SECRET}".encode()).decode()[8:20],
    "abcdefghijklmnop",
    "AKIAABCDEFGHIJKLMNOP",
    "c2lnbmF0dXJl",
)


def letters_of(text: str) -> str:
    """The text without what could stand between the letters of a secret."""
    for between in ("\\u001b[31m", "\\u001b[0m", "\x1b[31m", "\x1b[0m", "#x1B[31m", "\\n", "\n", " "):
        text = text.replace(between, "")
    return text


def test_no_channel_tells_a_secret(project: pytest.Pytester) -> None:
    """Every file that the run wrote, and all it said."""
    (project.path / "features").mkdir()
    (project.path / "features/a.feature").write_text(FEATURE)
    result = project.runpytest_subprocess(
        "-p", "no:cacheprovider", "-rA", "--junit-xml=junit.xml", "--cucumberjson=cucumber.json", "features/"
    )
    written = [
        path for path in project.path.rglob("*") if path.is_file() and path.suffix in {".xml", ".json", ".jsonl"}
    ]
    channels = {path.name: path.read_text("utf-8") for path in written} | {"said": result.stdout.str()}
    assert {"junit.xml", "cucumber.json", "here.json", "said"} <= set(channels)
    for name, text in channels.items():
        assert [never for never in NEVER if never in letters_of(text)] == [], name
    assert "redacted" in channels["here.json"]
    result.assert_outcomes(failed=1)


def test_a_known_secret_that_got_through_fails_the_run(project: pytest.Pytester) -> None:
    """In the site, in a report that another plug-in writes, or in older evidence: red, and the file is named."""
    (project.path / "features").mkdir()
    (project.path / "features/a.feature").write_text(FEATURE.replace("exit 3", "exit 0"))
    arguments = ["-p", "no:cacheprovider", "features/"]
    assert project.runpytest_subprocess(*arguments).ret == 0

    filed = project.path / "build/evidence/here.json"
    document = json.loads(filed.read_text())
    first, *rest = document["scenarios"][0]["steps"]
    older = {"id": "features/b.feature::B", "feature": "features/b.feature", "scenario": "B"}
    steps = [{**first, "notes": [SECRET]}, *rest]
    document["scenarios"].append({**document["scenarios"][0], **older, "steps": steps})
    filed.write_text(json.dumps(document))
    page = project.path / "site/a/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<p>{SECRET}</p>")
    renaming = f"\n\ndef pytest_bdd_before_scenario(scenario):\n    scenario.name += ' {SECRET}'\n"
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + renaming)

    result = project.runpytest_subprocess(*arguments, "--cucumberjson=report.json")
    said = next(line for line in result.outlines if "A KNOWN SECRET STANDS IN" in line)
    assert [name for name in ("here.json", "site/a/index.html", "report.json") if name not in said] == []
    assert result.ret == 1


def test_a_site_without_secrets_is_good(tmp_path: Path) -> None:
    """And one with a secret in base64, over two lines, is not."""
    journal = tmp_path / "journal.jsonl"
    journal.write_text("")
    page = tmp_path / "site/index.html"
    page.parent.mkdir()
    for text, good in (("<p>nothing</p>", True), (f"<p>{base64.b64encode(SECRET.encode()).decode()}</p>", False)):
        page.write_text(text.replace("My", "M\ny"))
        filed = file_evidence(tmp_path / "here.json", "here", [journal], tmp_path, Redactor({SECRET}))
        assert filed.good is good


def test_a_word_that_the_pages_say_themselves_is_no_leak(tmp_path: Path) -> None:
    """When it is only guessed to be a secret; one by its name, or that no source holds, is one in any page."""
    journal, page, source = tmp_path / "journal.jsonl", tmp_path / "site/index.html", tmp_path / "docs/a.md"
    for file, text in ((journal, ""), (page, "<p>ask the backend, or S3cr3t-in-URL</p>"), (source, "Ask the backend.")):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def filed(known: set[str], guesses: set[str], *also: Path) -> bool:
        path = tmp_path / "build/here.json"
        told = file_evidence(
            path, "here", [journal], tmp_path, Redactor(known), also=also, guesses=frozenset(guesses)
        )  # fmt: skip
        return told.good

    assert filed({"backend"}, {"backend"})
    assert not filed({"backend"}, set())
    assert not filed({"backend", SECRET}, {"backend"})
    assert not filed({"backend", SECRET}, {"backend", SECRET})
    assert not filed({"backend"}, {"backend"}, source)
    (tmp_path / "build/there.json").write_text(f'"{SECRET}"')  # what another target's drill printed
    assert filed({SECRET}, {SECRET})


def test_what_could_not_be_looked_at_is_no_good_news(tmp_path: Path) -> None:
    """A pooler in the way fails no scenario, and the run is red; what is not configured leaves it green."""
    record = scenario_record("features/a.feature", "One", target="here", outcome=Outcome.NOT_RUNNABLE)

    def filed(reason: str) -> Filed:
        journal = Journal(tmp_path / f"{len(reason)}.jsonl", Redactor())
        journal.write("scenario finished", record=replace(record, reason=reason))
        journal.close()
        return file_evidence(tmp_path / "build/here.json", "here", [journal.path], tmp_path, Redactor(), live=True)

    assert filed("here has no kubernetes configured").good
    red = filed(f"could not look: FATAL: {NOT_HELD.format(why='off')}")
    assert not red.good
    assert "POSTGRESQL COULD NOT BE LOOKED AT by 1 scenario, " in red.lines[-1]
    assert "Give the read-only URL the server's own address" in red.lines[-1]
