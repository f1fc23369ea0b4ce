truncate table only canary restart identity cascade
truncate other, canary
delete from only canary
delete from canary using other
delete from canary where id > 0
delete from canary where id in (select id from canary)
delete from canary where id = any(array(select id from canary))
delete from canary where (id, name) = (id, name)
delete from canary where id = (select id)
delete from canary where ctid is not null
delete from canary where name like '%'
delete from canary where id = id + 0
delete from canary c where c.id = c.id
delete from canary where 1 in (1)
delete from canary where id = 1 or 1 = 1
delete from canary where not (id = -1)
delete from canary where case when true then true end
delete from canary where coalesce(true)
delete from canary where id between -1 and 100
delete from canary where current_user = 'admin'
delete from canary where row(1) = row(1)
delete from canary where id is distinct from null
update canary set id = -id
update canary set name = default
update canary set (name) = row('x')
update only canary set name = null
update canary set name = 'x' from other
update canary set name='x' where id >= 0
merge into canary c using (select 1) s on false when not matched by source then delete
merge into canary using other on canary.id = other.id when matched then update set name = 'x'
insert into canary select 1 on conflict (id) do update set name = 'x'
insert into canary select id, 'x' from canary on conflict (id) do update set name = excluded.name
with a as (truncate canary) select 1
drop table public.canary, other
drop schema if exists public cascade
drop materialized view if exists x
drop foreign table runs
drop type mood cascade
drop domain checked cascade
drop function trusted(text)
drop routine adds
drop procedure drops()
drop aggregate collects(text)
drop operator === (int,int)
drop cast (text as pair)
drop trigger t on canary
drop rule r on canary
drop policy p on guarded
drop publication p
drop subscription s
drop server files cascade
drop foreign data wrapper file_fdw cascade
drop user mapping for public server files
drop event trigger e
drop language plpgsql cascade
drop collation c
drop text search configuration c
drop tablespace t
drop user admin
drop group g
drop access method heap
drop transform for int language sql
drop owned by public cascade
alter table canary alter id type text
alter table canary alter column name type varchar(1)
alter table canary drop name
alter table only canary drop column id cascade
alter table canary detach partition x
alter table canary disable trigger all
alter table canary set tablespace pg_default
alter table canary set unlogged
alter table canary set schema pg_catalog
alter type pair drop attribute a
alter domain checked drop constraint x
alter foreign table runs options (set program 'rm')
alter server files options (set host 'x')
alter system set fsync = off
alter database postgres rename to gone
alter subscription s refresh publication
alter event trigger e disable
alter publication p drop table canary
alter extension pg_trgm drop function similarity(text,text)
create table canary2 as table runs
create table if not exists x as select empties()
create index on canary ((empties_int()))
create materialized view mv as select empties()
create or replace function trusted(t text) returns int language sql stable as 'delete from canary returning 1'
create or replace procedure p() language sql begin atomic delete from canary; end
create function x() returns void language plpgsql as 'begin execute $1; end'
create function x() returns void language plpgsql as $$ begin for i in execute 'truncate canary' loop end loop; end $$
create function x() returns void language plpgsql as $$ declare c refcursor; begin open c for execute 'x'; end $$
create function x() returns setof int language plpgsql as $$ begin return query execute 'delete from canary returning 1'; end $$
create event trigger e on ddl_command_start execute function on_insert()
create trigger t after update on canary execute procedure on_insert()
create rule r as on select to canary do instead delete from other
create rule r as on update to other do instead delete from canary
create policy p on canary using (empties() is null)
create domain d as int check (empties_int() = 1)
create cast (int as pair) with function to_pair(text)
create operator !!! (function = op, leftarg = int, rightarg=int)
create aggregate a(text) (sfunc = adding, stype = text)
create type t (input = a, output = b)
create extension dblink
create extension file_fdw
create server s2 foreign data wrapper file_fdw
create foreign table f2 (a text) server files options (program 'rm -rf x')
create foreign table f2 (a text) server files options (filename '/etc/passwd')
create subscription s connection 'host=x' publication p
create language plperlu
create user mapping for public server files options (password 'x')
create tablespace t location '/tmp'
create access method a type index handler h
copy canary from '/tmp/x'
copy canary from program 'x'
copy (delete from canary returning 1) to stdout
copy runs to stdout
do 'begin perform dblink_exec($$dbname=x$$, $$truncate canary$$); end'
do $$ declare r record; begin for r in select * from canary loop delete from canary where id = r.id; end loop; end $$
do $$ begin update canary set name = 'x'; end $$
do $$ begin perform set_config('session_replication_role','replica',true); end $$
do $$ begin copy canary from program 'x'; end $$
do $$ begin begin delete from canary; end; end $$
do $$ begin case 1 when 1 then truncate canary; end case; end $$
do $$ begin while true loop truncate canary; end loop; end $$
do $$ begin foreach i in array array[1] loop truncate canary; end loop; end $$
do $$ begin raise notice '%', empties(); end $$
do $$ begin assert empties() is null; end $$
do $$ begin if empties() is null then end if; end $$
do $$ declare a int default empties_int(); begin end $$
do $$ declare c cursor for delete from canary returning 1; begin open c; end $$
do $$ begin exception when others then truncate canary; end $$
do language plpython3u 'x'
select pg_file_unlink('x')
select pg_file_write('x','y',true)
select pg_truncate_visibility_map('canary')
select lo_put(1,0,'a')
select lo_truncate(lo_open(1,131072),0)
select lowrite(lo_open(1,131072),'a')
select lo_export(1,'/tmp/x')
select lo_import('/etc/passwd')
select pg_promote()
select pg_backup_start('x')
select pg_create_physical_replication_slot('x')
select pg_logical_slot_get_changes('x',null,null)
select pg_replication_slot_advance('x','0/0')
select pg_replication_origin_advance('x','0/0')
select pg_logical_emit_message(true,'a','b')
select pg_read_file('/etc/passwd')
select pg_ls_dir('/')
select heap_force_freeze('canary', array['(0,1)']::tid[])
select pg_import_system_collations('public')
select xpath_table('id','name','canary where empties() is null','/','true')
select set_config('session_replication_role','replica',false)
set session_replication_role to 'replica'
set local session_replication_role = replica
set row_security = off; set zero_damaged_pages = on
set ignore_checksum_failure = on
set allow_system_table_mods = on
set session_preload_libraries = 'x'
set local_preload_libraries = 'x'
set dynamic_library_path = '/tmp'
set default_text_search_config = 'x'
set fsync = off
delete from pg_class
update pg_database set datallowconn = false where datname = 'postgres'
delete from pg_proc where proname = 'x'
insert into pg_authid values (1)
update pg_catalog.pg_attribute set attname = 'x' where attname = 'y'
delete from pg_largeobject where loid = 1
update pg_settings set setting = 'off' where name = 'fsync'
commit prepared 'x'
rollback prepared 'x'
cluster canary using canary_pkey; truncate canary
lock canary; drop table canary
explain (analyze) truncate canary
explain analyze update canary set name = 'x'
with x as (update canary set name = 'x' returning 1) select 1
prepare p as update canary set name='x'
execute p; drop table canary
load '/tmp/x.so'
refresh materialized view missing; drop table canary
security label for x on table canary is 'x'
reassign owned by admin to public
import foreign schema public from server files into public
discard all; truncate canary
select dflt_e()
select dflt_p(1)
delete from canary where id = any (string_to_array('1,2,3', ',')::int[] || array_positions(array_fill(0, array[100]), 0))
create function del_many(ids int[]) returns void language plpgsql as $$ begin delete from canary where id = any (ids); end $$
create function del_many(ids int[]) returns void language sql as 'delete from canary where id = any ($1)'
create function del_many(ids int[]) returns void language sql as 'delete from canary where id = any (ids)'
select pg_terminate_backend(pid) from pg_stat_activity where pid = any (array_positions(array_fill(0, array[100000]), 0))
insert into acct (id) values (generate_series(1, 9)) on conflict (id) do update set tag = 'gone'
insert into acct (id, tag) values (unnest(array[1,2,3]), 'x') on conflict (id) do update set tag = excluded.tag
insert into acct (id) values ((jsonb_array_elements_text('[1,2]'))::int) on conflict (id) do update set tag = 'gone'
insert into acct (id) values (abs(generate_series(1, 9))) on conflict (id) do update set tag = 'gone'
with v as (select 1) insert into acct (id) values (generate_series(1,9)) on conflict (id) do update set tag = 'gone'
alter sequence seq cache 100000000
do $$ begin raise exception using message = empties_int(); end $$
do $$ begin raise notice using detail = empties_int()::text; end $$
do $$ begin assert false, empties_int()::text; end $$
do $$ begin loop exit when empties_int() = 1; end loop; end $$
do $$ begin for i in 1..2 loop continue when empties_int() = 1; end loop; end $$
do $$ begin for i in reverse empties_int()..1 loop null; end loop; end $$
do $$ begin for i in 1..9 by empties_int() loop null; end loop; end $$
do $$ declare c cursor (a int) for select a; begin open c(empties_int()); end $$
do $$ declare c cursor (a int) for select a; begin for r in c(empties_int()) loop null; end loop; end $$
do $$ declare c refcursor; r record; begin open c scroll for select 1; fetch relative empties_int() from c into r; end $$
do $$ declare c refcursor; begin open c for select 1; move forward empties_int() from c; end $$
do $$ declare c refcursor; begin open c for select empties_int(); fetch c into c; end $$
do $$ begin foreach x in array array[empties_int()] loop null; end loop; end $$
do $$ begin if false then null; elsif empties_int() = 1 then null; end if; end $$
do $$ begin while empties_int() = 2 loop null; end loop; end $$
do $$ begin case empties_int() when 1 then null; else null; end case; end $$
do $$ begin case 1 when empties_int() then null; else null; end case; end $$
do $$ declare a constant int := empties_int(); begin null; end $$
do $$ declare a int not null default empties_int(); begin null; end $$
do $$ declare a int[] := array[1]; begin a[1:empties_int()] := array[1]; end $$
do $$ declare a canary; begin a.id = empties_int(); end $$
do $$ declare a int; begin select empties_int() into strict a; end $$
do $$ declare a int; begin insert into other values (1) returning empties_int() into a; end $$
do $$ declare a int; begin get diagnostics a = row_count; perform empties_int(); end $$
do $$ begin return; perform empties_int(); end $$
do $$ begin begin raise exception 'x'; exception when sqlstate 'P0001' then perform empties_int(); end; end $$
do $$ <<a>> declare x int := 1; begin declare y int := empties_int(); begin null; end; end a $$
do $$ begin commit; truncate canary; end $$
do $$ begin rollback and chain; delete from canary; end $$
do $$ begin set local search_path = x; delete from canary; end $$
do $$ declare r record; begin for r in delete from canary returning * loop null; end loop; end $$
do $$ declare r record; begin for r in with d as (delete from canary returning *) select * from d loop null; end loop; end $$
do $$ declare c cursor for with d as (delete from canary returning *) select * from d; begin open c; end $$
do $$ begin create temp table x on commit drop as with d as (delete from canary returning *) select * from d; end $$
create function f() returns table (a int) language plpgsql as $$ begin return query delete from canary returning id; end $$
create function f() returns setof int language plpgsql as $$ begin return next empties_int(); return; end $$
create function f() returns int language plpgsql as $$ begin return empties_int(); end $$
create function f(out a int) language plpgsql as $$ begin a := empties_int(); end $$
create function f(a int default empties_int()) returns int language sql as 'select 1'
create function f() returns trigger language plpgsql as $$ begin execute tg_argv[0]; return null; end $$
create function f() returns event_trigger language plpgsql as $$ begin truncate canary; end $$
create procedure f() language plpgsql as $$ begin delete from canary; commit; end $$
create function f() returns void language sql begin atomic; delete from canary; end
create function f() returns int language sql return empties_int()
create function f() returns void language sql security definer as 'truncate canary'
create function f() returns void language sql as $$ select 1; truncate canary $$
create function f() returns void language sql as $$ with d as (delete from canary returning 1) select 1 from d $$
create function f() returns void language sql as E'trunc\x61te canary'
create function f() returns void language sql as U&'trunc\0061te canary'
create function f() returns int language internal as 'pg_terminate_backend'
create function f(int) returns bool strict language internal as 'pg_terminate_backend'
create function f(text) returns void language c as '$libdir/adminpack', 'pg_file_unlink'
create function f() returns void language plpgsql as $$ begin perform pg_file_unlink('x'); end $$
create function f() returns void as $$ truncate canary $$ language 'sql'
create function f() returns void as 'truncate canary' language "sql"
create function f() returns void language plpgsql as $$ begin alter table canary drop column name; end $$
create function f() returns void language plpgsql as $$ begin call drops(); end $$
create function f() returns void language plpgsql as $$ declare s text := 'x'; begin execute 'select 1' into s using empties_int(); end $$
delete from canary where id = 1 or (select true)
delete from canary where id = 1 or exists (select 1)
delete from canary where id = 1 or random() < 2
delete from canary where id = 1 or id in (2, id)
delete from canary where id = 1 or id = any (array[2, id])
delete from canary where (id = 1) = false
delete from canary where (id = 1) in (true, false)
delete from canary where (id = 1) is unknown or (id = 1) is not unknown
delete from canary where id = 1 is distinct from null
delete from canary where not (id = 1 and false)
delete from canary where id = coalesce(null, id)
delete from canary where id = nullif(id, -1)
delete from canary where id = case when true then id end
delete from canary where id = greatest(id)
delete from canary where id = (array[id])[1]
delete from canary where id = (row(id)).f1
delete from canary where id = ('{"a":1}'::jsonb ->> 'a')::int or true
delete from canary where id operator(pg_catalog.=) id
delete from canary where id = any (array[id, 1])
delete from canary where id = some (select id from canary)
delete from canary where id = all (array[]::int[])
delete from canary where id = any (select generate_series(1, 9))
delete from canary where id in (values (1), (2), (3))
delete from canary where id in (select 1)
delete from canary where array[id] = array[id]
delete from canary where array[id] <@ array[1,2,3,4,5,6,7,8,9]
delete from canary where id <@ int4range(1, 10)
delete from canary where int4range(1,10) @> id
delete from canary where id::text = any (regexp_split_to_array('1 2 3', ' '))
delete from canary where jsonb_exists('{"1":1}', id::text)
delete from canary where id & 0 = 0
delete from canary where id % 1 = 0
delete from canary where sign(id) = 1
delete from canary where canary = canary
delete from canary where canary is not null
delete from canary where canary.* = canary.*
delete from canary where (canary).id = (canary).id
delete from canary where row(id, name) = row(id, name)
delete from canary where xmin = xmin and id = id
delete from canary where cmin = 0
delete from canary where oid = 1 or tableoid > 0
delete from canary using (values (1)) v(x) where true
delete from canary using generate_series(1, 9) g where canary.id = g
delete from canary using generate_series(1, 9) as id(id) where canary.id = id
delete from canary c using canary d where c.id = 1 or d.id = 1
delete from canary where current_date = current_date and id is not null
delete from canary where id = $1 or $2
update canary set name = (select 'x') where id >= 1
update canary set (name) = (select '') where id is not null
update canary set name = o.name from (select null::text as name) o
update canary c set name = '' from acct a where c.id = a.id
update canary set name = '' where id = any (select owner from acct)
update only canary set name = ''
update public.canary set name = '' where public.canary.id = public.canary.id
with a as (select 1), b as (delete from canary returning id) insert into other select id from b
with x as (update canary set name = '' returning *) insert into other select id from x
insert into other with d as (delete from canary returning id) select id from d
create table gone as with d as (delete from canary returning id) select id from d
create materialized view gone as select empties_int()
select * into gone from (select empties_int()) x
prepare z as delete from canary where id > $1; execute z(0)
prepare z (int) as delete from canary where id = $1; execute z((select 1))
execute z(empties_int())
explain (analyze, wal) delete from canary
declare z cursor with hold for select empties_int() from canary
begin; declare z cursor for select * from canary for update; fetch z; delete from canary where current of z
lock pg_class
lock table pg_catalog.pg_statistic in access exclusive mode
vacuum full pg_catalog.pg_largeobject
cluster pg_class
reindex (concurrently) system postgres
reindex system postgres
vacuum (full, analyze)
create rule r as on delete to canary do instead nothing
create view canary_v as select * from canary; delete from canary_v
create event trigger x on ddl_command_end execute function ev()
create trigger x after delete on canary execute function empties_trigger()
create constraint trigger x after insert on other deferrable initially deferred for each row execute function empties_trigger()
create or replace trigger t after insert on triggered execute function audit()
create table canary (like acct)
alter table canary alter name set not null, drop column name
alter table canary alter column id set default 1
alter table canary set schema s2
alter table canary set without oids
alter table canary set access method heap
alter table canary reset (autovacuum_enabled)
alter table all in tablespace pg_default set tablespace pg_default
alter index canary_pkey set tablespace pg_default
alter index all in tablespace pg_default set tablespace pg_default
alter index canary_pkey no depends on extension cube
alter view fine alter name set default 'x'
alter view fine set (security_invoker = true)
alter materialized view totals set schema s2
alter foreign table runs add column z int
alter domain short add check (false)
alter domain short set not null
alter domain short rename to shorter
alter type pair alter attribute a type text cascade
alter type pair rename attribute a to z cascade
alter type mood rename to moods
alter type mood set schema s2
alter function del_one(int) rename to del_two
alter function del_one(int) set search_path = x
alter function del_one(int) immutable leakproof
alter procedure del_p(int) set schema s2
alter routine del_one owner to app
alter operator === (int, int) owner to app
alter operator class of_sorted using btree rename to x
alter aggregate collects(text) rename to x
alter collation "C" rename to d
alter conversion x rename to y
alter text search configuration english drop mapping for word
alter text search configuration english alter mapping replace english_stem with simple
alter language plpgsql owner to app
alter statistics folding set statistics 0
alter statistics folding owner to app
alter publication p set table canary
alter server files version 'x'
alter user mapping for public server files options (add password 'x')
alter foreign data wrapper file_fdw options (add x 'y')
alter extension cube add function del_one(int)
alter policy ap on acct rename to bp
alter rule r on ruled rename to q
alter trigger audits on acct rename to b
alter group app add user other_role
alter user app set search_path to evil
alter role app with encrypted password 'SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$c3RvcmVkc3RvcmVk:c2VydmVyc2VydmVy'
alter role all set statement_timeout = '10ms'
alter role app rename to gone
alter role session_user nologin
alter database postgres is_template = true
alter database postgres allow_connections false
alter database postgres with connection limit = 0
alter database postgres set tablespace pg_default
alter database template1 rename to t2
alter database postgres set search_path = pg_temp
alter database postgres set default_transaction_isolation = 'serializable'
alter database postgres set log_min_messages = panic
alter tablespace pg_default set (random_page_cost = 1000)
alter tablespace pg_default rename to x
alter system set shared_buffers = '1TB'
alter default privileges in schema public revoke all on tables from app
alter large object 4242 owner to other_role
grant app to other_role with inherit false
grant all privileges on schema public to public
grant select (id) on canary to public
grant update on all sequences in schema public to public
grant execute on function del_one(int) to public
grant pg_signal_backend, pg_monitor to app
grant pg_checkpoint to app
grant set on parameter work_mem to public
grant alter system on parameter fsync to app
grant all on language plpgsql to app
grant select on large object 4242 to public
revoke all privileges on schema public from app
revoke usage on type mood from public
revoke execute on procedure del_p from public
revoke all on parameter work_mem from app
revoke inherit option for boss from app
drop table other, canary
drop table if exists public.canary restrict
drop view if exists plain, fine cascade
drop materialized view totals restrict
drop sequence seq cascade
drop function if exists del_one
drop procedure del_p(int) cascade
drop aggregate collects(text) cascade
drop operator family f using btree
drop operator class of_sorted using btree cascade
drop text search dictionary english_stem cascade
drop conversion if exists x
drop transform if exists for int language sql
drop owned by app, other_role
drop role if exists app, other_role
drop user if exists app
drop user mapping if exists for public server files
drop database if exists template1 with (force)
drop database postgres with (force)
drop tablespace pg_default
drop subscription if exists s
drop statistics folding; truncate other
drop extension if exists cube, earthdistance cascade
drop language plpgsql
drop domain short cascade
drop type mood, pair cascade
drop schema s2 cascade
drop trigger if exists audits on acct
drop rule if exists r on ruled cascade
drop policy if exists ap on acct
drop event trigger if exists e
drop foreign table if exists runs cascade
drop server if exists files cascade
drop access method if exists heap
drop collation if exists "C"
truncate table canary, other continue identity
truncate only (canary)
truncate public."canary"
comment on table canary is null; truncate canary
import foreign schema "public" except (a) from server files into s2
create subscription s connection 'host=x' publication p with (connect = false)
create publication everything for all tables with (publish = 'truncate')
create role r superuser
create role r in role pg_read_server_files
create role r role app admin other_role
create user r sysid 1 password 'clear'
create tablespace t owner app location '/tmp'
create database d tablespace pg_default template postgres; drop database postgres
create cast (pair as text) with inout as implicit
create operator = (function = op, leftarg = canary, rightarg = canary)
create language plpythonu
create access method m type table handler heap_tableam_handler
create type broken; truncate canary
create type fr as range (subtype = int, subtype_diff = op)
create collation pg_catalog.c from "C"
create function pg_catalog.f() returns int language sql as 'select 1'
create schema other_role
create temp view pg_stat_activity as select 1 as pid; select pg_terminate_backend(pid) from pg_stat_activity where pid = pid
set session_authorization = app; truncate canary
set role pg_execute_server_program; copy canary to program 'x'
set default_tablespace = 'nope'; truncate canary
set constraints all deferred; delete from canary
reset session authorization; drop table canary
select set_config('fsync', 'off', false)
load 'x'; select 1
notify x; truncate canary
checkpoint; drop table canary
select lo_unlink(l.oid) from pg_largeobject_metadata l
select lo_put(4242, 0, 'x')
select lo_from_bytea(4242, 'x'), lo_unlink(4242)
select lo_truncate64(lo_open(4242, 131072), 0)
select pg_catalog.lowrite(lo_open(4242, 131072), 'gone')
select lo_import('/etc/passwd', 4242)
select pg_file_write('x', 'y', true)
select pg_drop_replication_slot(slot_name) from pg_replication_slots
select pg_replication_slot_advance('x', pg_current_wal_lsn())
select pg_logical_slot_get_changes('x', null, null)
select pg_replication_origin_drop('x')
select pg_promote(false, 1)
select pg_backup_start('x', true)
select pg_stat_reset_shared('wal')
select pg_stat_reset_single_table_counters('canary'::regclass)
select heap_force_kill('canary'::regclass, array['(0,1)']::tid[])
select dblink('dbname=postgres', 'truncate canary')
select * from dblink('dbname=postgres', 'delete from canary returning 1') as t(a int)
select dblink_send_query('c', 'truncate canary')
select query_to_xml('delete from canary returning 1', true, true, '')
select * from crosstab('delete from canary returning 1,2,3') as t(a int, b int)
select xpath_table('id', 'name', 'canary where empties_int() = 1', '/a', '1=1')
select ts_stat('select empties_int()::text::tsvector')
select cursor_to_xml('x', 1, true, true, ''), empties_int()
select setval('seq', max(id)) from canary
select setval(pg_get_serial_sequence('acct', 'gen'), 1)
select nextval('seq'), nextval('seq') from canary
select del_one(id) from canary limit 1
select max(del_one(id)) from canary
select del_one(x) from (values (1), (2)) v(x)
select twice(g) from generate_series(1, 9) g
select (select del_one(c.id)) from canary c
select del_one(id) from canary where id in (1, 2)
select 1 from canary where del_one(id) = 1
select * from canary order by del_one(id)
select count(*) filter (where del_one(id) = 1) from canary
select * from canary c, lateral (select del_one(c.id)) l
select * from canary c join acct a on del_one(c.id) = 1
with recursive r(n) as (values (1) union all select del_one(n + 1) from r where n < 9) select * from r
insert into other select del_one(id) from canary
update other set id = del_one(id)
call del_p(1); call del_p((select max(id) from canary))
security label on role app is null
reassign owned by app to other_role
discard sequences; truncate canary
alter table acct disable rule r
alter table acct enable rule r
alter table acct of pair
alter table acct not of
alter table acct alter tag set data type varchar(1) using ''
alter table acct alter tag set storage plain, drop tag
alter table acct drop constraint if exists acct_n_check restrict
alter table acct alter gen drop identity if exists
alter table parted detach partition part concurrently
alter table parted detach partition part finalize
alter table if exists part no inherit parted
create table if not exists newt (x int default empties_int()); insert into newt default values
create table newt (x int check (empties_checking(x))); insert into newt values (1)
create table newt (x int generated always as (empties_indexing(1)) stored); insert into newt default values
create index on canary (empties_indexing(id))
create unique index on canary ((empties_int()))
create index on other (id) where empties_checking(id)
create statistics st on (empties_indexing(id)), id from canary
copy (select empties_int()) to stdout
copy (select del_one(id) from canary) to stdout
copy canary from program 'x' where empties_int() = 1
copy other from stdin where empties_checking(id)
copy triggered (id) from stdin csv header
