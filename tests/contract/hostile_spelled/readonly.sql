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
select (select ('PG_VERSION'::text).pg_read_binary_file)
select x.lo_get from unnest(array[4242::oid]) x
select ('hostile'::text).pg_export_snapshot
select ('work_mem').set_config
select (pid).pg_log_backend_memory_contexts from pg_stat_activity
select ('a'::name).pg_create_physical_replication_slot
select ('a'::text).pg_replication_origin_create
select ('0/1'::pg_lsn).pg_replication_origin_xact_setup
select ('seq'::regclass).currval, ('seq'::regclass).nextval
select count(*) from pg_class where ('PG_VERSION'::text).pg_read_file > ''
select * from unnest(array['PG_VERSION']) f where f.pg_read_file is not null
select * from canary join unnest(array[1::bigint]) k on k.pg_advisory_lock is null
select g.pg_cancel_backend from generate_series(1, 2) g group by g
select array_agg(f.pg_ls_dir) from unnest(array['.']) f
with f as (select unnest(array['.']) as d) select (f.d).pg_ls_dir from f
select lower((1).pg_cancel_backend::text)
select (case when true then 'PG_VERSION' end::text).pg_read_file
select (coalesce(null, 'PG_VERSION'::text)).pg_read_file
select ('{"a": 1}'::json -> 'a', 1)::holds_checked
select (null::holds_checked).a.pg_read_file, (1).pg_cancel_backend
select m.to_json from pg_user_mapping m
select a.row_to_json from pg_authid a
select s.to_jsonb from pg_shadow s
select (array_agg(u))[1] from pg_user_mappings u
select u::text from pg_user_mappings u
select row(u.*) from pg_user_mappings u
select (u).* from pg_user_mappings u
select u.* from pg_user_mappings as u where false
select to_jsonb(u) - 'umid' from pg_user_mappings u
select xmlelement(name x, u) from pg_user_mappings u
select json_populate_record(u, '{}') from pg_user_mappings u
select max(u::text) from pg_user_mappings u
select * from pg_user_mappings fetch first row only
select string_to_array(rolconfig::text, ',') from pg_roles
select 1 from pg_roles where rolconfig::text like '%p%'
select r from pg_roles r
select count(*) from pg_roles group by rolconfig
select coalesce(useconfig, '{}') from pg_user
with r as (table pg_roles) select 1 from r
select x.rolconfig from pg_roles x cross join canary
declare c cursor for select rolconfig from pg_roles
copy (select useconfig from pg_user) to stdout
prepare r as select rolconfig from pg_roles
explain analyze select rolconfig from pg_roles
select pg_get_userbyid(10), (select string_agg(useconfig::text, '') from pg_user)
select 1 =!= any (with x as (select 1) select * from x)
select 2 where 1 =!= all (select 1 union select 2)
select row(1, 1) =!= some (select 1, 1 from canary)
select id from canary group by id having id =!= any (select 1)
select sum(id) over (order by (1 =!= any (select 1))) from canary
select upper(name) from canary
select upper('a') || lower('b')
table pets; select ('a').upper
select pg_catalog.upper('a')::upper
select 'a'::upper
select ('x'::text).upper from canary
select pg_buffercache_evict(1)
select pg_logical_slot_peek_binary_changes('a', null, null)
select pg_stat_reset_single_table_counters(1), 1
select binary_upgrade_set_missing_value('canary', 'a', 'b')
select pg_event_trigger_dropped_objects(), notifies()
select pg_wal_replay_resume(), 1
select pg_get_wal_summarizer_state(), pg_promote(true, 1)
begin; set local search_path = pg_temp; select of_row_more(c) from public.canary c
set search_path = ''; select public.notifies()
begin; savepoint s; select nextval('seq'); rollback to s
select from canary where exists (select from canary c where c.of_row_more = 1)
select distinct on (c.of_row_more) 1 from canary c
values ((select c.of_row_more from canary c limit 1))
select * from (values ('PG_VERSION'::text)) v(f), lateral (select (v.f).pg_read_file) r
select ('x', 'y')::pair::text::checked
select (select u.to_json from pg_user_mappings u limit 1)
select r.to_json from pg_roles r
select (array(select rolconfig from pg_roles))[1]
select x from (select u.useconfig as x from pg_user u) y
select 'a' ~ any (rolconfig) from pg_roles
select array_length(rolconfig, 1), rolconfig <> '{}' from pg_roles
select rolname from pg_roles where rolconfig is null or rolconfig[2] > ''
select rolconfig from pg_catalog.pg_roles tablesample system (1)
select lag(rolconfig) over () from pg_roles
select u.quote_nullable from pg_user_mappings u
select ('PG_VERSION'::varchar).pg_read_file
select ('PG_VERSION'::text collate "C").pg_read_file
select (concat('PG_', 'VERSION')).pg_read_file
select (case 1 when 1 then 1 end).pg_cancel_backend
select (1 + 1).pg_cancel_backend
select (-1).pg_terminate_backend
select (all_pids[1]).pg_cancel_backend from (select array_agg(pid) as all_pids from pg_stat_activity) x
select ((select max(pid) from pg_stat_activity)).pg_cancel_backend
select (now()).pg_sleep_until, (1::bigint).pg_advisory_lock
select ('0/0'::pg_lsn).pg_wal_replay_resume, (4242::oid).lo_unlink
select (oid).lo_unlink from pg_largeobject_metadata
select (relid).pg_stat_reset_single_table_counters from pg_stat_user_tables
select (slot_name).pg_drop_replication_slot from pg_replication_slots
select (funcid).pg_stat_reset_single_function_counters from pg_stat_user_functions
select s.c.pg_cancel_backend from (select row(1) as c) s
select (s.c).f1.pg_cancel_backend from (select row(1) as c) s
select (m).lo_unlink from (select oid as m from pg_largeobject_metadata) x
select p.pg_reload_conf, p.pg_advisory_unlock from unnest(array[1::bigint]) p
select * from canary where (1).pg_cancel_backend or true
select * from canary left join other on (1).pg_cancel_backend
select 1 limit (1).pg_cancel_backend::int
select * from generate_series(1, (1).pg_cancel_backend::int)
select 1 from canary window w as (order by (1).pg_cancel_backend)
select json_object('a' value (1).pg_cancel_backend)
select xmlforest((1).pg_cancel_backend as a)
select array[(1).pg_cancel_backend]
select row((1).pg_cancel_backend)
select greatest((1).pg_cancel_backend, true)
select (1).pg_cancel_backend is true
select (1).pg_cancel_backend in (true)
select not (1).pg_cancel_backend
select (1).pg_cancel_backend::text::checked
select id =!= any (select 1) as b from canary order by b
select exists (select 1 where 1 =!= all (select 2))
select array(select 1 =!= any (select 1))
with recursive r as (select 1 as n union all select n + 1 from r where n =!= any (select 1) and n < 2) table r
select lateral_x.* from canary, lateral (select canary.id =!= some (select 1)) lateral_x
copy (select 1 =!= any (select 1)) to stdout
explain analyze select 1 =!= any (select 1)
begin; declare c cursor for select 1 =!= any (select 1); fetch c
select upper(upper('a'))
select initcap(upper('a'::text::unknown::text))::upper
select array['a']::upper[]
select upper from upper('a')
select * from upper('a') u
select checked(name) from canary
select name::checked::text from canary
select (name).checked from canary
select c.name.checked from canary c
select holds_checked('(a)')
select ('(a)').holds_checked
select (x).a from (select '(a)'::holds_checked as x) y
select c.of_row_more from only canary c
select (select c.of_row_more) from canary c
select coalesce(c.of_row_more, 0) from canary c
select c.of_row_more from (table canary) c
select (array_agg(c))[1].of_row_more from canary c
select (max(c.id)).pg_cancel_backend from canary c
select d.of_row_more from (select c.* from canary c) d
select (d.c).of_row_more from (select c from canary c) d
select pg_catalog.set_config('a', 'b', 1)
select public."Set_Config"('work_mem', '1MB', true)
select set_config(a => 'x', b => 'y', c => 1)
select reads_them() limit 0
select count(*) from of_rows
select pg_get_viewdef('of_rows'), t from reads_file
select f.pg_read_file from (values ('PG_VERSION'::text)) as f(pg_read), unnest(array['PG_VERSION']) f2, lateral (select (f2).pg_read_file) z
select string_agg((n::text).pg_read_file, '') from unnest(array['PG_VERSION']) n
select every((1).pg_cancel_backend)
select xpath('/a', (('<a/>'::text).pg_read_file)::xml)
select ('postgresql.auto.conf'::text).pg_read_file::json
select (E'PG\x5fVERSION'::text).pg_read_file
select ($$PG_VERSION$$::text).pg_read_file
select (U&'PG\005fVERSION'::text).pg_read_file
select (array[1, 2]).unnest, (1).pg_cancel_backend
select overlay((1).pg_cancel_backend::text placing 'a' from 1)
select extract(epoch from now()), (9::bigint).pg_try_advisory_lock
select substring(('PG_VERSION'::text).pg_read_file from 1)
select position('a' in ('PG_VERSION'::text).pg_read_file)
select trim(both from ('PG_VERSION'::text).pg_read_file)
select ('PG_VERSION'::text).pg_read_file collate "C"
select ('PG_VERSION'::text).pg_read_file at time zone 'utc'
select ('PG_VERSION'::text).pg_read_file like '%'
select ('PG_VERSION'::text).pg_read_file similar to '%'
select ('PG_VERSION'::text).pg_read_file between 'a' and 'b'
select ('PG_VERSION'::text).pg_read_file is distinct from 'a'
select nullif(('PG_VERSION'::text).pg_read_file, '')
select ('PG_VERSION'::text).pg_read_file is json
select json_query('[1]', '$[*]' passing ('PG_VERSION'::text).pg_read_file as x)
select json_serialize(('{}'::json)), notifies()
select * from json_table(jsonb '[1]', '$[*]' columns (a int path '$' default (1).pg_cancel_backend::int on empty))
select merge_action(), says_volatile()
select grouping(id), notifies() from canary group by rollup (id)
select * from canary group by grouping sets ((id, name), ()) having notifies() = 1
select ntile(notifies()) over () from canary
select nth_value(id, notifies()) over () from canary
select sum(id) over (rows between notifies() preceding and current row) from canary
select * from canary order by notifies() nulls last limit 1
select * from canary offset notifies() rows
select id from canary intersect select notifies()
select id from canary except all (select notifies())
select * from xmltable('/a' passing '<a/>' columns x int path '.' default notifies())
select xmlroot(xmlelement(name a, notifies()), version '1.0')
select xmlpi(name a, notifies()::text)
select xmlexists('/a' passing by value xmlelement(name a, notifies()))
select treat(notifies() as int)
select interval '1 day' * notifies()
select array[[notifies()]]
select (array[[1]])[notifies()][1]
select notifies()::int4range is null
select int4range(notifies(), 9)
select range_agg(int4range(1, notifies()))
select make_interval(days => notifies())
select format('%s', variadic array[notifies()::text])
select * from unnest(array[1], array[notifies()])
select coalesce(sum(notifies()), 0) filter (where true) from canary
select current_setting('app.' || 'dsn', true)
select ('app.dsn'::text).current_setting
show app.dsn
select setting from pg_settings where name = 'app.dsn'
select s.setting from pg_catalog.pg_settings s
select x.reset_val from pg_settings x
select * from pg_show_all_settings()
select (pg_show_all_settings()).setting
select p.setting from pg_show_all_settings() p
select to_json(s) from pg_show_all_settings() s
select s.to_json from pg_show_all_settings() s
select reset_val from pg_show_all_settings() as x
select r.rolconfig, r.oid from pg_roles r join pg_auth_members m on m.member = r.oid
select m.* from pg_roles r join pg_auth_members m on true join pg_user u on u.usesysid = r.oid where r.* is not null
select rolname || coalesce(rolconfig::text, '') from pg_roles
select rolconfig @> array['a'] from pg_roles
select json_agg(json_build_object('a', rolconfig)) from pg_roles
select string_agg(x, ',') from pg_roles, unnest(rolconfig) x
select u.umoptions is null from pg_user_mappings u
select count(distinct umoptions) from pg_user_mappings
select umoptions from pg_user_mappings order by 1
select length(umoptions::text) from pg_user_mappings
select option_name, option_value from information_schema.user_mapping_options
select (pg_options_to_table(umoptions)).option_value from pg_user_mappings
begin; set transaction isolation level serializable, read write; commit
begin; set session characteristics as transaction read write; commit
start transaction read write, isolation level repeatable read
select set_config('transaction_read_only', '0', true), 1
set local transaction_read_only to 'no'
lock table only canary in share update exclusive mode
select 1 from only canary for no key update
select * from (select * from canary for key share skip locked) x
create global temporary table g (a int)
create table if not exists canary (id int)
explain (analyze, wal, buffers) insert into other values (1)
explain analyze verbose merge into other using canary c on false when not matched then insert values (1)
prepare q as update canary set name = name
do 'begin perform 1; end' language plpgsql
call proc_down(1)
import foreign schema x limit to (y) from server there into public
select has.pg_read_file from unnest(array['PG_VERSION']) has
select r.rolname, r.to_jsonb from pg_roles r
select u.usename, u.row_to_json from pg_user u
select (u).useconfig from pg_user u
select pg_roles.rolconfig from pg_roles
select pg_catalog.pg_roles.rolconfig from pg_catalog.pg_roles
select distinct on (rolconfig) rolname from pg_roles
select rolname from pg_roles group by rolname, rolconfig
select rolname from pg_roles where exists (select from unnest(rolconfig) c where c ~ 'top')
select bool_or('app.dsn=x' = any (rolconfig) or rolconfig is null) from pg_roles
select 1 <> any (select 2) and 1 =!= any (select 2)
select (array[1] =!= any (select 1)) from canary
select 'a'::text = any (select checked(name) from canary)
select (select 1) =!= all (select 2)
update canary set name = '' where 1 =!= any (select 1)
select "upper"('a'), public.upper('b')
select x.upper from unnest(array['a']) x
select (1).of_row_more, (c).of_row_more from canary c
select span(1, 2), notifies()
select '[1,2]'::span, '{}'::spanmultirange, says_volatile()
select g.total_of from generate_series(1, 2) g
select (b.total_of).total_of from bills b
select b.of_whole from bills b
select x.total_of from lateral abs(1) as x where x.total_of > 0
select g.total_of from bills b, rows from (abs(-1)) as g
select t.of_text from like_row t
