"""What is safe to print on a terminal: output is shown, never obeyed. Pure."""

from __future__ import annotations

import re

__all__ = ["plain", "plain_lines", "printable"]

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TERMINAL_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles, hyperlinks
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # device strings
    r"|\x1b[@-Z\\-_]"
)
_UNSEEN = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "\N{SYMBOL FOR DELETE}",
    **dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}"),
    # direction marks can make a command read as another one
    **{code: f"⟨U+{code:04X}⟩" for code in (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))},
}


def plain(text: str) -> str:
    """The text without terminal escapes and control characters: output is shown, never obeyed."""
    return _CONTROL.sub("", text)


def plain_lines(lines: list[str]) -> str:
    """Joins lines, each made harmless for a terminal."""
    return "\n".join(plain(line).rstrip() for line in lines)


def printable(text: str) -> str:
    """The text as a terminal would have left it: no control sequences, control characters made visible."""
    plain = _TERMINAL_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return plain.translate(_UNSEEN)
