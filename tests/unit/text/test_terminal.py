"""The one rule of what a terminal or a page is shown."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_steps.engine.text.html_text import html_text, markdown_text
from runbook_steps.engine.text.terminal import printable

ENGINE = Path(__file__).parents[3] / "runbook_steps"
ANYTHING = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x1b[]\\;m\x07\x9b\x9d\x9c0P"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;cHduZWQ=", "52;c;cHduZWQ="),  # never ended: nothing of it is obeyed, nothing swallowed
        ("\x1bP1$r\x1b\\x", "x"),
        ("\x1b[\x1b[0m31m", "␛[31m"),  # what is left of two is not one
        ("a\x00b\x08c\x9bd\x7f", "a␀b␈c\N{REPLACEMENT CHARACTER}d␡"),
        ("\x9d0;title\x9c", "\N{REPLACEMENT CHARACTER}0;title\N{REPLACEMENT CHARACTER}"),
        ("tab\tand\nnew\r\nline\rback", "tab\tand\nnew\nline␍back"),
        ("\u202egnp.exe\u2066\u061c", "⟨U+202E⟩gnp.exe⟨U+2066⟩⟨U+061C⟩"),
        ("rm\u200b -r\u200df\ufeff \u2060\u00ad", "rm⟨U+200B⟩ -r⟨U+200D⟩f⟨U+FEFF⟩ ⟨U+2060⟩⟨U+00AD⟩"),
        ("\u2028\u2029", "⟨U+2028⟩⟨U+2029⟩"),
        ("\U000e0072\U000e006d", "⟨U+E0072⟩⟨U+E006D⟩"),  # a text in tags, which no font draws
        ("\u3164=1 \U000e0100", "⟨U+3164⟩=1 ⟨U+E0100⟩"),
        ("\ud800 \udc9b", "⟨U+D800⟩ ⟨U+DC9B⟩"),
        ("خدمة é 日本 ⚠\ufe0f \u00a0 e\u0301", "خدمة é 日本 ⚠\ufe0f \u00a0 e\u0301"),
    ],
)
def test_what_is_unseen_is_shown_and_what_is_seen_stays(text: str, shown: str) -> None:
    """Bidirectional marks, joiners, both sets of controls, sequences, tags, halves of pairs; letters of all people."""
    assert printable(text) == shown


@given(ANYTHING)
def test_nothing_unseen_is_left_in_any_text(text: str) -> None:
    """On a terminal, on a page and in Markdown; twice is as once, and the result can be written."""
    for made in (printable(text), html_text(text), markdown_text(text)):
        unseen = {c for c in made if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n", "\t"}
        assert unseen == set()
        made.encode()
    assert printable(printable(text)) == printable(text)


def test_a_name_on_the_command_line_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    """The bytes of an argument come back as signs, whatever they are."""
    (tmp_path / "mkdocs.yml").write_text("site_name: x\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    name = b"\x1b]0;owned\x07\xe2\x80\xaegnp \xc2\x9b31m \xff"
    program = [sys.executable.encode(), b"-c", b"from runbook_steps.engine.cli.main import main; main()"]
    done = subprocess.run([*program, b"run", name, b"--dry-run"], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert [sign for sign in (b"\x1b", b"\x07", b"\xe2\x80\xae", b"\xc2\x9b", b"\xff") if sign in done.stderr] == []


def test_no_second_rule_is_written_elsewhere() -> None:
    """What takes escapes out of text is one file; the redactor only looks through them."""
    files = [file for file in ENGINE.rglob("*.py") if re.search(r"\\x1b(?:\(\?:)?\\\[", file.read_text("utf-8"))]
    assert sorted(file.name for file in files) == ["redact.py", "terminal.py"]
