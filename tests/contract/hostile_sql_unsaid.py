"""Hostile SQL that names nothing bad: a database does it by itself. And more ways to lose data than `hostile_sql`."""

from __future__ import annotations

__all__ = ["HELPERS_UNSAID", "LOSING_UNSAID", "PASSES_UNSAID", "WRITING_UNSAID"]

HELPERS_UNSAID = """
CREATE DOMAIN checked_again AS checked; CREATE DOMAIN checked_many AS checked[];
CREATE TYPE holds_checked AS (a checked); CREATE TABLE of_checked (id int, a checked);
CREATE FUNCTION takes(checked) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION gives(text) RETURNS checked LANGUAGE sql STABLE AS 'SELECT $1';
CREATE FUNCTION declares(t text) RETURNS int LANGUAGE plpgsql STABLE AS
  $$ DECLARE x checked := t; BEGIN RETURN 1; END $$;
CREATE TYPE sorted AS (a int);
CREATE FUNCTION sorted_cmp(sorted, sorted) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN PERFORM notifies(); RETURN 0; END $$;
CREATE FUNCTION sorted_lt(sorted, sorted) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT sorted_cmp($1, $2) < 0';
CREATE FUNCTION sorted_eq(sorted, sorted) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT sorted_cmp($1, $2) = 0';
CREATE OPERATOR <<< (FUNCTION = sorted_lt, LEFTARG = sorted, RIGHTARG = sorted);
CREATE OPERATOR ==== (FUNCTION = sorted_eq, LEFTARG = sorted, RIGHTARG = sorted);
CREATE OPERATOR CLASS of_sorted DEFAULT FOR TYPE sorted USING btree AS OPERATOR 1 <<<, OPERATOR 3 ====,
  FUNCTION 1 sorted_cmp(sorted, sorted);
CREATE TABLE to_sort (s sorted); INSERT INTO to_sort VALUES (row(1)::sorted), (row(2)::sorted);
CREATE TYPE turned AS (a int);
CREATE FUNCTION turn(turned) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM notifies(); RETURN 'a'; END $$;
CREATE CAST (turned AS text) WITH FUNCTION turn(turned) AS IMPLICIT;
CREATE TABLE to_turn (t turned); INSERT INTO to_turn VALUES (row(1)::turned);
CREATE FUNCTION pg_catalog.looks_own() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_notify('a', 'b');
  RETURN 1; END $$;
CREATE FUNCTION json_scalar(text) RETURNS int LANGUAGE sql STABLE AS 'SELECT public.notifies()';
CREATE FUNCTION json_value(text, text) RETURNS int LANGUAGE sql STABLE AS 'SELECT public.notifies()';
CREATE FUNCTION empties_int() RETURNS int LANGUAGE plpgsql AS $$ BEGIN TRUNCATE canary; RETURN 1; END $$;
CREATE FUNCTION empties_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE canary; RETURN NULL; END $$;
CREATE TABLE triggered (id int); CREATE TRIGGER t AFTER INSERT ON triggered EXECUTE FUNCTION empties_trigger();
CREATE TABLE ruled (id int); CREATE RULE r AS ON INSERT TO ruled DO ALSO DELETE FROM canary;
CREATE TABLE defaulted (id int, n int DEFAULT empties_int());
CREATE FUNCTION empties_checking(int) RETURNS bool LANGUAGE sql AS 'SELECT empties_int() = $1';
CREATE TABLE limited (id int CHECK (empties_checking(id)));
CREATE FUNCTION empties_indexing(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN PERFORM empties_int(); RETURN 1; END $$;
CREATE TABLE indexed (id int); CREATE INDEX ON indexed (empties_indexing(id));
CREATE VIEW over_triggered AS SELECT * FROM triggered; CREATE VIEW over_settings AS SELECT * FROM pg_settings;
CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
CREATE TRIGGER t AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION empties_trigger();
CREATE VIEW emptying AS SELECT empties_int() AS n; CREATE
  MATERIALIZED VIEW kept AS SELECT empties_int() AS n WITH NO DATA;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM canary;
CREATE TABLE busy (id int PRIMARY KEY, note text); INSERT INTO busy VALUES (1, 'a'), (2, 'b');
CREATE FUNCTION stamps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, 'new'); RETURN NEW;
  END $$;
CREATE TABLE logged (id serial PRIMARY KEY, note text CHECK (length(note) < 99), at timestamptz DEFAULT now());
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON logged FOR EACH ROW EXECUTE FUNCTION stamps();
CREATE FUNCTION one_way() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM back_again(); PERFORM notifies();
  RETURN 1; END $$;
CREATE FUNCTION back_again() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM one_way(); RETURN 1; END $$;
CREATE TYPE mood AS ENUM ('well', 'ill'); CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);
CREATE FUNCTION takes_apart(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + lies()';
CREATE TABLE folded (id int); CREATE INDEX ON folded (id) WHERE lies() = 1;
CREATE TABLE folded_again (id int); CREATE INDEX ON folded_again (takes_apart(id));
CREATE TABLE folded_counts (id int); CREATE STATISTICS folding ON (id + lies()), id FROM folded_counts;
CREATE TABLE checked_first (id int); CREATE TABLE checked_last (CHECK (lies() = id)) INHERITS (checked_first);
CREATE FUNCTION doubled(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 * 2; END $$;
CREATE FUNCTION says_nothing(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN $1 < 99; END $$;
CREATE TABLE sound (id int CHECK (says_nothing(id))); CREATE INDEX ON sound (doubled(id)) WHERE doubled(1) = 2;
CREATE TABLE of_people (m mood, s short, tags short[]); INSERT INTO of_people VALUES ('well', 'a', '{b}');
"""

# at readonly: a domain, an array, a composite, an operator class, a cast that nobody wrote into the statement
WRITING_UNSAID = [
    "select one_way()", "select back_again()",
    "select 'a'::checked_again", "select '{a}'::_checked", "select '{a}'::checked[]", "select '{a}'::checked_many",
    "select '(a)'::holds_checked", "select row('a')::holds_checked", "select '{(a)}'::holds_checked[]",
    "select json_populate_record(null::holds_checked, '{\"a\": \"x\"}')",
    "select jsonb_populate_recordset(null::of_checked, '[{\"a\": \"x\"}]')",
    "select json_populate_record(c, '{\"a\": \"x\"}') from (select null::of_checked as c) as s",
    "select * from json_to_record('{\"a\": \"x\"}') as t(a checked_again)", "select takes('a')", "select gives('a')",
    "select declares('a')", "select 'a'::pg_catalog.\"text\"::public.checked_again",
    "select * from xmltable('/a' passing '<a>x</a>' columns a checked_again path '.')",
    "select s from to_sort order by s", "select distinct s from to_sort", "select s from to_sort group by s",
    "select s from to_sort union select s from to_sort", "select rank() over (order by s) from to_sort",
    "select greatest(s, s) from to_sort", "select s from to_sort order by s using <<<",
    "select * from to_sort a natural join to_sort b", "select upper(t) from to_turn", "select t || 'x' from to_turn",
    "select concat(t::text) from to_turn", "select upper(row(1)::turned)",
    "select length(t) from to_turn where t like 'a'", "select looks_own()", "select pg_catalog.looks_own()",
    "select json_scalar('a')", "select public.json_scalar('a')", "select json_value('a', 'b')",
    "select says_volatile(variadic array[]::int[])", "select pg_input_is_valid('a', 'checked')",
    "select pg_catalog.set_config(name, 'off', false) from pg_settings where name ~ 'read_only'",
    "select set_config('default_transaction_' || 'read_only', 'off', false)", "set local role none",
    "set transaction_read_only to default", "reset role", "reset session authorization",
    "set xmloption to content; notify a", "select pg_advisory_lock_shared(1)", "select pg_try_advisory_xact_lock(1, 2)",
    "select pg_logical_slot_get_changes('a', null, null)", "select pg_create_physical_replication_slot('a')",
    "select pg_promote()", "select pg_backup_start('a')", "select pg_stat_reset_shared('bgwriter')",
    "select pg_log_backend_memory_contexts(1)", "select pg_wal_replay_pause()",
    "select pg_replication_origin_create('a')", "select pg_import_system_collations('pg_catalog')",
    "select lo_create(7)", "select lo_open(1, 131072)", "select lo_put(1, 0, 'a')", "select lowrite(0, 'a')",
    "select pg_rotate_logfile()", "select pg_drop_replication_slot('a')",
    "select pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')", "select schema_to_xml('public', true, true, '')",
    "select cursor_to_xml('c', 1, true, true, '')",
    "begin; declare c cursor for select 1; select cursor_to_xml('c', 1, true, true, '')",
    "explain (analyze) create table x as select 1", "explain analyze refresh materialized view counted",
    "explain analyze insert into other values (1)", "prepare p as insert into other values (1); execute p",
    "with a as (insert into other values (1) returning 1), b as (select 1) select * from b", "table emptying",
    "select (select says_volatile())", "select exists (select from emptying)",
    "select * from canary tablesample bernoulli (says_volatile())",
    "select array_agg(says_volatile() order by 1) from canary", "copy canary (id) from stdin",
    "copy (table emptying) to stdout", "select 1; ; ; delete from canary",
    "/* a /* b */ c */ delete from canary", "select $a$;$a$; delete from canary; select $a$;$a$",
    "select E'\\'; delete from canary; --'; delete from canary", "start transaction read write",
    "begin; set local transaction_read_only = 0",
    "set session session authorization default", "alter role admin set work_mem = '1MB'",
    "create temp view x as select 1", "do language sql $$ select 1 $$", "call adds()", "vacuum (analyze) canary",
    "drop index if exists none", "drop statistics if exists none",
    "create event trigger e on ddl_command_start execute function on_insert()", "create publication p for all tables",
    "create subscription s connection '' publication p", "create user mapping for admin server files",
    "drop owned by admin", "reassign owned by admin to admin", "alter table canary set (fillfactor = 90)",
    "alter system reset all", "create access method x type index handler bthandler",
    "lock table canary in row share mode", "lock canary", "select from canary for key share",
    "create collation x from \"C\"", "select array_in('{a}', 'checked'::regtype::oid, -1)",
    "select pg_catalog.record_in('(1,a)', 'of_checked'::regtype, -1)", "select record_out(record_in('(a)', 1, -1))",
    "select pg_typeof(domain_in('a', 'checked'::regtype, -1))", "select pg_typeof(range_in('[a,b]', 1, -1))",
    "select * from folded", "select from public.folded where id = 1", "select * from folded_again",
    "table folded_counts",
    "select * from checked_first where id = 3",
    "set constraint_exclusion = on; select * from checked_last where id = 3",
    "with f as (select * from folded) select 1", "explain select * from folded", "copy folded to stdout",
    "select * from pg_authid", "select passwd from pg_shadow", "select rolpassword from pg_catalog.\"pg_authid\"",
    "table pg_user_mappings", "copy pg_authid to stdout", "select 1 from pg_user_mapping as x",
    "select * from information_schema.user_mapping_options", "select um from pg_user_mappings as um",
    "select umoptions from information_schema._pg_user_mappings", "table pg_hba_file_rules",
]  # fmt: skip

# at mutating
LOSING_UNSAID = [
    "do $$ begin for i in 1..9 loop delete from canary where id = i; end loop; end $$",
    "do $$ declare r record; begin for r in table canary loop delete from canary where id = r.id; end loop; end $$",
    "do $$ declare i int := 0; begin while i < 9 loop i := i + 1; delete from canary where id = i; end loop; end $$",
    "do $$ declare i int; begin foreach i in array array[1, 2] loop delete from canary where i = id; end loop; end $$",
    ("do $$ declare c cursor for select * from canary for update; begin for r in c loop delete from canary "
    "where current of c; end loop; end $$"),
    ("do $$ declare r record; begin for r in execute 'select * from canary' loop update canary set name = null "
    "where canary.id = r.id; end loop; end $$"),
    "do $$ begin for i in 1..9 loop execute 'delete from canary where id = $1' using i; end loop; end $$",
    ("do $$ begin loop begin if true then delete from canary where id in (1, 2) and id = any (array[0]) or id = id; "
    "end if; end; exit; end loop; end $$"),
    "insert into triggered values (1)", "insert into ruled values (1)", "insert into defaulted (id) values (1)",
    "insert into limited values (1)", "insert into indexed values (1)", "insert into over_triggered values (1)",
    "insert into parted values (1)", "copy triggered from stdin", "copy parted from stdin",
    "explain analyze insert into triggered values (1)",
    "with a as (insert into triggered values (1) returning 1) select * from a",
    "do $$ begin insert into triggered values (1); end $$", "prepare p as insert into triggered values (1)",
    "reindex table indexed", "refresh materialized view kept", "refresh materialized view counted with no data",
    "select n from emptying", "create table x as select * from emptying",
    "update triggered set id = 1 where id = 1; insert into triggered values (2)",
    "create index on other (empties_indexing(id))", "alter table other add column z int default empties_int()",
    "alter table other add check (empties_int() = id)", "create table x (id int default empties_int())",
    "merge into triggered using other on false when not matched then insert values (1)",
    "alter function empties_int() rename to counts; select counts()",
    "alter function trusted(text) rename to old_trusted",
     "alter table emptying rename to other", "alter procedure drops() rename to adds",
    "delete from canary where id > -1", "delete from canary where id >= 0 and id < 99999",
    "delete from canary where id <> 0", "delete from canary where id is not distinct from id",
    "delete from canary where id in (select id from canary)",
    "delete from canary where id = any (array(select id from canary))",
    "delete from canary where id = any (select id from canary)",
    "delete from canary using canary as c where c.id = canary.id", "delete from canary where id between -9 and 99999",
    "delete from canary where name like '%'", "delete from canary where name ~ ''",
    "delete from canary where id = id + 0", "delete from canary where coalesce(id, 0) = coalesce(id, 0)",
    "delete from canary where (id, name) = (id, name)", "delete from canary where ctid is not null",
    "delete from canary where id = (select max(c.id) from canary c where c.id = canary.id)",
    "delete from canary where id = 1 or id <> 1", "delete from canary where case when id = 1 then true else true end",
    "delete from canary where (id = 1) is not null", "delete from canary where id = 1 is not null",
    "delete from canary where not id = 100", "delete from canary where id * 0 = 0",
    "delete from canary where name || '' = name", "delete from canary where length(name) = 5",
    "delete from canary where id in (id)", "delete from canary where id = any (array[id])",
    "delete from canary where 1 in (id, 1)", "delete from canary where id = greatest(id, 1)",
    "delete from canary where tableoid = 'canary'::regclass", "delete from only canary",
    "update canary set name = null where id > 0",
    "update canary set name = '' from other right join canary c on true where c.id = canary.id",
    "insert into canary select id, 'x' from canary on conflict (id) do update set name = excluded.name",
    "merge into canary using canary as c on canary.id = c.id when matched then update set name = 'x'",
    "merge into canary using (select 1) as o on true when matched then update set name = null",
    "delete from pg_class where oid = 'canary'::regclass",
    "delete from pg_catalog.pg_attribute where attrelid = 'canary'::regclass",
    "update pg_settings set setting = 'off' where name = 'standard_conforming_strings'",
    "update pg_catalog.pg_class set relname = 'gone' where relname = 'canary'",
    "insert into pg_catalog.pg_am values (1)",
    "update over_settings set setting = 'replica' where name = 'session_replication_role'",
    "create view over_more as select * from pg_settings",
    "update pg_database set datallowconn = false where datname = 'postgres'",
    "do $$ declare a int[]; begin a[empties_int()] := 1; end $$",
    "do $$ declare a int; begin a = empties_int() -- := 1\n; end $$",
    "do $$ declare a int; begin a /* := 1 */ := empties_int(); end $$",
    "do $$ declare r canary; begin r.id := empties_int(); end $$",
    "do $$ declare c cursor for select empties_int(); begin open c; fetch c into strict c; end $$",
    "do $$ begin raise notice '%', empties_int(); end $$", "do $$ begin execute e'trunc\\x61te canary'; end $$",
    "do $$ begin execute 'select 1' using empties_int(); end $$",
    "do $$ begin for i in 1..empties_int() loop null; end loop; end $$",
    "do $$ begin null; exception when others then truncate canary; end $$",
    "do $$ begin execute $q$ truncate canary $q$; end $$",
    "do $$ declare t text := 'truncate canary'; begin execute t; end $$",
    "do $$ declare c refcursor; begin open c for execute 'truncate canary'; end $$",
    "do $$ begin case when empties_int() = 1 then null; else null; end case; end $$", "do 'begin truncate canary; end'",
    "do $$ begin update canary set name = null; end $$", "do $$ begin perform lo_unlink(1); end $$",
    "do language plperl $$ 1 $$", "select lo_put(1, 0, '')", "select lowrite(lo_open(1, 131072), '')",
    "select lo_truncate(0, 0)", "select lo_export(1, '/tmp/x')", "select json_scalar(empties_int()::text)",
    "select 1 from canary where empties_int() = 1", "select now() at time zone (empties_sql())::text",
    "select pg_catalog.pg_file_unlink('PG_VERSION')", "create extension dblink", "create extension file_fdw",
    "create server x foreign data wrapper file_fdw", "vacuum (analyze) indexed",
    "create rule r as on select to canary do instead select 1",
    "create event trigger e on ddl_command_start execute function empties()",
    "create or replace rule ruled as on update to canary do instead delete from canary",
    "drop materialized view counted", "drop foreign table runs", "drop table if exists none, canary",
    "drop type pair cascade", "drop domain checked cascade", "drop owned by current_user cascade",
    "drop trigger t on triggered", "drop rule r on ruled", "drop policy p on guarded", "drop cast (turned as text)",
    "drop routine adds", "alter table canary alter name set data type int using 0", "alter table canary drop name",
    "alter table canary set unlogged", "alter table parted detach partition part",
    "alter table canary set tablespace pg_default", "alter type pair drop attribute a cascade",
    "alter table canary alter id drop expression", "alter table canary disable trigger all",
    "alter table if exists canary drop column if exists name", "truncate only canary restart identity cascade",
    "explain analyze update canary set name = 'x'", "reassign owned by admin to admin",
    "create temp table canary2 as with d as (delete from canary returning *) select * from d",
    "copy (delete from canary returning id) to stdout",
    "copy (with d as (update canary set name = null returning 1) select * from d) to stdout",
    "prepare p as delete from canary where id > $1; execute p(0)", "select * from canary; drop table canary",
    "begin; truncate canary; commit", "begin\\; truncate canary\\; commit",
    "declare c cursor with hold for select empties_int()",
    "select set_config('session_replication_role', 'replica', false)", "set session_preload_libraries = 'x'",
    "set local standard_conforming_strings = off", "alter database postgres rename to gone",
    "alter database postgres set tablespace x", "drop tablespace x", "drop server files cascade", "drop user admin",
    "drop group admin", "drop publication p", "drop subscription s", "drop access method heap",
    "security label on table canary is 'x'", "alter role admin rename to gone",
]  # fmt: skip

PASSES_UNSAID = [
    "select m, s, tags from of_people order by m, s", "select 'well'::mood, 'a'::short, '{a}'::short[]",
    "select count(distinct m) from of_people", "select json_populate_record(null::of_people, '{\"s\": \"a\"}')",
    "select max(id) from canary group by name order by 1", "select * from counted",
    "select * from logged where note = 'a' order by at desc limit 5", "select to_json(p) from of_people p",
    "select relname from pg_class where relkind = 'r' order by relname limit 1",
    "select * from busy a join busy b using (id)", "select distinct note from busy", "select * from sound",
    "select id from sound where doubled(id) = 4", "select rolname, rolsuper from pg_roles", "\\des", "\\dew",
    "select 'pg_authid'::regclass",
]  # fmt: skip
