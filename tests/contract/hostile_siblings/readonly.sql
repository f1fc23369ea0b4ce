select pg_catalog.pg_terminate_backend(pid) from pg_stat_activity
select * from pg_terminate_backend(1)
select count(pg_cancel_backend(pid)) from pg_stat_activity
select "pg_terminate_backend"(1)
select U&"pg\005fcancel_backend"(1)
select (select pg_rotate_logfile())
select pg_promote()
select pg_wal_replay_pause()
select pg_start_backup('a')
select pg_backup_start('a')
select pg_backup_stop()
select pg_create_physical_replication_slot('x')
select pg_create_logical_replication_slot('x','test_decoding')
select pg_drop_replication_slot('x')
select * from pg_logical_slot_get_changes('x',null,null)
select * from pg_logical_slot_peek_changes('x',null,null)
select pg_replication_slot_advance('x','0/0')
select pg_replication_origin_create('x')
select pg_replication_origin_drop('x')
select pg_copy_physical_replication_slot('a','b')
select lo_put(1,0,'a')
select lo_export(1,'/tmp/x')
select lowrite(1,'a')
select lo_truncate(1,0)
select lo_create(0)
select lo_creat(-1)
select lo_get(1)
select pg_file_write('x','y',false)
select pg_file_unlink('x')
select pg_file_rename('a','b')
select pg_file_sync('a')
select pg_logdir_ls()
select pg_read_file('/etc/passwd', 0, 10)
select pg_read_file('/etc/passwd', 0, 10, true)
select convert_from(pg_read_binary_file('/etc/passwd'),'utf8')
select * from pg_ls_dir('.', true, true)
select * from pg_read_file('postgresql.auto.conf')
select pg_advisory_lock(1,2)
select pg_try_advisory_lock(1)
select pg_advisory_xact_lock_shared(1)
select pg_try_advisory_xact_lock(1)
select pg_advisory_unlock_all()
select set_config('work_mem','1GB',false) , set_config('session_replication_role','replica',false)
select set_config(n, v, true) from (values ('transaction_read_only','off')) t(n,v)
select set_config('default_transaction_' || 'read_only', 'off', false)
set local transaction_read_only to off
set transaction_read_only = false
set "transaction_read_only" = 'off'
set session "default_transaction_read_only" to default
reset transaction_read_only
reset session authorization
set session authorization default
set local role none
begin isolation level read committed read write
begin; set local transaction_read_only=0; commit
begin; savepoint a; set transaction read write; rollback to a
abort; begin read write
rollback prepared 'x'
commit prepared 'x'
select dblink_connect('dbname=postgres')
select dblink_connect_u('dbname=postgres')
select dblink_send_query('c','drop table canary')
select dblink_open('c','select 1')
select * from dblink_get_result('c') as t(a int)
select dblink_get_connections()
select dblink_cancel_query('c')
select postgres_fdw_disconnect_all()
select postgres_fdw_get_connections()
copy canary to program $$cat$$
copy (select 1) to '/tmp/y'
copy (select 1) to program 'sh'
copy binary canary from '/tmp/x'
copy canary (id) from program 'id' with (format csv)
copy canary from stdin with (freeze)
select pg_prewarm('canary')
select pg_prewarm('canary','buffer')
select autoprewarm_start_worker()
select autoprewarm_dump_now()
select pg_truncate_visibility_map('canary')
select bt_index_check('canary_pkey')
select bt_index_parent_check('canary_pkey', true, true)
select * from verify_heapam('canary')
select get_raw_page('pg_authid', 0)
select * from heap_page_items(get_raw_page('pg_authid',0))
select tuple_data_split('pg_authid'::regclass, t_data, t_infomask, t_infomask2, t_bits) from heap_page_items(get_raw_page('pg_authid',0))
select * from pg_get_wal_records_info('0/0','0/1')
select encode(get_raw_page('pg_user_mapping','main',0),'escape')
select lo_manage()
select xpath_table('a','b','canary','c','true')
select xslt_process('<a/>','<b/>')
select xpath_nodeset('a','b')
select * from xpath_table('id','name','canary; delete from canary','/','true') as t(a int)
select gin_clean_pending_list('canary')
select brin_summarize_new_values('canary')
select brin_desummarize_range('canary',0)
select pg_import_system_collations('public')
select pg_nextoid('pg_class','oid','pg_class_oid_index')
select binary_upgrade_set_next_pg_type_oid(1)
select pg_stop_making_pinned_objects()
select pg_extension_config_dump('canary','')
select pg_stat_reset_shared('bgwriter')
select pg_stat_reset_single_table_counters(1)
select pg_stat_reset_slru(null)
select pg_stat_reset_replication_slot('x')
select pg_stat_reset_subscription_stats(1)
select pg_log_backend_memory_contexts(1)
select pg_switch_wal()
select pg_walfile_name(pg_switch_wal())
select pg_wal_replay_resume()
select pg_sync_replication_slots()
select pg_clear_relation_stats('public','canary')
select pg_restore_relation_stats('relation','canary')
select currval('seq')
select lastval()
select nextval('seq'::regclass)
select * from nextval('seq')
select generate_series(1, nextval('seq'))
select * from canary for share
select * from canary for no key update skip locked
select * from canary for key share
table canary for update
lock canary
notify a, 'b'
listen "A"
discard temp
discard plans
discard sequences
declare c insensitive cursor with hold for select says_volatile()
do language plpgsql 'begin end'
do $a$ begin end $a$ language sql
call pg_catalog.pg_notify('a','b')
create temporary view v as select 1
create unlogged table u()
create table if not exists canary as select 1
create materialized view mm as select 1
create schema s
create role r
create user u
create database d
create tablespace t location '/tmp'
create subscription s connection '' publication p
create publication p for all tables
create server s foreign data wrapper f
create user mapping for public server files
create extension if not exists lo
create event trigger e on ddl_command_start execute function on_insert()
create language l
create cast (int as text) with inout
create statistics st on id, name from canary
alter role admin superuser
alter database postgres set work_mem='1'
alter system reset all
alter table canary set unlogged
alter default privileges grant all on tables to public
alter user mapping for public server files options (set a 'b')
alter subscription s disable
alter extension lo update
reassign owned by admin to admin
grant pg_execute_server_program to public
revoke all on canary from public
drop owned by current_user
truncate only canary
import foreign schema a from server b into c
reindex (concurrently) table canary
vacuum (full) canary
analyze verbose canary
cluster
load '$libdir/auto_explain'
explain (analyze) insert into canary values (1)
explain analyze create table x as select 1
explain (analyze true) declare c cursor for select says_volatile()
prepare p as insert into canary values (1)
with a as (insert into canary values (1) returning 1) table a
select * from (delete from canary returning 1) x
select json_object_agg(says_volatile(), 1)
select xmlelement(name a, says_volatile())
select * from rows from (says_volatile(), generate_series(1,2))
select 1 group by says_volatile()
select 1 having says_volatile()=1
select distinct on (says_volatile()) 1
select 1 offset says_volatile()
select 1 fetch first (says_volatile()) rows only
select * from canary tablesample bernoulli(says_volatile())
select * from canary tablesample system (1) repeatable (says_volatile())
select 1 from canary window w as (order by says_volatile())
select array[says_volatile()]
select row(says_volatile())
select (array[1])[says_volatile()]
select case says_volatile() when 1 then 1 end
select nullif(1, says_volatile())
select greatest(1, says_volatile())
select says_volatile() is null
select 1 in (select says_volatile())
select 1 = any(array[says_volatile()])
select 1 between says_volatile() and 2
select says_volatile()::text collate "C"
select exists(select says_volatile())
select least(variadic array[says_volatile()])
select public . says_volatile ( )
select ((says_volatile()))
with a as materialized (select says_volatile()) select 1 from a
with recursive a(n) as (select 1 union select says_volatile() from a) select 1 from a
select * from canary join other on says_volatile()=1
select overlay('a' placing 'b' from says_volatile())
select extract(year from now() + says_volatile() * interval '1 day')
select substring('a' from says_volatile())
select position('a' in says_volatile()::text)
select trim(says_volatile()::text)
select says_volatile() at time zone 'utc'
select cast(says_volatile() as text)
values (1), (says_volatile())
select t.c from lateral (select says_volatile() c) t
table only acting
select name from fine union all select says_volatile()::text
select rolpassword from pg_catalog.pg_authid
select stavalues1 from pg_statistic where starelid = 'pg_authid'::regclass
select pg_get_userbyid(1), (select passwd from pg_shadow limit 1)
select dflt()
select * from tabler()
select setter()
select vari('a','b')
select vari(variadic array['a'])
call sneaky(1)
select ts_cfg()
select to_tsvector(ts_cfg(), 'a')
select frange(1,2)
select int4_avg_accum(null, says_volatile())
select pg_catalog.pg_replication_slot_advance('a'::name, '0/0'::pg_lsn)
select pg_replication_origin_session_setup('x')
select pg_replication_origin_xact_reset()
select pg_replication_origin_xact_setup('0/0', now())
select pg_replication_origin_session_reset()
select pg_replication_origin_progress('x', true)
select pg_logical_slot_get_binary_changes('a', null, null)
select pg_logical_slot_peek_binary_changes('a', null, null)
select pg_stat_reset_single_function_counters('notifies'::regproc)
select pg_stat_get_backend_activity(1), pg_stat_reset_subscription_stats(null)
select pg_create_logical_replication_slot('x', 'pgoutput', true)
select pg_copy_logical_replication_slot('a', 'b')
select pg_terminate_backend(pid, 1) from pg_stat_activity limit 1
select pg_start_backup('x', true, false)
select pg_backup_stop(false)
select pg_stop_backup()
select pg_log_standby_snapshot()
select pg_get_wal_record_info('0/1')
select * from pg_get_wal_stats('0/1', '0/2')
select pg_advisory_unlock(1)
select pg_try_advisory_xact_lock_shared(1)
begin; lock canary in access exclusive mode nowait; rollback
lock only canary
lock table canary * in exclusive mode
lock table fine in share mode
begin; lock table canary in row exclusive mode
begin; lock table pg_class in access share mode
lock pg_catalog.pg_proc in access share mode
select 1 from canary for update of canary
select 1 from canary, other for no key update of canary nowait
select * from (select * from canary for share) s
with c as (select * from canary for update) select count(*) from c
declare c cursor for select * from canary for update
begin; declare c no scroll cursor for select * from canary for share of canary
select * from fine for update
copy (select * from canary for update) to stdout
explain analyze select * from canary for update
explain (analyze, format json) update canary set name = 'x' where id = 1
explain (analyze off, analyze on) delete from canary
explain (analyze) with x as (insert into other values (1) returning 1) select 1
explain (analyze) merge into other using canary c on false when not matched then insert values (c.id)
explain (analyze) select says_volatile()
explain select says_volatile()
explain analyze create materialized view mvx as select 1
explain (generic_plan) delete from canary where id = $1
prepare a as select says_volatile(); execute a
prepare b (int) as update canary set name = 'x' where id = $1; execute b(1)
prepare c as values (says_volatile())
discard temporary
reset all; set transaction read write
set session session characteristics as transaction read write
set transaction_read_only to no
set transaction_read_only = '0'
set transaction_read_only to 'f'
set local default_transaction_read_only to 'false'
set "Transaction_Read_Only" to off
set "TRANSACTION_READ_ONLY" = off
reset default_transaction_read_only; reset transaction_read_only
begin transaction isolation level repeatable read read write deferrable
start transaction read only; commit; start transaction read write
begin; commit and chain; set transaction read write
begin read only; savepoint s; set transaction read write
begin; rollback and chain; lock canary
set session authorization 'app'
set role app
set role none
set local role to 'admin'
select set_config('role', 'app', true)
select set_config('session_authorization', 'app', false)
select set_config('Transaction_Read_Only', 'off', false)
select set_config(U&'transaction\005fread_only', 'off', false)
select set_config(E'transaction_read\x5fonly', 'off', false)
select set_config($$transaction_read_only$$, 'off', false)
select set_config(concat('transaction', '_read_only'), 'off', true)
select (select set_config('transaction_read_only','off',true))
select set_config(name, setting, false) from pg_settings
select pg_catalog."set_config"('transaction_read_only', 'no', true)
select set_config('log_statement', 'none', false)
set log_min_messages = 'panic'
set log_min_error_statement = panic
set log_duration = off
set track_activities = off
set application_name to default; set track_counts = off
set statement_timeout = 0; set track_activities to 'off'
set ssl_renegotiation_limit = 0
set temp_file_limit = '-1'
set vacuum_cost_delay = 100
set geqo_threshold = 100000
set from_collapse_limit = 2147483647
set join_collapse_limit = 1000
set max_parallel_workers = 1024
set effective_io_concurrency = 1000
set backend_flush_after = 256
set plan_cache_mode = force_generic_plan
set default_text_search_config = 'x'
set array_nulls = off
set backslash_quote = on
set exit_on_error = on
set deadlock_timeout = '1ms'
set log_lock_waits = off
set wal_compression = off
set commit_siblings = 0
set gin_pending_list_limit = '64MB'
set vacuum_freeze_min_age = 0
set password_encryption = md5
set createrole_self_grant = 'set'
set icu_validation_level = disabled
set extension_control_path = '/tmp'
set wal_skip_threshold = 0
set debug_print_parse = on
set debug_discard_caches = 1
set plpgsql.extra_errors = 'all'
set dblink.x = 'y'
set pg_stat_statements.track = 'none'
set auto_explain.log_min_duration = 0
set trace_sort = on
set seed = 0.5
set names 'latin1'
set names default; set client_encoding to 'win1252'
set xml option document; set xmloption to document; lock canary
set transaction snapshot '00000003-0000001B-1'; lock canary
select pg_catalog.lo_creat(131072)
select lo_lseek64(0, 0, 0), lo_tell64(0)
select lo_get(4242, 0, 10)
select lo_truncate64(0, 1)
select loread(lo_open(4242, 262144), 10)
select be_lo_unlink(1)
select public.lo_manage()
select * from pg_largeobject_metadata where lo_unlink(oid) = 1
select count(lo_create(0)) from generate_series(1, 100)
select pg_file_sync('pg_hba.conf')
select pg_file_rename('a', 'b', 'c')
select * from pg_ls_tmpdir(says_volatile()::oid)
select pg_import_system_collations('pg_catalog'::regnamespace)
select pg_notification_queue_usage() + length(pg_notify('x','y')::text)
select xmlagg(says_volatile()::text::xml)
select xmlforest(says_volatile() as a)
select xmlparse(content says_volatile()::text)
select xmlserialize(content xmlelement(name x, xmlattributes(says_volatile() as y)) as text)
select xmltable.* from xmltable('/a' passing (select says_volatile()::text::xml) columns x text)
select xml_is_well_formed(says_volatile()::text)
select xpath('/a', xmlelement(name a, notifies()))
select xpath_string('<a/>', notifies()::text)
select xslt_process('<a/>', '<b/>', 'c=d')
select * from xpath_table('id', 'name', 'canary; delete from canary', '/a', '1=1') as t(a int)
select json_object_agg(says_volatile(), 1 order by 1)
select jsonb_path_query('{}', '$', jsonb_build_object('x', says_volatile()))
select to_jsonb(t) from (select says_volatile()) t
select j['a'] from (select jsonb_build_object('a', says_volatile()) j) s
select ('{}'::jsonb)[says_volatile()::text]
select jsonb_set('{}', array[says_volatile()::text], '1')
select 'a' similar to says_volatile()::text
select 'a' like 'b' escape says_volatile()::text
select 'x' collate "C" < says_volatile()::text
select normalize(says_volatile()::text, nfc)
select '1'::int + any_value(says_volatile())
select says_volatile() over ()
select sum(says_volatile()) over w from canary window w as (partition by id)
select row_number() over (partition by says_volatile())
select mode() within group (order by says_volatile()) from canary
select percentile_cont(says_volatile()) within group (order by id) from canary
select grouping(id) from canary group by cube(id, says_volatile())
select * from canary order by id using operator(public.===)
select (array[1,2])[1:says_volatile()]
select 1 = all (select says_volatile())
select row(1,2) = row(says_volatile(), 2)
select exists (table acting)
with recursive t(n) as (values (1) union all select n + says_volatile() from t) search depth first by n set o select * from t
with recursive t(n) as (values (1) union all select n+1 from t where n < says_volatile()) cycle n set c using p select * from t
select * from canary c left join lateral says_volatile() v on true
select * from rows from (generate_series(1,3), says_volatile()) with ordinality
select * from canary tablesample system_rows(says_volatile())
select * from canary tablesample system_time(says_volatile())
table canary; ; table acting
select 1 into temp y from canary
select 1 into table pg_temp.y
select * into logged_out from canary
create table if not exists y as execute nope
create temp table y as values (says_volatile())
create view pg_temp.v as select 1
create function pg_temp.f() returns int language sql as 'select 1'
create type t as enum ()
create collation if not exists c from "C"
create text search configuration c (copy = english)
create text search dictionary d (template = simple)
create operator family f using btree
create publication p for tables in schema public
create foreign data wrapper w
create rule r as on select to other do instead select 1
create aggregate ag(int) (sfunc = int4pl, stype = int)
create conversion c for 'utf8' to 'latin1' from utf8_to_iso8859_1
create transform for int language sql (from sql with function f(internal))
create schema authorization current_user
create index concurrently on canary (name)
create unique index if not exists u on canary (id)
create statistics on id, name from canary
create policy p on canary using (true)
create trigger t before insert on canary execute function on_insert()
alter table canary add column z int
alter table canary validate constraint x
alter index canary_pkey set (fillfactor = 50)
alter view fine set schema public
alter materialized view totals cluster on x
alter function notifies() volatile
alter type mood add value 'x'
alter publication p add table canary
alter subscription s connection 'x'
alter text search dictionary english_stem (stopwords = x)
alter system set work_mem = '1GB'
alter database postgres refresh collation version
alter collation "C" refresh version
alter default privileges grant select on tables to public
comment on database postgres is 'x'
security label for selinux on table canary is 'x'
grant app to admin
reassign owned by app to admin
drop table if exists nothing_there
drop function if exists nothing_there()
drop schema if exists nothing_there
truncate other
vacuum (freeze) canary
vacuum (analyze, only_database_stats)
analyze (skip_locked) canary
cluster verbose canary
reindex (verbose) index canary_pkey
refresh materialized view concurrently totals
import foreign schema public limit to (a) from server files into public
notify "x", $$y$$
listen "x"; unlisten "x"
copy canary (id) from stdin with (freeze, format csv)
copy canary to '/dev/null'
copy (select 1) to '/tmp/x' with csv
copy (values (1)) to program 'cat >/tmp/x' csv
copy (delete from canary returning *) to stdout
copy canary from program 'cat'
do 'begin null; end'
do language 'plpgsql' ''
call pg_catalog.nothing()
call public.drops()
execute nope(says_volatile())
fetch all from nope; delete from canary
move forward all in nope; insert into other values (1)
close all; delete from other
delete from only canary where false
update canary set (id, name) = (select 1, 'x') where false
insert into other default values
insert into other table other
insert into other values (1) on conflict do nothing
merge into other using canary on false when not matched then do nothing
select pg_sleep(100), says_volatile()
select dblink_connect('a', 'dbname=postgres')
select * from dblink_fetch('c', 1) as t(a int)
select dblink_is_busy('c'), dblink_exec('drop table canary')
select dblink_build_sql_delete('canary', '1', 1, '{1}')
select postgres_fdw_disconnect('files')
select * from pgrowlocks('canary')
select pg_visibility('canary')
select pg_check_frozen('canary')
select bt_index_check('canary_pkey'::regclass, true)
select * from page_header(get_raw_page('canary', 0))
select * from bt_page_items('canary_pkey', 1)
select pg_prewarm('canary', 'read')
select pg_old_snapshot_time_mapping()
select heap_force_freeze('canary', '{"(0,1)"}')
select tcn()
select triggered_change_notification()
select autoinc(), moddatetime()
select check_primary_key()
select insert_username()
select set_limit(0.1), dblink_disconnect()
select rolpassword is null from pg_authid
select (a).passwd from pg_shadow a
select a from pg_shadow a
select to_json(a) from pg_authid a
select row(a.*) from pg_authid as a
select count(*) filter (where rolpassword like 'S%') from pg_catalog.pg_authid
select useconfig, passwd from pg_catalog.pg_shadow
select * from pg_user_mapping
select srvoptions from pg_user_mappings natural join pg_foreign_server
select pg_stat_statements_reset(0,0,0)
select * from pg_show_all_file_settings()
select * from pg_hba_file_rules()
select convert_from(lo_get(lo_import('/etc/passwd')), 'utf8')
select pg_stat_file('base', true)
select pg_ls_dir('pg_wal', false, false)
select * from pg_ls_logicalsnapdir(), lateral pg_read_file(name)
select current_setting('data_directory') || pg_read_file('PG_VERSION')
select cursor_to_xmlschema('c', true, true, '')
select table_to_xml_and_xmlschema('acting', true, true, '')
select query_to_xmlschema('select says_volatile()', true, true, '')
select query_to_xml_and_xmlschema('delete from canary returning 1', true, true, '')
select schema_to_xmlschema('public', true, true, '')
select ts_stat('select says_volatile()::text::tsvector', 'a')
select ts_rewrite('a'::tsquery, 'select says_volatile()::text::tsquery, ''b''::tsquery')
select crosstab('select 1,2,3', 'delete from canary returning 1')
select connectby('canary', 'id', 'name', '1', 0)
select crosstab_hash('a', 'b')
select * from crosstab4('delete from canary returning 1,2,3')
select plpgsql_call_handler()
select plpgsql_inline_handler(null)
select plpgsql_validator('notifies'::regproc)
select RI_FKey_cascade_del()
select suppress_redundant_updates_trigger()
select unique_key_recheck()
select pg_event_trigger_ddl_commands(), says_volatile()
select currtid2('canary', '(0,1)'), nextval('seq')
select pg_nextoid('pg_class', 'oid', 'x')
select binary_upgrade_set_next_heap_relfilenode(1)
select binary_upgrade_create_empty_extension('x','y',false,'1',null,null,null)
select pg_extension_config_dump('x', '')
select pg_get_multixact_members('1'), pg_reload_conf()
select enum_first(null::mood), setval('seq', 1)
select satisfies_hash_partition(0,1,1), nextval('seq')
select pg_relation_size('canary') + nextval('seq')
select brin_summarize_range('x', 1)
select brin_desummarize_range('x', 1)
select set_config('search_path', 'pg_temp', false), nextval('seq')
select pg_tablespace_location(1), pg_rotate_logfile()
select pg_rotate_logfile_old()
select txid_status(txid_current())
select pg_xact_status(pg_current_xact_id())
select "pg_catalog".pg_notify('a', 'b')
select pg_catalog.pg_notify /* c */ ('a',  'b')
