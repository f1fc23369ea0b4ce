"""Hostile SQL: a database that helps the attacker, what is tried on it at each risk, and what reads and must pass."""

from __future__ import annotations

__all__ = ["HELPERS", "HOSTILE_SQL", "LOSING", "PASSES", "PASSES_MUTATING", "WRITING"]

HOSTILE_SQL: dict[str, tuple[str, str]] = {
    "SQL deletes": ('psql -c "delete from bookings"', "PostgreSQL: DELETE"),
    "SQL switches the guard off": (
        'psql -c "set default_transaction_read_only=off; drop table bookings"',
        "PostgreSQL: SET default_transaction_read_only",
    ),
    "SQL in a common table expression": (
        'psql -c "with gone as (delete from bookings returning id) select count(*) from gone"',
        "PostgreSQL: DELETE",
    ),
    "SQL by a function that acts": ("psql -c 'select pg_terminate_backend(1)'", "pg_terminate_backend()"),
    "SQL moves a sequence": ("psql -c \"select nextval('bookings_id_seq')\"", "nextval()"),
    "SQL writes a large object": ("psql -c \"select lo_import('/etc/hostname')\"", "lo_import()"),
    "SQL reads the server's files": ("psql -c \"select pg_read_file('/etc/passwd')\"", "pg_read_file()"),
    "SQL copies to a program": (
        "psql -c \"copy users to program 'cat > /var/tmp/users'\"",
        "COPY other than TO STDOUT",
    ),
    "SQL defines a function": (
        "psql -c \"create function gone() returns void language sql as 'delete from users'\"",
        "PostgreSQL: CREATE FUNCTION",
    ),
    "SQL in a block": ("psql <<'SQL'\ndo $$ begin delete from users; end $$\nSQL", "PostgreSQL: DO"),
    "SQL over the options": (
        "PGOPTIONS='-c default_transaction_read_only=off' psql -c 'truncate users'",
        "SET default_transaction_read_only",
    ),
    "SQL reads passwords": ("psql -c 'select rolpassword from pg_authid' || true", "pg_authid, which holds passwords"),
    "SQL makes a value by a number": (
        "psql -c \"select array_in('{a}', 'text'::regtype::oid, -1)\" || true",
        "PostgreSQL: array_in()",
    ),
    "SQL swallowed": ("psql -c 'drop table users' || true", "PostgreSQL: DROP"),
}
"""Commands that send SQL, and a part of the message: rows as in `hostile`."""

HELPERS = """
CREATE EXTENSION dblink; CREATE EXTENSION pg_surgery; CREATE EXTENSION file_fdw; CREATE EXTENSION
  pg_stat_statements;
CREATE EXTENSION pg_trgm; CREATE EXTENSION tablefunc; CREATE EXTENSION cube; CREATE EXTENSION earthdistance;
CREATE TABLE canary (id int PRIMARY KEY, name text); INSERT INTO canary SELECT n, 'alive' FROM
  generate_series(1, 9) AS n;
CREATE TABLE other (id int); CREATE SEQUENCE seq;
CREATE FUNCTION says_volatile() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM canary; RETURN 1; END $$;
CREATE FUNCTION says_stable() RETURNS int LANGUAGE sql STABLE AS $$ SELECT length(dblink_exec('dbname=x',
  'drop')) $$;
CREATE FUNCTION notifies() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_notify('a', 'b'); RETURN
  1; END $$;
CREATE FUNCTION made_up(t text) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN EXECUTE t; RETURN 1; END $$;
CREATE FUNCTION lies() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT notifies() $$;
CREATE FUNCTION atomic() RETURNS int LANGUAGE sql STABLE BEGIN ATOMIC SELECT notifies(); END;
CREATE FUNCTION of_row(c canary) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM canary; RETURN 1; END $$;
CREATE FUNCTION lower(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM canary; RETURN 1; END $$;
CREATE FUNCTION trusted(t text) RETURNS int LANGUAGE sql STABLE AS $$ SELECT length(upper(t)) $$;
CREATE FUNCTION counts() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
 DECLARE n bigint := 0; BEGIN SELECT count(*) INTO n FROM canary; IF n > 3 THEN n := n + 1; END IF; RETURN n;
  END $$;
CREATE FUNCTION empties() RETURNS void LANGUAGE plpgsql AS $$ BEGIN TRUNCATE canary; END $$;
CREATE FUNCTION empties_made_up() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'trun' || 'cate canary'; END $$;
CREATE FUNCTION empties_sql() RETURNS void LANGUAGE sql AS $$ DELETE FROM canary $$;
CREATE FUNCTION adds() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO other VALUES (1); END $$;
CREATE PROCEDURE drops() LANGUAGE plpgsql AS $$ BEGIN DROP TABLE canary; END $$;
CREATE FUNCTION on_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE canary; RETURN NEW; END $$;
CREATE VIEW acting AS SELECT notifies(); CREATE VIEW nested AS SELECT * FROM acting; CREATE VIEW fine AS SELECT
  * FROM canary;
CREATE FUNCTION op(int, int) RETURNS int LANGUAGE sql AS $$ SELECT says_volatile() $$;
CREATE OPERATOR === (FUNCTION = op, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION checks(text) RETURNS bool LANGUAGE sql STABLE AS $$ SELECT notifies() = 1 $$;
CREATE DOMAIN checked AS text CHECK (checks(VALUE));
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION to_pair(text) RETURNS pair LANGUAGE plpgsql AS $$ BEGIN PERFORM notifies(); RETURN (1,
  2)::pair; END $$;
CREATE CAST (text AS pair) WITH FUNCTION to_pair(text);
CREATE FUNCTION adding(text, text) RETURNS text LANGUAGE sql AS $$ SELECT says_volatile()::text $$;
CREATE AGGREGATE collects(text) (SFUNC = adding, STYPE = text);
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE runs (line text) SERVER files OPTIONS (program 'touch {victim}; echo 1');
CREATE TABLE parent (line text); ALTER FOREIGN TABLE runs INHERIT parent;
CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded USING (notifies() = 1);"""

# at readonly: none may do anything
WRITING = [
    "select says_volatile()", "select public.says_volatile()", "select says_stable()", "select notifies()",
    "select made_up('x')", "select lies()", "select atomic()", "select c.of_row from canary c",
    "select (c).of_row from canary c", "select lower(1)", "select \"says_volatile\"()",
    "select * from says_volatile()", "select * from lateral (select says_volatile()) as s",
    "select 1 where says_volatile() = 1", "select 1 order by says_volatile()", "values (says_volatile())",
    "table acting", "select * from nested", "select * from public.acting", "select 1 === 2",
    "select 1 operator(public.===) 2", "select 'a'::checked", "select cast('a' as checked)",
    "select ('x'::text)::pair", "select collects(name) from canary", "select * from runs", "select * from parent",
    "select * from guarded", "select dblink_exec('dbname=x', 'drop table canary')",
    "select * from dblink('dbname=x', 'select 1') as t(a int)",
    "select heap_force_kill('canary', array['(0,1)']::tid[])", "select crosstab('delete from canary')",
    "select query_to_xml('select says_volatile()', true, true, '')", "select table_to_xml('acting', true, true, '')",
    "select schema_to_xml('public', true, true, '')", "select database_to_xml(true, true, '')",
    "select ts_stat('select says_volatile()')", "select pg_notify('a', 'b')",
    "select pg_catalog.pg_notify('a', 'b')", "notify a", "listen a", "unlisten *", "select nextval('seq')",
    "select setval('seq', 9)", "select pg_advisory_lock(1)", "select pg_cancel_backend(1)",
    "select pg_reload_conf()", "select pg_switch_wal()", "select pg_read_file('/etc/hostname')",
    "select pg_ls_dir('/')", "select pg_stat_file('/')", "select pg_read_binary_file('/etc/hostname')",
    "select lo_import('/etc/hostname')", "select lo_from_bytea(0, 'a')", "select lo_unlink(1)",
    "select pg_stat_statements_reset()", "select pg_stat_reset()", "select pg_logical_emit_message(false, 'a', 'b')",
    "select pg_create_restore_point('a')", "select txid_current()", "select pg_export_snapshot()",
    "select set_config('transaction_read_only', 'off', true)", "select set_config('role', 'admin', false)",
    "set default_transaction_read_only = off",
    "reset default_transaction_read_only; begin; delete from canary; commit",
    "begin read write; delete from canary; commit", "begin; set transaction read write; delete from canary; commit",
    "start transaction isolation level serializable, read write",
    "set session characteristics as transaction read write", "set session authorization admin", "set role admin",
    "discard all", "load 'auto_explain'", "checkpoint", "alter system set work_mem = '1MB'",
    "copy canary from program 'echo 1'", "copy canary to program 'cat'", "copy canary to '/tmp/x'",
    "copy canary from stdin", "delete from canary", "truncate canary", "update canary set name = 'x'",
    "insert into canary values (0)", "merge into canary using other on true when matched then delete",
    "drop table canary", "create table x ()", "select 1 into x", "create temp table x as select 1",
    "with d as (delete from canary returning 1) select * from d", "explain analyze delete from canary",
    "prepare p as delete from canary", "do $$ begin delete from canary; end $$", "call drops()",
    "declare c cursor for select says_volatile()", "copy (select says_volatile()) to stdout",
    "select * from canary for update", "lock table canary in exclusive mode", "vacuum canary", "analyze canary",
    "refresh materialized view x", "reindex table canary", "cluster canary", "comment on table canary is 'x'",
    "grant all on canary to public", "security label on table canary is 'x'",
    "create function x() returns int language sql as 'select 1'", "set standard_conforming_strings = off",
    "set client_encoding = 'SJIS'", "set names 'BIG5'", "set local search_path = evil; select says_volatile()",
    "select unknown_function()", "select U&\"says!005fvolatile\" uescape '!' ()",
    "select /* */ says_volatile /**/ ()", "select case when true then says_volatile() end",
    "select coalesce(null, says_volatile())", "select array(select says_volatile())",
    "select 1 limit says_volatile()", "select count(*) filter (where says_volatile() = 1) from canary",
    "select sum(1) over (order by says_volatile())", "prepare transaction 'x'", "create view x as select 1",
    "import foreign schema public from server files into public",
]  # fmt: skip

# at mutating: what is stored must stay
LOSING = [
    "truncate canary", "drop table canary", "drop table if exists canary cascade", "delete from canary",
    "delete from canary where true", "delete from canary where 1 = 1", "delete from canary where id = id",
    "delete from canary where id is not null", "delete from canary where id = 5 or true",
    "delete from canary where exists (select 1)", "delete from canary where not false",
    "update canary set name = 'x'", "update canary set name = 'x' where true",
    "with d as (delete from canary returning 1) select * from d", "explain analyze delete from canary",
    "prepare p as truncate canary", "prepare p as delete from canary", "do $$ begin truncate canary; end $$",
    "do $$ begin delete from canary; end $$", "do $$ begin execute 'truncate canary'; end $$",
    "do $$ begin execute format('trun%s canary', 'cate'); end $$",
    "do language plpgsql $$ begin drop table canary; end $$", "do $$ begin perform empties(); end $$",
    "do $$ begin for r in 1..1 loop truncate canary; end loop; end $$",
    "do $$ begin if true then begin truncate canary; exception when others then null; end; end if; end $$",
    "do $$ declare n int := empties_int(); begin null; end $$", "do $$ begin call drops(); end $$",
    "select empties()", "select public.empties()", "select empties_made_up()", "select empties_sql()",
    "call drops()", "select says_volatile()",
    "create function x() returns void language sql as 'truncate canary'; select x()",
    "create function x() returns void language plpgsql as $$ begin truncate canary; end $$",
    "create function x() returns void language sql begin atomic delete from canary; end",
    "create or replace function adds() returns void language plpgsql as $$ begin drop table canary; end $$",
    "create procedure x() language plpgsql as $$ begin execute 'drop ' || 'table canary'; end $$",
    "create function x() returns int language c as 'x', 'y'",
    "create trigger t before insert on other execute function on_insert(); insert into other values (1)",
    "create rule r as on insert to other do also delete from canary; insert into other values (1)",
    "alter table canary drop column name", "alter table canary alter column name type int using 0",
    "alter table canary drop column if exists name cascade", "drop schema public cascade", "drop owned by admin",
    "drop database postgres", "drop role admin", "drop view fine", "drop function adds()", "drop sequence seq",
    "drop extension pg_trgm cascade", "copy canary from program 'echo 1'", "copy canary to program 'cat'",
    "copy canary to '/tmp/x'", "select dblink_exec('dbname=postgres', 'truncate canary')",
    "create extension adminpack", "select heap_force_kill('canary', array['(0,1)']::tid[])",
    "select query_to_xml('select empties()', true, true, '')", "select lo_unlink(1)", "select * from runs",
    "select pg_drop_replication_slot('x')", "alter system set archive_command = 'x'", "load 'x'",
    "merge into canary using other on true when matched then delete", "select 1 === 2",
    "set standard_conforming_strings = off", "set client_encoding = 'SJIS'",
    "set session_replication_role = replica", "select collects(name) from canary", "prepare transaction 'x'",
    "this is no sql", "truncate canary; select 1",
]  # fmt: skip

PASSES = [
    "select 1", "select count(*) from canary", "select * from fine", "select trusted('a')", "select counts()",
    "select pg_size_pretty(pg_database_size(current_database()))", "select * from pg_ls_waldir()",
    "select now(), random()", "select pid, state from pg_stat_activity", "select * from pg_stat_statements limit 1",
    "select * from pg_locks", "select similarity('a', 'b'), 'a' % 'b'",
    "select earth_distance(ll_to_earth(1, 1), ll_to_earth(2, 2))",
    "select string_agg(name, ',') over (order by id) from canary", "begin read only; select 1; rollback",
    "begin; savepoint a; select 1; rollback to a; commit", "explain (analyze, buffers) select * from canary",
    "set statement_timeout = '5s'; show statement_timeout", "select 'truncate canary'", "values (1), (2)",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select * from n",
    "select json_build_object('a', 1) -> 'a'", "select id::text, name::varchar(9) from canary where id in (1, 2)",
    "copy (select * from canary) to stdout", "begin; declare c cursor for select 1; fetch c; commit",
    "prepare p(int) as select $1; execute p(1)", "select pg_get_viewdef('fine'::regclass)",
    "select * from information_schema.tables limit 1",
    "select current_setting('wal_level'), pg_is_in_recovery(), pg_current_wal_lsn()", "\\d canary", "\\l", "\\df",
    "\\du", "\\dt+", "\\di+", "select indexrelid::regclass, pg_relation_size(indexrelid) from pg_index limit 1",
]  # fmt: skip

PASSES_MUTATING = [
    "insert into other values (1)", "delete from busy where id = 7",
    "update canary set name = 'alive' where id = 1", "select adds()",
    "do $$ begin insert into other values (2); end $$", "create index concurrently i on canary (name)",
    "drop index i", "alter table other add column note text",
    "create table fresh (id int); comment on table fresh is 'x'", "select pg_terminate_backend(0)", "vacuum other",
    "select pg_advisory_lock(1), pg_advisory_unlock(1)", "analyze", "select nextval('seq')",
    "select * from other for update", "alter database postgres set idle_in_transaction_session_timeout = '1min'",
    "begin; lock table other; commit", "update canary set name = name where false",
    "delete from busy using canary where busy.id = canary.id and busy.id = 7",
    "update canary set name = 'alive' where (id, name) = (1, 'alive') or id in (2, 3) and name is not null",
    "create function y() returns int language sql as 'select 1'", "listen a; notify a",
    "do $$ begin for i in 3..4 loop insert into other values (i); end loop; end $$",
    "do $$ declare i int := 7; begin delete from busy where id = i; end $$",
]  # fmt: skip
