"""What a command prints is shown line by line, so that no secret is cut in two and nothing is obeyed."""

from __future__ import annotations

import io
import os
import pty
import select

import pytest
from rich.console import Console

from runbook_steps.engine.guided.screen import Lines, Screen
from runbook_steps.engine.text.redact import Redactor

KEY = ["-----BEGIN PRIVATE KEY-----", "c2VjcmV0", "-----END PRIVATE KEY-----"]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_whole_however_they_come(size: int) -> None:
    """Cut anywhere, also inside of a character; the end gives what is left."""
    data = "erste\nzwölf\nrest".encode()
    lines = Lines()
    found = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    assert [*found, *lines.feed(b"")] == ["erste", "zwölf", "rest"]


def test_a_private_key_is_one_line() -> None:
    """Also one that never ends: its lines alone would look like nothing secret."""
    lines = Lines()
    assert lines.feed("\n".join(["a", *KEY, "b", ""]).encode()) == ["a", "\n".join(KEY), "b"]
    assert lines.feed("\n".join(KEY[:2]).encode()) == []
    assert lines.feed(b"") == ["\n".join(KEY[:2])]


def test_what_is_shown_is_inert_and_holds_no_secret() -> None:
    """A line so long that it is cut is not shown behind its beginning."""
    out = io.StringIO()
    screen = Screen(Console(file=out, markup=False, highlight=False, soft_wrap=True))
    screen.redact = Redactor(["S3cr3t-value"])
    screen.output(
        "stdout", b"\x1b[2Jclear S3cr3t-value\n" + "\n".join(KEY).encode() + b"\n" + b"x" * 70_000 + b"S3cr3t"
    )
    screen.output("stdout", b"-value")
    screen.output("stdout", b"")
    shown = out.getvalue()
    assert "│ clear [redacted secret, 9-16 characters]" in shown
    assert "[redacted private key" in shown
    assert "a very long line" in shown
    assert [text for text in ("\x1b[2J", "S3cr3t", "c2VjcmV0") if text in shown] == []


class _Terminal:
    """A person's side of a terminal: types as soon as a question is shown."""

    def __init__(self) -> None:
        self._own, self._theirs = pty.openpty()

    def fileno(self) -> int:
        """The program's side."""
        return self._theirs

    def types(self, text: str) -> None:
        """Until it has come over."""
        os.write(self._own, f"{text}\r".encode())
        assert select.select([self._theirs], [], [], 60)[0], "it does not come over"

    def readline(self) -> str:
        """The program's next line."""
        assert select.select([self._theirs], [], [], 5)[0], "what the person answered is lost"
        return os.read(self._theirs, 100).decode()


def test_what_is_typed_before_a_question_is_lost_and_never_what_is_typed_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However quick the person is."""
    terminal = _Terminal()

    class Shown(io.StringIO):
        def write(self, text: str) -> int:
            if "Why?" in text:
                terminal.types("because")
            return len(text)

    monkeypatch.setattr("sys.stdin", terminal)
    terminal.types("ahead")
    assert Screen(Console(file=Shown(), soft_wrap=True)).read("Why?") == "because"
