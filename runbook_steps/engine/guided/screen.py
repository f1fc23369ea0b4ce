"""The terminal of a guided run: what is said, what is asked, and what a command prints while it runs.

Whatever comes from outside is made inert and loses its secrets before it is shown.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import select
import sys
import termios
from collections.abc import Callable, Collection

from rich.console import Console

from runbook_steps.engine.text.terminal import printable

__all__ = ["Lines", "Screen"]

_LONGEST_LINE = 65_536  # characters; a longer line is shown cut, because half a secret is still one
_SAME_GO_S = 0.05
"""What comes so soon behind a line was not typed by a person; at a terminal a line is read whole, and no further."""
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")


class Lines:
    """Bytes → whole lines of text, so that no secret is cut in two; a private key counts as one line."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._key: list[str] = []

    def feed(self, data: bytes) -> list[str]:
        """The lines that are whole now; empty `data` ends the stream and gives what is left."""
        self._rest += self._decoder.decode(data, final=not data)
        *whole, self._rest = self._rest.split("\n")
        if self._rest and (not data or len(self._rest) > _LONGEST_LINE):
            whole.append(self._rest)
            self._rest = ""
        found = [line for each in whole if (line := self._joined(each)) is not None]
        if not data and self._key:
            found.append("\n".join(self._key))
            self._key = []
        return found

    def _joined(self, line: str) -> str | None:
        if not self._key and not _KEY_BEGINS.search(line):
            return line
        self._key.append(line)
        if not _KEY_ENDS.search(line):
            return None
        block, self._key = "\n".join(self._key), []
        return block


class Screen:
    """Says and asks. `redact` takes the secrets out; it is set as soon as they are known."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
        self._lines: dict[str, Lines] = {}
        self.redact: Callable[[str], str] = str

    def say(self, text: str = "", style: str = "") -> None:
        """One or more lines; what is in them stays text. A terminal that is gone shows none, and is no error."""
        with contextlib.suppress(OSError):
            self._console.print(printable(self.redact(text)), style=style or None)

    def quote(self, text: str, style: str = "") -> None:
        """A command or a text, set in."""
        for line in text.splitlines():
            self.say(f"    {line}", style)

    def output(self, stream: str, data: bytes) -> None:
        """What a command prints, line by line."""
        for line in self._lines.setdefault(stream, Lines()).feed(data):
            shown = line if len(line) <= _LONGEST_LINE else f"{line[:200]} … a very long line"
            for each in printable(self.redact(shown)).splitlines() or [""]:
                with contextlib.suppress(OSError):
                    self._console.print(f"    {'│' if stream == 'stdout' else '┆'} {each}", style="dim")
        if not data:
            self._lines.pop(stream, None)

    def ask(self, question: str, answers: Collection[str], default: str | None = None) -> str:
        """One of the answers; an empty line is the `default`, and asks again where there is none.

        Raises EOFError when the terminal is gone.
        """
        while True:
            said = self.read(question).casefold()
            if not said and default is not None:
                return default
            if said in answers:
                return said
            self.say(f"  type one of {', '.join(answers)}, then Enter", "dim")

    def line(self, question: str) -> str:
        """A line with its blanks; what was typed ahead counts, because a text is pasted in one go."""
        self._asks(question)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return printable(line.rstrip("\r\n"))

    def read(self, question: str) -> str:
        """A line, without its blanks. What was typed before the question was asked does not count.

        Several lines in one go are a paste that was meant for something else, or a key that is held: none counts.
        """
        while len(lines := self._answered(question)) > 1:
            self.say("  several lines came at once, and none of them counts: answer with one", "yellow")
        return lines[0]

    def text(self, question: str) -> str:
        """Words for a reader; several lines in one go are one text, as of a log that is pasted."""
        return " / ".join(filter(None, self._answered(question)))

    def _answered(self, question: str) -> list[str]:
        try:  # before it is shown: whoever sees it may answer at once
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        except (termios.error, ValueError):
            raise EOFError from None
        self._asks(question)
        lines: list[str] = []
        while not lines or select.select([sys.stdin], [], [], _SAME_GO_S)[0]:
            if not (line := sys.stdin.readline()):
                raise EOFError
            lines.append(printable(line).strip())
        return lines

    def _asks(self, question: str) -> None:
        try:
            self._console.print(printable(question), end=" ", style="bold")
            self._console.file.flush()
        except OSError:
            raise EOFError from None
