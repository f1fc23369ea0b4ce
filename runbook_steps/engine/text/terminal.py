"""The one rule of what may reach a terminal or a page: text is shown, never obeyed; nothing is unseen. Pure."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["printable"]

_TERMINAL_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles, hyperlinks
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # device strings
    r"|\x1b[@-Z\\-_]"
)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what has no picture: controls, directions, joiners, halves of pairs, what nobody assigned."""
_BLANK = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0})
"""Letters by category that no font draws, as Unicode's Default_Ignorable_Code_Point lists them."""
_STYLES = frozenset({*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0)})
"""Variants of a letter, which can carry a text that nobody sees; the two that only make an emoji stay."""


class _Shown(dict[int, str]):
    """Each character → what is shown for it, worked out once."""

    def __missing__(self, code: int) -> str:
        self[code] = _shown(code)
        return self[code]


def printable(text: str) -> str:
    """The text as a terminal would have left it: no control sequences, and a sign for each character that is unseen.

    Line breaks and tabs stay. The result can be written in UTF-8 whatever came in.
    """
    return _TERMINAL_SEQUENCE.sub("", text.replace("\r\n", "\n")).translate(_SHOWN)


def _shown(code: int) -> str:
    if chr(code) in "\n\t":
        return chr(code)
    if code < 0x20:  # noqa: PLR2004 - where the controls of ASCII end, and Unicode has a picture of each
        return chr(0x2400 + code)
    if code == 0x7F:  # noqa: PLR2004 - the last of them
        return "\N{SYMBOL FOR DELETE}"
    if 0x80 <= code < 0xA0:  # noqa: PLR2004 - the controls of ISO 6429, which a terminal obeys
        return "\N{REPLACEMENT CHARACTER}"
    if code in _BLANK or code in _STYLES or unicodedata.category(chr(code)) in _UNSEEN:
        return f"⟨U+{code:04X}⟩"
    return chr(code)


_SHOWN = _Shown()
