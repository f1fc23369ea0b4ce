"""Command + environment → Result. The only place where a procedure's commands are started.

bash runs with `-eu -o pipefail`, never as a login shell; sql goes to psql on standard input.
A command that passes its limit is killed together with everything that it started.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from runbook_steps.engine.errors import CommandFailed, NotRunnableHere
from runbook_steps.engine.model import Command, Result
from runbook_steps.engine.targets.protocol import COMMAND_MARK

__all__ = ["KEPT_BYTES", "end_commands_of_dead_runs", "missing_tool", "run_command"]

KEPT_BYTES = 1_048_576  # of each stream: half from its beginning, half from its end
_NOT_FOUND = re.compile(r"^[^\n:]*bash: line \d+: ([^\n:]+): command not found$", re.MULTILINE)
_GRACE_S = 1.0  # between asking a command to end and killing it

_INTERPRETERS: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash", "-eu", "-o", "pipefail", "-c"),
    "sql": ("psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--pset=pager=off"),
}


def run_command(
    command: Command,
    environment: Mapping[str, str],
    cwd: Path,
    *,
    stdin_text: str | None = None,
    prefix: Sequence[str] = (),
    on_output: Callable[[str, bytes], None] | None = None,
) -> Result:
    """Runs the command to its end, or kills it at its time limit. Its exit code is told, not judged.

    `prefix` is a program with its arguments that locks itself down and becomes the command. `on_output` is told
    `stdout` or `stderr` and what came, as it comes, from other threads; nothing came: the stream has ended.
    Only `environment` is inherited. Raises NotRunnableHere when the interpreter is not on its PATH.
    """
    mark = f"{os.getpid()}-{uuid.uuid4().hex}"
    if command.media_type == "sql":
        arguments, stdin_text = list(_INTERPRETERS["sql"]), command.text
    else:
        arguments = [*_INTERPRETERS["bash"], command.text]
    started = time.monotonic()
    environment = {**environment, COMMAND_MARK: mark}
    process, timed_out = None, False
    try:
        with _ctrl_c_held():  # between the start of the process and our knowing it there is no interrupting
            process = _start(arguments, environment, cwd, prefix, has_input=stdin_text is not None)
            streams = _Streams(process, stdin_text, on_output)
        _wait(process, command.timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        # also on Ctrl-C: what the command started in its own process group never outlives it
        if process is not None:
            _end(process, mark, everything=timed_out or process.returncode is None)
    if process is None:  # pragma: no cover - then it has raised
        raise AssertionError
    stdout, stderr = streams.finish()
    return Result(
        command=command,
        exit_code=None if timed_out else process.returncode,
        stdout=stdout,
        stderr=stderr,
        duration_s=time.monotonic() - started,
        timed_out=timed_out,
    )


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Ctrl-C is not lost: it comes through when the block ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    usual = signal.signal(signal.SIGINT, lambda number, frame: held.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if held and callable(usual):
            usual(*held[0])


def _start(
    arguments: list[str], environment: Mapping[str, str], cwd: Path, prefix: Sequence[str], *, has_input: bool
) -> subprocess.Popen[bytes]:
    # Popen looks the program up on the PATH of this process, not on the one it is given
    program = _which(arguments[0], environment.get("PATH", os.defpath))
    try:
        return subprocess.Popen(
            [*prefix, program, *arguments[1:]],
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        if error.errno != errno.E2BIG:
            raise
        name, value = max(environment.items(), key=lambda entry: len(entry[1]))
        said = f"the command and its variables are too long for the system; the longest is {name}, {len(value)} bytes"
        raise CommandFailed(f"{said}: let it read its data from a file") from error


def _which(name: str, path: str) -> str:
    for folder in path.split(os.pathsep):
        candidate = Path(folder or ".") / name
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    raise NotRunnableHere(f"`{name}` is not on the target's PATH; install it, or choose another target")


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> None:
    """Returns when it has ended. Raises TimeoutExpired: `Popen.wait` with a limit looks up to 50 ms late each time."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # macOS, or a kernel without it
        process.wait(timeout=limit_s)
        return
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        if not ended.poll(1000 * limit_s):
            raise subprocess.TimeoutExpired(process.args, limit_s)
    finally:
        os.close(descriptor)
    process.wait()


def _end(process: subprocess.Popen[bytes], mark: str, *, everything: bool) -> None:
    """Ends what is left of the command: its process group always, what left the group only if asked."""
    if everything:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE_S)
    _signal_group(process.pid, signal.SIGKILL)
    if everything:
        for stray in _marked(mark):
            with contextlib.suppress(psutil.Error):
                stray.kill()
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def missing_tool(result: Result) -> str:
    """The program that the shell did not find, empty when it found all of them."""
    found = _NOT_FOUND.search(result.stderr)
    return found[1] if found else ""


def end_commands_of_dead_runs() -> int:
    """Kills what a run that was killed left behind, on whatever target; gives how many processes it ended."""
    ended = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            owner = process.environ().get(COMMAND_MARK, "").partition("-")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                process.kill()
                ended += 1
    return ended


def _marked(mark: str) -> Iterator[psutil.Process]:
    """Every process that inherited the command's mark, in whatever session it hides now."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(COMMAND_MARK) == mark:
                yield process


class _Streams:
    """Reads both pipes to their ends in threads, so that neither blocks the command, and feeds its input."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin_text: str | None,
        on_output: Callable[[str, bytes], None] | None,
    ) -> None:
        if process.stdout is None or process.stderr is None:  # pragma: no cover - Popen was asked for both
            raise AssertionError
        tell = on_output or (lambda *_: None)
        self._kept = (_Kept(process.stdout, "stdout", tell), _Kept(process.stderr, "stderr", tell))
        self._threads = [threading.Thread(target=kept.read, daemon=True) for kept in self._kept]
        if process.stdin is not None:
            data = (stdin_text or "").encode()
            self._threads.append(threading.Thread(target=_feed, args=(process.stdin, data), daemon=True))
        for thread in self._threads:
            thread.start()

    def finish(self) -> tuple[str, str]:
        # a process that left the group may still hold a pipe: do not wait for it for ever
        deadline = time.monotonic() + _GRACE_S
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        return self._kept[0].text(), self._kept[1].text()


def _feed(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), stream:
        stream.write(data)


class _Kept:
    """The beginning and the end of a stream, in bounded memory."""

    def __init__(self, stream: IO[bytes], name: str, tell: Callable[[str, bytes], None]) -> None:
        self._stream = stream
        self._name = name
        self._tell = tell
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def read(self) -> None:
        half = KEPT_BYTES // 2
        fd = self._stream.fileno()
        with self._stream:
            while chunk := os.read(fd, 65536):
                self._tell(self._name, chunk)
                room = half - len(self._head)
                self._head += chunk[:room]
                self._tail += chunk[room:] if room > 0 else chunk
                if len(self._tail) > half:
                    self._left_out += len(self._tail) - half
                    del self._tail[: len(self._tail) - half]
        self._tell(self._name, b"")

    def text(self) -> str:
        gap = f"\n… {self._left_out} bytes left out …\n".encode() if self._left_out else b""
        return bytes(self._head + gap + self._tail).decode("utf-8", errors="replace")
