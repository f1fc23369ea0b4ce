"""`runbooks run` at a real terminal, on a live target: the person decides, and nothing is done twice."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import psycopg
import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import guided_by, load_evidence, read_journal
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.guided_desk import FEATURE, HOSTILE, PAGE, RUNBOOKS, TOOL, Desk
from tests.contract.live_project import LiveProject, live_variables

KEYS = "[q] stop"


@pytest.fixture(scope="module")
def only_desk(whole: EmbeddedTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The embedded target as staging and as production."""
    root = tmp_path_factory.mktemp("guided")
    (root / "strange").write_text(HOSTILE)
    more = {"TOOL": str(root / "tool.py"), "GATE": str(root / "gate"), "STRANGE": str(root / "strange")}
    variables = {**live_variables(whole), **live_variables(whole, "production")}
    variables |= {f"{name}_{key}": value for name in ("STAGING", "PRODUCTION") for key, value in more.items()}
    files = {"features/notes.feature": FEATURE, "docs/notes.md": PAGE, "tool.py": TOOL}
    yield Desk(LiveProject.make(root, variables, files), whole.environment()["DATABASE_URL"])
    with psycopg.connect(whole.environment()["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS drill_guided")


@pytest.fixture
def desk(only_desk: Desk) -> Desk:
    """Nothing is written yet."""
    only_desk.clear()
    return only_desk


WRITE = ("--target", "staging", "--allow", "mutating", "--scenario", "A note is written")


def test_it_leads_through_and_what_passed_is_a_proof(desk: Desk) -> None:
    """Command, answer, output as it comes, result. What a stranger wrote is text; a secret is not shown."""
    with desk.runs(*WRITE) as person:
        person.answers(KEYS, "")  # Enter runs nothing that changes
        person.waits_for("type one of r, h, s, e, n, ?, q")
        assert desk.notes() == []
        person.answers(KEYS, "r")
        person.waits_for("exit code 0")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert desk.notes() == ["note"]
    assert "staging (live: people use it)" in person.seen
    assert 'python3 "$TOOL" "INSERT INTO drill_guided VALUES (\'note\')"' in person.seen
    assert "│ red␍$(touch /tmp/x)⟨U+202E⟩{{ 7*7 }} [bold]" in person.seen
    assert [escape for escape in ("\x1b]0;", "\x1b[2J", "\u202e") if escape in person.raw] == []
    assert "password: [redacted" in person.seen
    assert desk.project.variables["STAGING_PGPASSWORD"] not in person.raw + desk.journal().read_text()
    records = load_evidence(desk.project.root / "build/evidence/staging.json").records
    assert [record.outcome for record in records.values()] == [Outcome.PASSED]


def test_production_is_changed_by_a_person_who_types_its_name(desk: Desk) -> None:
    """In red; another name runs nothing. What a person attests is no proof."""
    arguments = ("--target", "production", "--allow", "destructive", "--scenario", "lost")
    with desk.runs(*arguments) as person:
        person.answers(KEYS, "r")
        person.answers("it can lose data. Type production to run it, q to stop:", "staging")
        person.waits_for("that is not its name: nothing was run")
        person.answers(KEYS, "r")
        person.answers("Type production to run it, q to stop:", "production")
        person.answers("Done? [y]es  [s]kip  [q]uit:", "y")
        assert person.ends() == 0, person.seen
    assert "PRODUCTION (live: people use it)" in person.seen
    assert "it has no undo: its first change is the point of no return" in person.seen
    (record,) = read_journal(desk.journal())
    assert (record.outcome, guided_by(desk.journal())) == (Outcome.ATTESTED, getpass.getuser())
    assert record.steps[1].notes[0].startswith(f"attested by {getpass.getuser()} at 20")
    assert not (desk.project.root / "build/evidence/production.json").exists()


def test_what_is_done_another_way_is_attested(desk: Desk) -> None:
    """With the person's words; it goes on with what comes behind it, and is no proof."""
    with desk.runs(*WRITE) as person:
        person.answers(KEYS, "h")
        person.answers("What did you do?", "")
        person.answers("What did you do?", "wrote it in another console")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert desk.notes() == []
    (record,) = read_journal(desk.journal())
    assert record.outcome is Outcome.ATTESTED
    assert record.steps[1].notes[0].endswith("done by hand: wrote it in another console")


def test_what_cannot_run_here_is_said_and_asked_for_again(desk: Desk) -> None:
    """A variable that nobody set: nothing of it ran, and there is nothing to undo."""
    desk.feature.write_text(FEATURE.replace('until [ -e "$GATE"', 'until [ -e "$GATE$NOBODYS"'))
    with desk.runs(*WRITE) as person:
        person.answers(KEYS, "r")
        person.waits_for("it cannot be run here: staging sets no NOBODYS")
        person.answers(KEYS, "q")
        person.ends()
    assert "No change began, so there is nothing to undo." in person.seen
    assert desk.notes() == []


def test_the_situation_is_not_there(desk: Desk) -> None:
    """No by default; who goes on gets the page's way back when the check fails, and no proof."""
    arguments = ("--target", "staging", "--scenario", "looked for")
    with desk.runs(*arguments) as person:
        person.answers("Go on anyway? [y/N]", "y")
        person.answers(KEYS, "s")
        person.answers("Why is it skipped?", "")
        person.waits_for("a few words")
        person.answers("Why is it skipped?", "not needed today")
        assert person.ends() == 1, person.seen
    assert (
        'Rollback, from the page\n    There is none: → runbooks run notes --scenario "A note is written"' in person.seen
    )
    assert "Escalation, from the page\n    Call the Security Lead." in person.seen
    (record,) = read_journal(desk.journal())
    outcomes = [step.outcome for step in record.steps]
    assert outcomes == [Outcome.NOT_APPLICABLE, Outcome.NOT_REACHED, Outcome.NOT_APPLICABLE]
    assert f"not proven, because {getpass.getuser()} went on: " in record.steps[2].notes[0]
    assert "? not proven: " in person.seen


def test_ctrl_c_offers_the_undo_and_what_was_undone_is_not_resumed(desk: Desk, eventually: Callable[..., None]) -> None:
    """In the middle of the change."""
    desk.gate.unlink()
    with desk.runs(*WRITE) as person:
        person.answers(KEYS, "r")
        eventually(lambda: desk.notes() == ["note"], 30.0)
        person.presses_ctrl_c()
        person.answers("Undo it now? [Y]es", "")
        assert person.ends() == 130, person.seen
    assert (desk.notes(), "undone: “take the note away”" in person.seen) == ([], True)
    (record,) = read_journal(desk.journal())
    assert record.outcome is Outcome.INTERRUPTED

    with desk.runs("--target", "staging", "--allow", "mutating", "--resume", str(desk.journal())) as person:
        person.waits_for("what “A note is written” changed was undone; start it anew")
        assert person.ends() == 3


def test_a_killed_run_is_resumed_without_repeating_or_undone_by_the_next(
    desk: Desk, eventually: Callable[..., None]
) -> None:
    """Its undo is taken over; a text that has changed since is refused."""
    desk.gate.unlink()
    with desk.runs(*WRITE) as person:
        person.answers(KEYS, "r")
        eventually(lambda: desk.notes() == ["note"], 30.0)
        os.kill(person.process.pid, signal.SIGKILL)
        person.ends()
    killed = desk.journal()

    desk.feature.write_text(FEATURE.replace("cat ", "cat  "))
    resume = ("--target", "staging", "--allow", "mutating", "--resume", str(killed))
    with desk.runs(*resume) as person:
        person.waits_for("the text of “A note is written” has changed since it ran")
        assert person.ends() == 3
    desk.feature.write_text(FEATURE)

    for journal in (killed, None):  # also the run that resumed is resumed
        with desk.runs(*resume[:-1], str(journal or desk.journal())) as person:
            if journal:
                person.waits_for("It began before, and did not end well")
                person.answers("[l] look", "l")
                person.waits_for("It has done its work when:")
            person.answers("[d] it is done", "d")
            person.answers("What did you see?", "the note is there")
            person.waits_for("[3/4]")
            os.kill(person.process.pid, signal.SIGKILL)
            person.ends()
        assert desk.notes() == ["note"]

    with desk.runs("--target", "staging", "--scenario", "looked for") as person:
        person.waits_for("a killed run left a change: “take the note away” of “A note is written” was undone")
        person.answers("Go on anyway? [y/N]", "")
        assert person.ends() == 3, person.seen
    assert desk.notes() == []


@pytest.mark.parametrize("end", ["q", "ctrl-c", "ctrl-d", "kill", "term", "hang-up"])
def test_a_change_that_was_only_asked_for_is_offered_again(desk: Desk, end: str) -> None:
    """Stopped at the question in six ways: nothing began, so nothing is skipped, undone or lost."""
    with desk.runs(*WRITE) as person:
        person.waits_for(KEYS)
        if end == "q":
            person.types("q")
        elif end == "ctrl-c":
            person.presses_ctrl_c()
        elif end == "ctrl-d":
            person.presses("\x04")
        else:
            os.kill(person.process.pid, {"kill": signal.SIGKILL, "term": signal.SIGTERM}.get(end, signal.SIGHUP))
        assert person.ends() != 0, person.seen
    assert "Undo it now?" not in person.seen
    assert ("Stopped; no command was running." in person.seen) == (end in {"ctrl-c", "term", "hang-up"})
    assert desk.notes() == []

    with desk.runs("--target", "staging", "--allow", "mutating", "--resume", str(desk.journal())) as person:
        person.waits_for("it never began")
        person.answers(KEYS, "r")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert desk.notes() == ["note"]


def test_what_a_resumed_run_leaves_out_is_no_success(desk: Desk, eventually: Callable[..., None]) -> None:
    """Skipped with a reason: not 0, and the undo is kept when the person says so."""
    desk.gate.unlink()
    with desk.runs(*WRITE) as person:
        person.answers(KEYS, "r")
        eventually(lambda: desk.notes() == ["note"], 30.0)
        os.kill(person.process.pid, signal.SIGKILL)
        person.ends()
    resume = ("--target", "staging", "--allow", "mutating", "--resume")
    with desk.runs(*resume, str(desk.journal())) as person:
        person.answers("[s] skip", "s")
        person.answers("Why is it skipped?", "somebody else looks")
        person.answers(KEYS, "r")
        person.answers("[l]ater: keep it", "l")
        assert person.ends() == 1, person.seen
    assert "skipped by" in desk.journal().read_text()
    with desk.runs("--target", "staging", "--scenario", "looked for") as person:
        person.waits_for("“take the note away” of “A note is written” was undone")
        person.answers("Go on anyway? [y/N]", "")
        assert person.ends() == 3, person.seen
    assert desk.notes() == []


def test_no_person_no_run(desk: Desk) -> None:
    """Refused without a terminal; a dry run is for anybody, and says what would be refused."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [RUNBOOKS, "run", "notes", "--target", "staging", *arguments]
        return subprocess.run(
            command,
            cwd=desk.project.root,
            env=desk.project.environment(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )

    refused = run()
    assert (refused.returncode, "needs a person at a terminal" in refused.stderr) == (3, True)
    rows = json.loads(run("--dry-run", "--format", "json").stdout)
    assert {row["scenario"]: (row["undo"], row["point_of_no_return"]) for row in rows} == {
        "A note is written": (["take the note away"], False),
        "All notes are lost": ([], True),
        "Somebody is looked for": ([], False),
    }
    assert "--allow destructive would permit it" in rows[1]["refused"]


def test_an_incident_is_worked_on_with_red_health(desk: Desk, whole: EmbeddedTarget) -> None:
    """Shown, asked for once, written down; what was red before does not count against the run."""
    whole.control.stop("third_parties")
    try:
        with desk.runs(*WRITE) as person:
            person.waits_for("staging is not in its steady state:")
            person.waits_for("✗ External Dependencies: unhealthy")
            person.answers("Go on? [y/N]", "")
            assert person.ends() == 3, person.seen
        assert desk.notes() == []
        with desk.runs(*WRITE) as person:
            person.answers("Go on? [y/N]", "y")
            person.answers(KEYS, "r")
            person.answers(KEYS, "r")
            assert person.ends() == 0, person.seen
    finally:
        whole.control.start("third_parties")
    assert desk.notes() == ["note"]
    assert "still red, as before the run: External Dependencies" in person.seen
    assert "gone on although it is not in its steady state" in desk.journal().read_text()


@pytest.mark.parametrize("question", ["Go on anyway?", "Type production", "Why is it skipped?"])
def test_q_stops_at_every_question(desk: Desk, question: str) -> None:
    """Exit code 130, and nothing more is run."""
    chosen: tuple[str, ...] = ("--target", "staging", "--scenario", "looked for")
    if question == "Type production":
        chosen = ("--target", "production", "--allow", "destructive", "--scenario", "lost")
    with desk.runs(*chosen) as person:
        if question == "Type production":
            person.answers(KEYS, "r")
        elif question != "Go on anyway?":
            person.answers("Go on anyway?", "y")
            person.answers(KEYS, "s")
        person.answers(question, "q")
        assert person.ends() == 130, person.seen
    assert desk.notes() == []
