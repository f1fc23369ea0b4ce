"""Hostile SQL, fourth part: what is made as a statement runs: lists of keys, defaults, conditions, and what heirs have.

Written anew after the first three, each spelling beside those that had got through.
"""

from __future__ import annotations

__all__ = ["HELPERS_MADE", "LOSING_MADE", "PASSES_MADE", "TAKING_MADE", "WRITING_MADE"]

HELPERS_MADE = """
CREATE FUNCTION told(a int DEFAULT notifies()) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION told_late(a int, b int DEFAULT notifies()) RETURNS int LANGUAGE plpgsql STABLE AS
  $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION told_stored(a int DEFAULT notifies()) RETURNS int LANGUAGE sql STABLE RETURN 1;
CREATE FUNCTION told_from(a int) RETURNS int LANGUAGE sql STABLE AS 'SELECT told()';
CREATE VIEW told_by_view AS SELECT told_late(1) AS n;
CREATE FUNCTION told_empties(a int DEFAULT empties_int()) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE PROCEDURE told_drops(a int DEFAULT empties_int()) LANGUAGE sql AS 'SELECT 1';
CREATE DOMAIN given AS int DEFAULT empties_int(); CREATE DOMAIN given_again AS given;
CREATE TABLE gives_by_type (id int, n given); CREATE TABLE gives_again (id int, n given_again);
CREATE TABLE gives_below (n given) INHERITS (gives_by_type); CREATE VIEW over_gives AS SELECT id FROM gives_by_type;
CREATE SEQUENCE of_numbers; CREATE DOMAIN numbered AS bigint DEFAULT nextval('of_numbers');
CREATE TABLE counted_by (id numbered, note text);
CREATE FUNCTION empties_asked(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN TRUNCATE canary; RETURN true; END $$;
CREATE TABLE asked (id int);
CREATE TRIGGER w AFTER INSERT ON asked FOR EACH ROW WHEN (empties_asked(NEW.id)) EXECUTE FUNCTION audit();
CREATE TABLE asked_before (id int, note text);
CREATE TRIGGER w BEFORE INSERT OR UPDATE ON asked_before FOR EACH ROW WHEN (NEW.id > 0 AND empties_asked(NEW.id))
  EXECUTE FUNCTION stamps();
CREATE TABLE calmly (id int PRIMARY KEY, note text);
CREATE TRIGGER w BEFORE INSERT ON calmly FOR EACH ROW WHEN (NEW.note IS NULL) EXECUTE FUNCTION stamps();
CREATE TABLE estate (id int PRIMARY KEY, tag text); CREATE TABLE heir () INHERITS (estate);
INSERT INTO estate VALUES (1, 'a'); INSERT INTO heir SELECT 1, 'b' FROM generate_series(1, 9);
CREATE TABLE great_heir () INHERITS (heir);
CREATE TABLE by_year (id int, y int, PRIMARY KEY (id, y)) PARTITION BY RANGE (y);
CREATE TABLE of_2026 PARTITION OF by_year FOR VALUES FROM (2026) TO (2027);
"""

# at readonly: a default that a call is given
WRITING_MADE = [
    "select told()", "select told_late(1)", "select told_stored()", "select told_from(1)", "table told_by_view",
    "select * from told_late(2)", "with t as (select told()) table t", "select 1 where told() = 1",
]  # fmt: skip

# every number from 1 to 100, without one of them written down
_ALL = "array_positions(array_fill(0, array[100]), 0)"


def _filled(texts: list[str]) -> list[str]:
    return [text.replace("$ALL", _ALL) for text in texts]


# at mutating: a list that is made may be every row there is
LOSING_MADE = _filled([
    "select told_empties()", "call told_drops()", "select told_empties() from generate_series(1, 2)",
    "do $$ begin perform told_empties(); end $$", "insert into other select told_empties()",
    "create function f(a int default empties_int()) returns int language plpgsql as 'begin return 1; end'",
    "insert into gives_by_type (id) values (1)", "insert into gives_by_type default values",
    "insert into gives_again (id) values (1)", "insert into gives_below (id) values (1)",
    "insert into over_gives values (1)", "copy gives_by_type (id) from stdin",
    "alter table calmly add column more given", "alter table calmly add column more given_again[]",
    "create table fresh (n given); insert into fresh default values", "create table fresh (like gives_by_type)",
    "create table fresh as select null::given as n", "create table fresh (id int) inherits (gives_by_type)",
    "insert into asked values (1)", "copy asked from stdin", "insert into asked_before values (1)",
    "update asked_before set note = 'a' where ctid = '(0,1)'", "insert into asked select 1",
    "do $$ begin insert into asked values (1); end $$", "explain analyze insert into asked values (1)",
    "delete from canary where id = any ($ALL)", "update canary set name = '' where id = any ($ALL)",
    "delete from canary where id = any ((select $ALL))", "delete from canary where id = any ($ALL::int[])",
    "delete from canary where id = any (array[1] || $ALL)",
    "delete from canary where id = any (('{' || array_to_string($ALL, ',') || '}')::int[])",
    """delete from canary where ctid = any (('{"(0,' || array_to_string($ALL, ')","(0,') || ')"}')::tid[])""",
    "delete from canary where id = any (coalesce($ALL, '{}'))", "delete from canary where id = any (($ALL)[1:50])",
    "do $$ declare ids int[] := array(select id from canary); begin delete from canary where id = any (ids); end $$",
    ("do $$ declare ids int[]; begin select array_agg(id) into ids from canary; update canary set name = '' "
    "where id = any (ids); end $$"),
    "do $$ declare ids int[] := $ALL; begin delete from canary where id = any (ids[1:9]); end $$",
    "create function f(i int[]) returns void language plpgsql as 'begin delete from canary where id = any (i); end'",
    "create function f(i int[]) returns void language sql as 'delete from canary where id = any ($1)'",
    "create procedure f(variadic i int[]) language plpgsql as 'begin delete from canary where id = any ($1); end'",
    "prepare z (int[]) as delete from canary where id = any ($1); execute z(array(select id from canary))",
    "prepare z (int[]) as delete from canary where id = any ($1); execute z($ALL)",
    "prepare z (int[]) as delete from canary where id = any ($1); explain analyze execute z($ALL)",
    "prepare z (int[]) as update canary set name = '' where id = any ($1); execute z((select '{1, 2}'::int[]))",
    "prepare z (int[]) as select del_one(1) where 1 = any ($1); create table gone as execute z($ALL)",
    "insert into canary values (unnest($ALL), 'x') on conflict (id) do update set name = excluded.name",
    "insert into canary values (generate_series(1, 9)) on conflict (id) do update set name = null",
    "insert into canary (id) values (abs(generate_series(1, 9))) on conflict (id) do update set name = null",
    ("insert into canary (id) values ((jsonb_array_elements_text('[1, 2]'))::int) on conflict (id) "
    "do update set name = ''"),
    "insert into canary values (regexp_split_to_table('1 2', ' ')::int) on conflict (id) do update set name = ''",
    ("with i as (insert into canary values (generate_series(1, 9)) on conflict (id) do update set name = '' "
    "returning 1) table i"),
])  # fmt: skip

# at mutating: who is served, rows that are alike further down, numbers that are used up
TAKING_MADE = _filled([
    "select pg_terminate_backend(pid) from pg_stat_activity where pid = any (array_cat($ALL, '{}'))",
    "select pg_cancel_backend(pid) from pg_stat_activity where pid = any ($ALL)",
    "select pg_terminate_backend(pid) from pg_stat_activity where pid = any (string_to_array('1,2', ',')::int[])",
    "delete from estate where id = 1", "update estate set tag = '' where id = 1", "delete from estate * where id = 1",
    "update public.estate e set tag = '' where e.id in (1, 2)", "delete from heir where id = 1",
    "do $$ begin delete from estate where id = 1; end $$", "delete from estate where id = any ('{1}')",
    "alter sequence seq cache 9223372036854775807", "alter sequence seq cache 100000", "alter sequence seq as smallint",
    "alter sequence acct_gen_seq as int", "alter sequence if exists seq owned by acct.n cache 2147483647",
    "select pg_switch_wal() from generate_series(1, 1000)",
    "do $$ begin for i in 1..9 loop perform pg_switch_wal(); end loop; end $$",
    "select pg_create_restore_point(id::text) from canary", "select lo_create(0) from generate_series(1, 9)",
    "select lo_from_bytea(0, 'x') from canary",
])  # fmt: skip

PASSES_MADE = [
    "insert into calmly values (1)", "insert into calmly values (2, 'a') on conflict (id) do update set note = 'b'",
    "delete from calmly where id = any ('{77, 78}')", "delete from calmly where id = any ('{77}'::int[])",
    "delete from calmly where id = any (array[77, abs(-78)])",
    "prepare z (int[]) as delete from calmly where id = any ($1); execute z('{77}')",
    "prepare z (int) as delete from calmly where id = $1; execute z(77)",
    "insert into counted_by (note) values ('a'), ('b'); select * from counted_by a, counted_by b",
    "insert into logged (note) values ('c'), ('d')", "insert into logged (note) select 'e' from canary",
    "update logged set note = 'f' where id = 1",
    "do $$ begin for i in 1..3 loop insert into logged (note) values ('g'); end loop; end $$",
    "create table counted_too (id numbered); insert into counted_too default values",
    "delete from only estate where id = 7", "delete from by_year where id = 1 and y = 2026",
    "update of_2026 set id = 1 where (id, y) = (1, 2026)", "alter sequence seq cache 50",
    "select pg_cancel_backend(pid) from pg_stat_activity where pid = any ('{0}')", "alter sequence zero as bigint",
]  # fmt: skip
