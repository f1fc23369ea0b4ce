select (12345).pg_terminate_backend
select ('seq'::regclass).nextval
select ('postgresql.conf'::text).pg_read_file
select (7::bigint).pg_advisory_lock
select s.pg_read_file from unnest(array['PG_VERSION']) s
select ('base').pg_stat_file
select ('.'::text).pg_ls_dir
select s.pg_advisory_xact_lock from unnest(array[9::bigint]) as s
select ('hostile'::text).pg_create_restore_point
select ('app.dsn').current_setting
select (true).pg_switch_wal
select (4242::oid).lo_get
select c.of_row_more from canary c
select (c).of_row_more from canary c
select (array['a'])[1].checked
select ('a').checked
select upper('a')
select ('bgwriter').pg_stat_reset_shared
select u.row_to_json from pg_user_mappings u
select u.json_agg from pg_user_mappings u
select u.to_jsonb from pg_user_mappings as u
select s.to_json from pg_settings s
select u.num_nulls, u.quote_literal from pg_user_mappings u
select rolname, rolconfig from pg_roles
select useconfig from pg_user
select * from pg_roles
select u.useconfig from pg_catalog.pg_user u
select array_to_string(rolconfig, ' ') from pg_catalog.pg_roles
select 1 =!= any (select 2)
select 1 =!= all (select id from canary)
select 1 operator(public.=!=) some (table other)
select id from canary where id =!= any (select 1)
select set_config('work_mem', '1MB', 1)
select public.set_config('work_mem', '1MB', 1)
select "Set_Config"('work_mem', '1MB', true)
select pg_replication_origin_session_is_setup(), pg_replication_origin_session_setup('x')
select pg_stat_reset_backend_stats(1)
select pg_log_standby_snapshot()
select pg_clear_attribute_stats('public', 'canary', 'id', false)
select pg_restore_attribute_stats('schemaname', 'public')
select * from pg_logical_slot_get_changes(null, null, null)
select pg_terminate_backend(pid, 100::bigint) from pg_stat_activity where pid = 1
select xmlquery.* from query_to_xml_and_xmlschema('select notifies()', false, false, '') xmlquery
select string_agg(database_to_xmlschema::text, '') from database_to_xmlschema(true, false, '')
begin; declare k cursor for select notifies(); fetch first from k
begin isolation level serializable read only; select notifies(); commit
explain (analyze, timing off, summary off) select notifies()
select pg_ls_logdir(), pg_reload_conf()
select * from json_table('[1]', '$[*]' columns (x checked path '$'))
select xmlserialize(content xmlelement(name a, notifies()) as text)
select json_arrayagg(notifies())
select case notifies() when 1 then 'x' end
select (notifies() + 1) is not null
select 'x' = any (array[notifies()::text])
select * from generate_series(1, 3) with ordinality as g(a, b) where notifies() = a
select from canary order by (select notifies())
select ('x' collate "C")::checked
select cast(row('a') as holds_checked)
select * from canary natural join to_sort
select 1 from to_sort a, to_sort b where a.s = b.s
select * from canary for no key update of canary skip locked limit 0
set local default_transaction_read_only = off; delete from canary
set session characteristics as transaction isolation level serializable, read write
begin read only; commit and chain; begin read write
select lo_get(4242), lo_put(4242, 0, 'x')
copy (select ('PG_VERSION').pg_read_file) to stdout
prepare q as select (1).pg_cancel_backend; execute q
with a as (select pid from pg_stat_activity) select (pid).pg_cancel_backend from a where false
select pg_sync_replication_slots()
select ($1::int).pg_cancel_backend
select $1::checked
select (c.id).pg_cancel_backend from canary c
select ((1)).pg_cancel_backend
select (row(1)).f1.pg_cancel_backend from canary
select (array['PG_VERSION'])[1].pg_read_file
select t.pg_ls_dir from regexp_split_to_table('.', ' ') t
select 1 from canary order by ('seq'::regclass).nextval
select (1).U&"pg\005fcancel_backend"
select ($1::int).pg_terminate_backend
select (1) . /* x */ "pg_cancel_backend"
select (select 'PG_VERSION'::text).pg_read_file
select n.pg_advisory_lock from generate_series(1::bigint, 3) n
select n.pg_advisory_xact_lock_shared from cast(1 as bigint) n
select public.canary.of_row_more from public.canary
select x.of_row_more from (select * from canary) x
select (x).of_row_more from (select c as x from canary c) y
select canary.of_row_more from canary group by canary
select checked('a')
select public.checked('a')
select "checked"('a')
select _checked('{a}')
select holds_checked(row('a'))
select (1, 2) =!= any (select 1, 2)
select not 1 =!= all (values (1))
select 1 in (1) and 2 =!= some (select 3)
select * from canary where id operator(public.=!=) any (array(select 1))
select case when 1 =!= any (table other) then 1 else 2 end
select count(*) filter (where id =!= any (select 1)) from canary
select r.* from pg_roles r
table pg_user
select (r).rolconfig from pg_roles r
select to_jsonb(r) from pg_roles r
select rolconfig[1] from pg_roles
select unnest(rolconfig) from pg_catalog.pg_roles
select u.count from pg_user_mappings u
select s.row_to_json from pg_stats s
select f.to_jsonb from pg_file_settings f
select pg_user_mappings.row_to_json from pg_user_mappings
select o.to_json from information_schema.user_mapping_options o
select string_agg(u.row_to_json::text, '') from pg_user_mappings u
select (select rolconfig from pg_roles where rolname = 'app')
select u.hash_record, u.record_out from pg_user_mappings u
select x.to_json from (select umid, u from pg_user_mappings u) x
select jsonb_path_query(u.to_jsonb, '$') from pg_user_mappings u
select r.rolname from pg_roles r order by r.rolconfig
select name from pg_settings s order by s.to_jsonb
select rolname from pg_roles where 'app.dsn=' < any (rolconfig)
copy pg_user to stdout
select h.concat from pg_hba_file_rules h
select d.to_jsonb from pg_db_role_setting d
select array_agg(u.to_jsonb) over () from pg_user_mappings u
select * from of_rows
select reads_them()
select reads_roles()
select col_notify()
table reads_file
select (reads_file).t.pg_read_file from reads_file
select set_config('role', 'admin', 0)
select "Set_Config"('statement_timeout', '1', false)
select public.set_config('x', 'y', 1) from canary
select string_agg(name, ',' order by (7::bigint).pg_advisory_lock::text) from canary
select * from canary where (id::bigint).pg_try_advisory_lock
with x as (select 1::bigint as a) select (a).pg_advisory_unlock from x
values (('x'::text).pg_create_restore_point)
select ('x'::name).pg_drop_replication_slot
select ('archiver'::text).pg_stat_reset_shared, 1
select (4242::oid).lo_unlink
explain (analyze) select (1).pg_cancel_backend
declare c cursor with hold for select ('PG_VERSION'::text).pg_read_file
prepare z as select ($1::text).pg_read_file; execute z('PG_VERSION')
select ('select notifies()'::text).ts_stat
select ('select 1').pg_sleep_for, ('a').pg_notify
select ('canary'::regclass).gin_clean_pending_list, ('canary'::regclass).brin_summarize_new_values
select * from canary tablesample system ((1).pg_cancel_backend::int)
select xmlelement(name a, ('PG_VERSION'::text).pg_read_file)
select json_object('a': ('PG_VERSION'::text).pg_read_file)
select max(('PG_VERSION'::text).pg_read_file) over (partition by 1)
