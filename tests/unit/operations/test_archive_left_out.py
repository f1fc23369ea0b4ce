"""What is left out of a restore is known again by its name, whatever that holds, and nothing else is taken for it."""

from __future__ import annotations

from runbook_steps.operations.archive_left_out import tolerated, without_words

INDEX = 'left out: index "a "" of b" of public."T.x: y": could not create unique index "q"'
KEY = "left out: constraint kp of s.k: why: more"


def test_a_comparison_may_miss_what_is_left_out_alone() -> None:
    """The index, comments, and what the table's own entry says, with its constraints; a check is none of them."""
    known = tolerated([INDEX, KEY, "index of public.t", "materialized view v: why"])

    assert {'index public."a "" of b" is missing', 'table public."T.x: y" differs'} <= known
    assert {"comment on table constraint kp on s.k is missing", "index s.kp is missing", "table s.k differs"} <= known
    assert not any("public.t" in each or "view" in each for each in known)


def test_only_comments_on_what_is_left_out_are_left_out_too() -> None:
    """Those on others stay, and so does what is no comment."""
    left = [
        "9; 0 0 COMMENT s CONSTRAINT kp ON k owner",
        "10; 0 0 COMMENT s INDEX kp owner",
        '11; 0 0 COMMENT public INDEX "a "" of b" owner',
    ]
    kept = ["12; 0 0 COMMENT s INDEX kpp owner", "13; 0 0 ACL s TABLE kp owner", "14; 0 0 COMMENT s TABLE k owner"]

    assert without_words([*left, *kept], [INDEX, KEY]) == kept
