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
