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
