"""Commands: what they inherit, how they end, what is kept of what they print."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Command, Position
from runbook_steps.engine.run.command import KEPT_BYTES, run_command

ENVIRONMENT = {"PATH": os.environ["PATH"], "WHO": "me"}
LONG = f"{os.getpid()}0"
"""Begins how long this run's commands sleep, in seconds: the same tests may run beside it, for another checkout."""


def command(text: str, *, timeout_s: float = 20.0, media_type: str = "bash") -> Command:
    """A bash command with a generous limit."""
    return Command(text, media_type, "do it", Position("features/a.feature", 3), timeout_s)


@pytest.mark.parametrize(
    ("text", "exit_code", "stdout"),
    [
        ("echo hello", 0, "hello\n"),
        ('printf %s "$WHO"', 0, "me"),
        ("exit 7", 7, ""),
        ("false; echo not reached", 1, ""),
        ("false | cat; echo not reached", 1, ""),
        ('echo "${UNSET_VARIABLE}"', 127, ""),
        ("cat", 0, ""),
        ("kill -9 $$", -9, ""),
    ],
)
def test_a_command_ends_as_it_says(tmp_path: Path, text: str, exit_code: int, stdout: str) -> None:
    """Exit code and output are told; a failing line, a broken pipe stage and an unset variable stop it."""
    result = run_command(command(text), ENVIRONMENT, tmp_path)
    assert (stdout, False) == (result.stdout, result.timed_out)
    assert exit_code == result.exit_code or (exit_code == 127 and result.exit_code == 1)


def test_nothing_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of this process is not seen by a command."""
    monkeypatch.setenv("PLANTED", "S3cr3t")
    assert "S3cr3t" not in run_command(command("env"), ENVIRONMENT, tmp_path).stdout


def test_a_command_runs_in_its_folder(tmp_path: Path) -> None:
    """What it writes lands where it was told to run."""
    run_command(command("echo x > file.txt"), ENVIRONMENT, tmp_path)
    assert (tmp_path / "file.txt").read_text() == "x\n"


@pytest.mark.parametrize(
    "text",
    [
        f"sleep {LONG}1",
        f"sleep {LONG}1 & wait",
        f"setsid sleep {LONG}1 & sleep {LONG}1",
        f"trap '' TERM; while :; do sleep {LONG}1; done",
    ],
    ids=["alone", "in the background", "in another session", "deaf"],
)
def test_a_hanging_command_dies_with_its_children(tmp_path: Path, text: str) -> None:
    """Children in the background, in another session, or deaf to SIGTERM are killed too."""
    result = run_command(command(text, timeout_s=0.3), ENVIRONMENT, tmp_path)
    assert (result.timed_out, result.exit_code) == (True, None)
    assert sleepers(f"{LONG}1") == []


def test_a_background_child_does_not_outlive_its_command(tmp_path: Path) -> None:
    """What a command leaves in the background ends with it, and holds no one up."""
    result = run_command(command(f"sleep {LONG}2 & echo done"), ENVIRONMENT, tmp_path)
    assert (result.exit_code, result.stdout) == (0, "done\n")
    assert sleepers(f"{LONG}2") == []


def test_ctrl_c_ends_the_command(tmp_path: Path) -> None:
    """An interrupt reaches the caller, and the command is gone."""

    def interrupt() -> None:
        while not sleepers(f"{LONG}3"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_command(command(f"sleep {LONG}3"), ENVIRONMENT, tmp_path)
    assert sleepers(f"{LONG}3") == []


def test_long_output_keeps_both_ends_in_bounded_memory(tmp_path: Path) -> None:
    """The beginning and the end are kept, what is left out is counted."""
    result = run_command(
        command("echo first; head -c 5000000 /dev/zero | tr '\\0' y; echo; echo last"), ENVIRONMENT, tmp_path
    )
    assert result.stdout.startswith("first\nyyy")
    assert result.stdout.endswith("last\n")
    assert "bytes left out" in result.stdout
    assert len(result.stdout) < KEPT_BYTES + 100


def test_output_is_told_as_it_comes(tmp_path: Path) -> None:
    """Before the command ends: it waits for the one who was told."""
    told: list[tuple[str, bytes]] = []

    def tell(stream: str, data: bytes) -> None:
        told.append((stream, data))
        (tmp_path / "heard").touch()

    line = "echo out; until [ -e heard ]; do sleep 0.01; done; echo err >&2"
    result = run_command(command(line), {"PATH": os.environ["PATH"]}, tmp_path, on_output=tell)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "out\n", "err\n")
    assert sorted(told) == [("stderr", b""), ("stderr", b"err\n"), ("stdout", b""), ("stdout", b"out\n")]


def test_undecodable_output_is_kept_readable(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are replaced, not fatal."""
    assert run_command(command("printf 'a\\377b\\n'"), ENVIRONMENT, tmp_path).stdout == "a\ufffdb\n"


def test_a_missing_interpreter_is_named(tmp_path: Path) -> None:
    """No psql on the PATH: not runnable here, and psql is named."""
    with pytest.raises(NotRunnableHere, match="`psql` is not on the target's PATH"):
        run_command(command("select 1", media_type="sql"), {"PATH": str(tmp_path)}, tmp_path)


def sleepers(seconds: str) -> list[int]:
    """Living processes that sleep for that long."""
    return [
        p.pid
        for p in psutil.process_iter(["cmdline", "status"])
        if p.info["cmdline"] == ["sleep", seconds] and p.info["status"] != psutil.STATUS_ZOMBIE
    ]
