"""Names beside the live database: within 63 bytes, told from each other, and found again as what they are."""

from __future__ import annotations

import pytest

from runbook_steps.operations.database_names import kept_name, kept_pattern, leftover_pattern, scratch_name

LIVE = ["beautycort", "with-dash and blank", "a.b*c(", "ü" * 20, "x" * 39, "x" * 40, "x" * 63, "ä" * 31, "😀" * 15]


@pytest.mark.parametrize("live", LIVE)
def test_every_name_fits_and_is_found_again(live: str) -> None:
    """Cut between characters; no name is both a leftover, which is dropped, and a kept one."""
    for what in ("verify", "restore"):
        name = scratch_name(live, what)
        assert len(name.encode()) <= 63
        assert leftover_pattern(live).fullmatch(name)
        assert not kept_pattern(live).fullmatch(name)
    for what in ("before", "undone"):
        name = kept_name(live, what)
        assert len(name.encode()) <= 63
        assert kept_pattern(live).fullmatch(name)
        assert not leftover_pattern(live).fullmatch(name)


def test_a_name_that_is_taken_is_not_given_again() -> None:
    """Of two in one second the later one is a second later."""
    one = kept_name("live", "before")
    other = kept_name("live", "before", {one})
    assert other != one
    assert kept_pattern("live").fullmatch(other)


def test_long_names_that_begin_alike_are_told_apart() -> None:
    """What was kept of one is never dropped as the other's."""
    one, other = "x" * 62 + "1", "x" * 62 + "2"
    assert not kept_pattern(one).fullmatch(kept_name(other, "before"))
    assert not leftover_pattern(one).fullmatch(scratch_name(other, "verify"))


@pytest.mark.parametrize(
    "foreign",
    [
        "shop_verify_1a2b3c4",
        "shop_verify_1a2b3c4d5",
        "shop_verify_ABCDEF01",
        "shop_test_1a2b3c4d",
        "eshop_verify_1a2b3c4d",
    ],
)
def test_a_database_of_somebody_is_no_leftover(foreign: str) -> None:
    """Only what a run named itself is dropped."""
    assert not leftover_pattern("shop").fullmatch(foreign)


def test_a_name_that_is_no_text_has_names_too() -> None:
    """Bytes of another encoding, as they come from an SQL_ASCII cluster."""
    live = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert leftover_pattern(live).fullmatch(scratch_name(live, "verify"))
