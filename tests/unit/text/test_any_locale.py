"""Outputs on terminals whose letters are few."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_steps.engine import guided
from runbook_steps.engine.text.any_locale import in_any_locale


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        """It is one."""
        return True


def shown(text: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal of that encoding shows."""
    terminal = _Terminal(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", terminal)
    in_any_locale()
    terminal.write(text)
    terminal.seek(0)
    return terminal.read()


def words_of(folder: Path) -> Iterator[str]:
    """Every text in the code that is no docstring."""
    for file in folder.glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        bare = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for each in ast.walk(tree):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in bare:
                yield each.value


def test_good_and_bad_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a letter that nobody thought of is its number."""
    assert shown("✓ ✗ “é” قرص", "ascii", monkeypatch) == 'ok x "\\xe9" \\u0642\\u0631\\u0635'
    assert shown("✓ é", "latin-1", monkeypatch) == "ok é"
    assert shown("✓ é \udcff", "utf-8", monkeypatch) == "✓ é \\udcff"


def test_every_sign_of_a_guided_run_has_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is shown as a number."""
    said = "".join(words_of(Path(guided.__path__[0])))
    assert "\\u" not in shown("".join(sorted(set(said) - set("\\"))), "ascii", monkeypatch)
