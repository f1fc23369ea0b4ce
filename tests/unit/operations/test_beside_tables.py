"""Names of tables as people write them, and as they stand beside the live ones."""

from __future__ import annotations

import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.beside_tables import beside_name, several, split, written

NAMES = {
    "bookings": ("public", "bookings"),
    "audit.notes": ("audit", "notes"),
    'audit.odd "one" name': ("audit", 'odd "one" name'),
    '"a.b"': ("public", "a.b"),
    'a."b,c"': ("a", "b,c"),
    '"s ""x""".t': ('s "x"', "t"),
    "Upper.line\nfeed": ("Upper", "line\nfeed"),
}


@pytest.mark.parametrize("text", NAMES)
def test_a_table_is_named_as_postgresql_does(text: str) -> None:
    """Quotes where a name holds a dot or a comma; what is written down is read back."""
    assert split(text) == NAMES[text]
    assert split(written(*NAMES[text])) == NAMES[text]


@pytest.mark.parametrize("text", ["", ".", "a.", "a.b.c", '"a'])
def test_what_is_no_name_is_refused(text: str) -> None:
    """Said with how to write one."""
    with pytest.raises(RefusedError, match=r"write schema\.table"):
        split(text)


def test_commas_between_quotes_part_nothing() -> None:
    """Nor do empty pieces count."""
    assert several('a, s.b,, "c,d" ,"e"".f",') == ["a", "s.b", '"c,d"', '"e"".f"']


def test_each_table_has_a_name_of_its_own_beside() -> None:
    """Short of 64 bytes, whatever its schema is called."""
    tables = [("public", "a.b"), ("a", "b"), ("a.b", "c"), ("a", "b.c"), ("s" * 60, "t1" * 30), ("s" * 60, "t2" * 30)]
    names = [beside_name(*pair) for pair in (*tables, ("public", "ط" * 31), ("audit", "ط" * 31))]
    assert len(set(names)) == len(names)
    assert max(len(name.encode()) for name in names) <= 63
    assert names[1] == "a.b"
