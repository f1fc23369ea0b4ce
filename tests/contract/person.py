"""A person at a real pseudo-terminal: reads what is shown, and types."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

__all__ = ["Person"]

# a new session, with the terminal as its own: Ctrl-C comes as a signal, as for a person
TAKES_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
STYLES = re.compile(r"\x1b\[[0-9;]*m")


class Person:
    """Runs a program in a terminal of its own; `seen` is what it shows, without colours."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], cwd: Path) -> None:
        self._own, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKES_THE_TERMINAL, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "TERM": "xterm", "COLUMNS": "200"},
            cwd=cwd,
            start_new_session=True,
        )
        os.close(theirs)
        self._hung_up = False
        self._raw = bytearray()
        self._read_to = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Person:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(timeout=5)
        if not self._hung_up:
            os.close(self._own)

    @property
    def raw(self) -> str:
        """Everything that came to the terminal, escapes included."""
        return self._raw.decode(errors="replace")

    @property
    def seen(self) -> str:
        """Everything that a person could read."""
        return STYLES.sub("", self.raw).replace("\r\n", "\n")

    def waits_for(self, text: str, limit_s: float = 60.0) -> None:
        """Until it is shown, behind what was waited for before."""
        end = time.monotonic() + limit_s
        while (found := self.seen.find(text, self._read_to)) < 0:
            assert time.monotonic() < end, f"never saw {text!r} in:\n{self.seen}"
            ended = self.process.poll() is not None and not self._reader.is_alive()
            assert not ended or text in self.seen[self._read_to :], f"ended before {text!r}:\n{self.seen}"
            time.sleep(0.02)
        self._read_to = found + len(text)

    def types(self, text: str) -> None:
        """With Enter, at once: what comes before the question does not count, what comes behind it does."""
        os.write(self._own, f"{text}\r".encode())

    def pastes(self, text: str) -> None:
        """As a terminal does: in pieces, as fast as the program takes them."""
        data = text.encode()
        while data:
            data = data[os.write(self._own, data[:512]) :]

    def answers(self, question: str, text: str) -> None:
        """Waits for the question first, the whole of it: what stands in its rest is not the next one."""
        self.waits_for(question)
        end = time.monotonic() + 60
        while not (seen := self.seen).endswith(" "):
            assert time.monotonic() < end, f"{question!r} is not asked in:\n{seen}"
            time.sleep(0.02)
        self._read_to = len(seen)
        self.types(text)

    def presses(self, key: str) -> None:
        """A key, without Enter."""
        os.write(self._own, key.encode())

    def presses_ctrl_c(self) -> None:
        """As the key does."""
        self.presses("\x03")

    def hangs_up(self) -> None:
        """The terminal is gone: the program gets a SIGHUP, and reads nothing any more."""
        self._hung_up = True
        self._reader.join(timeout=5)  # a terminal that somebody still reads is not gone
        os.close(self._own)

    def ends(self, limit_s: float = 60.0) -> int:
        """The exit code."""
        code = self.process.wait(timeout=limit_s)
        self._reader.join(timeout=5)
        return code

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other side is closed
            while not self._hung_up:
                if not select.select([self._own], [], [], 0.05)[0]:
                    continue
                if not (data := os.read(self._own, 65536)):
                    return
                self._raw += data
