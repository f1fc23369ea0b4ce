"""Blocks as a person pastes them: one after the other into one interactive shell, or into one long session of psql.

The shell is on a pseudo-terminal and has no `-eu`: what a block needs of that it brings along. Each block arrives line
by line, as a terminal hands it over, so that a command that reads the terminal eats the lines behind it, and an `exit`
ends the person's shell. A value that a step takes from an answer is exported, as the page tells the person to.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import shlex
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from runbook_steps.engine.errors import CommandFailed, NotRunnableHere
from runbook_steps.engine.model import Command, Result
from runbook_steps.engine.targets.protocol import COMMAND_MARK

__all__ = ["PSQL", "SHELLS", "Pasted"]

SHELLS: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash", "--norc", "--noprofile", "--noediting", "-i"),
    "zsh": ("zsh", "-f", "-i", "-o", "nozle", "-o", "nopromptsp"),
}
PSQL = ("psql", "-X", "-P", "pager=off")
"""As the page for the first night tells: a pager would take the lines that are pasted behind a long answer as its own
commands, and somebody's `~/.psqlrc` may have switched off that each statement counts at once."""
_UNSEEN = ("--quiet", "--no-readline", *(f"--set=PROMPT{number}=" for number in (1, 2, 3)))
_QUIET = {"PS1": "", "PS2": "", "PROMPT": "", "PROMPT2": "", "TERM": "dumb", "HISTFILE": "/dev/null"}
_ERROR = re.compile(r"(?:^|\s)(?:ERROR|FATAL):  ", re.MULTILINE)
_STATE = re.compile(r"\(([*!?]?)\)\Z")  # what psql tells of its transaction, behind all answers
_LOOK_S = 0.02
_SETTLED_S = 0.06
_REFUSED = 3  # as psql ends with ON_ERROR_STOP


class Pasted:
    """The shells of one scenario: `close` ends them. `shell` is one of SHELLS."""

    def __init__(self, shell: str, cwd: Path) -> None:
        self._shell = shell
        self._cwd = cwd
        self._open: dict[str, _Session] = {}

    def run(
        self,
        command: Command,
        environment: Mapping[str, str],
        *,
        prefix: Sequence[str] = (),
        on_output: Callable[[str, bytes], None] | None = None,
    ) -> Result:
        """Pastes the block and waits until it has ended. Raises CommandFailed when it ended the person's shell."""
        session = self._open.get(command.media_type)
        if session is None:
            kind = _Psql if command.media_type == "sql" else _Shell
            session = self._open[command.media_type] = kind(self._shell, environment, self._cwd, prefix)
        result = session.paste(command, environment)
        if on_output:
            for name, text in (("stdout", result.stdout), ("stderr", result.stderr)):
                on_output(name, text.encode())
                on_output(name, b"")
        if result.timed_out or session.ended:
            self._open.pop(command.media_type).close()
        return result

    def close(self) -> None:
        """Ends the shells, and what they started."""
        for session in self._open.values():
            session.close()
        self._open.clear()


class _Session:
    """A process that reads blocks. `_send` writes to it, `_end_of` says what tells that a block has ended."""

    arguments: Sequence[str] = ()

    def __init__(self, shell: str, environment: Mapping[str, str], cwd: Path, prefix: Sequence[str]) -> None:
        self._known = dict(environment)
        self._cwd = cwd
        self._blocks = 0
        self._out, self._err = bytearray(), bytearray()
        self._answers: IO[bytes] | None = None  # elsewhere than through a pipe
        self._process = self._start(shell, environment, prefix)
        streams = ((self._answers or self._process.stdout, self._out), (self._process.stderr, self._err))
        self._readers = [threading.Thread(target=_read, args=each, daemon=True) for each in streams]
        for reader in self._readers:
            reader.start()

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def paste(self, command: Command, environment: Mapping[str, str]) -> Result:
        """One block."""
        changed = {k: v for k, v in environment.items() if self._known.get(k) != v and k != COMMAND_MARK}
        self._known = dict(environment)
        self._blocks += 1
        self._out.clear()
        self._err.clear()
        began = time.monotonic()
        threading.Thread(target=self._send, args=(self._text(command, changed),), daemon=True).start()
        code = self._wait(began + command.timeout_s)
        if code is None and self.ended:
            raise CommandFailed(f"“{command.purpose}” ended the shell that it was pasted into: {self._said()}")
        self._settle()
        return Result(
            command=command,
            exit_code=code,
            stdout=self._out.decode("utf-8", errors="replace"),
            stderr=self._err.decode("utf-8", errors="replace"),
            duration_s=time.monotonic() - began,
            timed_out=code is None,
        )

    def _wait(self, end: float) -> int | None:
        while time.monotonic() < end:
            code = self._code()
            if code is not None or self.ended:
                return code
            time.sleep(_LOOK_S)
        return None

    def _settle(self) -> None:
        """Until nothing more comes: the output may still be in the pipe."""
        before = -1
        while before != (before := len(self._out) + len(self._err)):
            time.sleep(_SETTLED_S)

    def _said(self) -> str:
        return self._err.decode("utf-8", errors="replace").strip()[-300:]

    def close(self) -> None:
        """Ends it with everything in its session."""
        for number in (signal.SIGHUP, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1)
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for reader in self._readers:
            reader.join(timeout=1)

    def _start(self, shell: str, environment: Mapping[str, str], prefix: Sequence[str]) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _text(self, command: Command, changed: Mapping[str, str]) -> str:
        raise NotImplementedError

    def _send(self, text: str) -> None:
        raise NotImplementedError

    def _code(self) -> int | None:
        raise NotImplementedError


class _OnTerminal(_Session):
    """Reads from a pseudo-terminal of its own, line by line; what that echoes is nobody's output."""

    def _open(
        self, words: Sequence[str], environment: Mapping[str, str], prefix: Sequence[str], stdout: int
    ) -> subprocess.Popen[bytes]:
        self._terminal, its = pty.openpty()

        def control() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(
            [*_on_its_terminal(prefix, os.ttyname(its)), _which(words[0], environment), *words[1:]],
            env=dict(environment),
            cwd=self._cwd,
            stdin=its,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=control,  # noqa: PLW1509 - it makes one system call, before the program starts
        )
        os.close(its)
        threading.Thread(target=_drain, args=(self._terminal,), daemon=True).start()
        return process

    def _send(self, text: str) -> None:
        with contextlib.suppress(OSError):
            for line in text.splitlines(keepends=True):
                os.write(self._terminal, line.encode())

    def close(self) -> None:
        """As above, and its terminal."""
        super().close()
        with contextlib.suppress(OSError):
            os.close(self._terminal)


class _Shell(_OnTerminal):
    """bash or zsh, interactive."""

    def _start(self, shell: str, environment: Mapping[str, str], prefix: Sequence[str]) -> subprocess.Popen[bytes]:
        self._told = self._cwd / ".pasted"
        self._told.write_text("", "utf-8")
        return self._open(SHELLS[shell], {**environment, **_QUIET, **_own_files(environment)}, prefix, subprocess.PIPE)

    def _text(self, command: Command, changed: Mapping[str, str]) -> str:
        exports = "".join(f" export {name}={shlex.quote(value)}\n" for name, value in changed.items())
        return f"{exports}{command.text.rstrip()}\n printf '%s %s\\n' {self._blocks} \"$?\" >> {self._told}\n"

    def _code(self) -> int | None:
        for line in self._told.read_text("utf-8").splitlines():
            number, _, code = line.partition(" ")
            if number == str(self._blocks):
                return int(code)
        return None


class _Psql(_OnTerminal):
    """psql that goes on after an error, as it does for a person.

    It answers on a terminal of its own: where its input or its output is none, it is not interactive.
    """

    def _start(self, shell: str, environment: Mapping[str, str], prefix: Sequence[str]) -> subprocess.Popen[bytes]:
        del shell
        answers, its = pty.openpty()
        self._answers = os.fdopen(answers, "rb", buffering=0)
        raw = termios.tcgetattr(its)
        raw[1] &= ~termios.OPOST  # a line ends as psql ends it
        termios.tcsetattr(its, termios.TCSANOW, raw)
        words = (*PSQL, *_UNSEEN)
        try:
            return self._open(words, environment, _on_its_terminal(prefix, os.ttyname(its)), its)
        finally:
            os.close(its)

    def _text(self, command: Command, changed: Mapping[str, str]) -> str:
        quoted = {name: value.replace("\\", "\\\\").replace("'", "''") for name, value in changed.items()}
        known = "".join(f"\\setenv {name} '{value}'\n" for name, value in quoted.items() if "\n" not in value)
        known = f"\\set QUIET off\n{known}" if self._blocks == 1 else known  # it has not greeted
        state = "\\set PROMPT1 '(%x)'\n\\set PROMPT1 ''\n"
        return f"{known}{command.text.rstrip()}\n{state}\\warn pasted {self._blocks}\n"

    def paste(self, command: Command, environment: Mapping[str, str]) -> Result:
        """As above. Raises CommandFailed when it left a transaction open: the next block would be in it, or refused."""
        result = super().paste(command, environment)
        state = _STATE.search(result.stdout)
        if state and state[1] in {"*", "!"}:
            raise CommandFailed(f"“{command.purpose}” left a transaction open: the next block would be a part of it")
        return replace(result, stdout=_STATE.sub("", result.stdout))

    def _code(self) -> int | None:
        mark = f"pasted {self._blocks}\n".encode()
        if mark not in self._err:
            return None
        self._err[:] = self._err.replace(mark, b"")
        return _REFUSED if _ERROR.search(self._err.decode("utf-8", errors="replace")) else 0


def _on_its_terminal(prefix: Sequence[str], terminal: str) -> tuple[str, ...]:
    """The shell zsh opens the terminal that it sits on by its name, to write."""
    from runbook_steps.engine.guards.services.guard import also_writing  # noqa: PLC0415 - slow to import

    return also_writing(prefix, terminal)


def _own_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Where zsh keeps a here-document while it is read."""
    return {"TMPPREFIX": f"{environment['TMPDIR']}/zsh"} if environment.get("TMPDIR") else {}


def _which(name: str, environment: Mapping[str, str]) -> str:
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        if os.access(candidate := Path(folder or ".") / name, os.X_OK):
            return str(candidate)
    raise NotRunnableHere(f"`{name}` is not on the target's PATH; install it, or paste into another shell")


def _read(stream: IO[bytes] | None, kept: bytearray) -> None:
    if stream is not None:
        with contextlib.suppress(OSError, ValueError), stream:
            while chunk := os.read(stream.fileno(), 65536):
                kept += chunk


def _drain(terminal: int) -> None:
    """What the terminal echoes."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass
