"""What a verification found that no restore brings back as it was: told again before a restore asks."""

from __future__ import annotations

import json

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
OF_YESTERDAY = """
CREATE FUNCTION share(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 100 / $1; END';
CREATE TABLE n (a int); INSERT INTO n VALUES (1);
CREATE MATERIALIZED VIEW shares AS SELECT share(a) FROM n;
UPDATE n SET a = 0;
"""
TOLD = "materialized view public.shares: division by zero"
TWO_OF_ONE_KEY = """
CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (1, 'y'); CREATE INDEX broken ON t (a);
UPDATE pg_index SET indisunique = true WHERE indexrelid = 'broken'::regclass;
"""
COMPUTED_YESTERDAY = """
CREATE FUNCTION price(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 2; END';
CREATE TABLE t (a int, g int GENERATED ALWAYS AS (price(a)) STORED); INSERT INTO t (a) VALUES (1);
CREATE OR REPLACE FUNCTION price(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 3; END';
"""
REFUSED = {
    "two rows of one key": (TWO_OF_ONE_KEY, 'could not create unique index "broken"'),
    "a computed column": (COMPUTED_YESTERDAY, "public.t has other values in its generated columns"),
}
"""Which of the two is right, no tool can know."""


def test_what_a_verification_found_is_told_before_the_question_and_not_once_more_after(
    embedded: EmbeddedTarget,
) -> None:
    """A materialized view that is empty in a restore; all rows come back."""
    with Shop.opened(embedded, schema=OF_YESTERDAY) as shop:
        made = shop.run("backup", "--format", "json")
        assert (made.returncode, TOLD in made.stderr) == (0, True), made.stderr
        where, before = str(json.loads(made.stdout)["location"]), shop.oid()

        asked = shop.run("restore", where)

        assert (asked.returncode, TOLD in asked.stderr) == (3, True), asked.stderr
        assert shop.oid() == before
        done = shop.run("restore", where, *YES)
        assert (done.returncode, done.stderr.count(TOLD)) == (0, 1), done.stderr
        assert shop.rows("SELECT a FROM n") == [(0,)]


def test_a_verification_by_hand_tells_it_too(embedded: EmbeddedTarget) -> None:
    """On the terminal, not in the JSON alone."""
    with Shop.opened(embedded, schema=OF_YESTERDAY) as shop:
        assert shop.run("backup", "--unverified").returncode == 0

        done = shop.run("verify-latest")

        assert (done.returncode, done.stdout.startswith("whole "), TOLD in done.stderr) == (0, True, True), done.stderr


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_restore_would_change_is_no_backup(embedded: EmbeddedTarget, what: str) -> None:
    """It is told in PostgreSQL's words, or by name, while the live database is there to be mended."""
    schema, words = REFUSED[what]
    with Shop.opened(embedded, schema=schema) as shop:
        made = shop.run("backup")

        assert (made.returncode, words in made.stderr) == (1, True), made.stderr
