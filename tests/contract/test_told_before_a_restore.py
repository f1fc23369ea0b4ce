"""What a verification found that no restore brings back as it was: told again before a restore asks."""

from __future__ import annotations

import json

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
OF_YESTERDAY = """
CREATE FUNCTION norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION price(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 2; END';
CREATE TABLE t (s text, a int, g int GENERATED ALWAYS AS (price(a)) STORED);
CREATE UNIQUE INDEX once ON t (norm(s));
INSERT INTO t (s, a) VALUES ('A', 1), ('a', 2);
CREATE OR REPLACE FUNCTION norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE OR REPLACE FUNCTION price(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 3; END';
"""
LEFT_OUT = 'left out: index once of public.t: could not create unique index "once"'
COMPUTED = "computed anew: public.t"


def test_what_a_verification_found_is_told_before_the_question_and_not_once_more_after(
    embedded: EmbeddedTarget,
) -> None:
    """An index of two rows with one key, and a column that is computed otherwise now; all rows come back."""
    with Shop.opened(embedded, schema=OF_YESTERDAY) as shop:
        made = shop.run("backup", "--format", "json")
        assert (made.returncode, LEFT_OUT in made.stderr, COMPUTED in made.stderr) == (0, True, True), made.stderr
        where, before = str(json.loads(made.stdout)["location"]), shop.oid()

        asked = shop.run("restore", where)

        assert (asked.returncode, LEFT_OUT in asked.stderr, COMPUTED in asked.stderr) == (3, True, True), asked.stderr
        assert shop.oid() == before
        done = shop.run("restore", where, *YES)
        assert (done.returncode, done.stderr.count(LEFT_OUT), done.stderr.count(COMPUTED)) == (0, 1, 1), done.stderr
        assert shop.rows("SELECT s, a, g FROM t ORDER BY a") == [("A", 1, 3), ("a", 2, 6)]
        assert shop.rows("SELECT indexname FROM pg_indexes WHERE tablename = 't'") == []
