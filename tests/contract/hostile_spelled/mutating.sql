select (4242::oid).lo_unlink
select (pid).pg_terminate_backend from pg_stat_activity where pid <> pg_backend_pid()
select (p.pid).pg_cancel_backend from pg_stat_activity p where pid <> pg_backend_pid()
select ('seq'::regclass).nextval from generate_series(1, 9)
select p.pg_terminate_backend from unnest(array(select pid from pg_stat_activity where pid <> pg_backend_pid())) p
select ('x'::text).pg_replication_origin_drop
select (id).del_one from acct
select a.del_one from (select id from acct) x, unnest(array[x.id]) a
select ('acct'::regclass::oid).pg_stat_reset_single_table_counters
insert into other select (a.id).del_one from acct a
delete from acct where id = ('seq'::regclass).nextval
insert into canary values ((array[1, 2, 3]).unnest, 'x') on conflict (id) do update set name = excluded.name
do $$ declare r record; begin for r in table acct loop perform (r.id).del_one; end loop; end $$
select ('slru'::text).pg_stat_reset_slru
select (4242).lo_truncate
select 1 =%= any (select 2)
delete from acct where id = 1 and 1 =%= any (select 1)
do $$ begin if 1 =%= all (select 2) then null; end if; end $$
insert into canary values (1 +^^+ 9, 'x') on conflict (id) do update set name = excluded.name
select downwards(9)
select to_and(9)
do $$ begin perform downwards(9); end $$
call del_p(downwards(9))
create table np (id int not null, tag text); alter table like_acct inherit np; drop table np cascade
create table np (id int not null, tag text) partition by range (id); alter table np attach partition like_acct for values from (minvalue) to (maxvalue); drop table np
alter table twins inherit canary; delete from canary where id = 1
create table np (id int not null, tag text); alter table like_acct inherit np; alter table np rename column tag to gone
create table np (id int); alter sequence seq owned by np.id; drop table np
create table np (id int); alter sequence acct_gen_seq owned by np.id; drop table np cascade
create table np (id int); alter sequence logged_id_seq owned by np.id; drop table np cascade
alter table plain_log add column ref int default 1 references canary (id) on delete cascade; delete from canary where id = 1
alter table like_acct add foreign key (id) references canary on delete cascade
alter table twins add constraint f foreign key (id) references canary (id) on delete set null; delete from canary where id = 1
alter table twins add constraint f foreign key (id) references canary (id) on update set null; update canary set id = 77 where id = 1
create temp view canary as select 1 as id, tag from acct; delete from canary where id = 1
create temporary view canary as select n as id, tag as name from acct; update canary set name = '' where id = 1
delete from estate where ctid = '(0,1)'
update estate set tag = '' where ctid in ('(0,1)', '(0,2)')
delete from by_year where ctid = any ('{"(0,1)"}')
alter table eager add column z float default random()
alter table eager add column z int generated always as (id) stored
alter table eager add column z uuid not null default gen_random_uuid(), add column y int
insert into eager values (3)
create table made (s span, exclude using gist (s with &&)); insert into made select span(n, n + 2) from generate_series(1, 2000, 5) n
select next_number.n from generate_series(1, 9) g, next_number
select x.n from generate_series(1, 9) g, lateral (select g, n from next_number) x
do $$ begin for i in 1..9 loop perform n from next_number; end loop; end $$
select n from removes_five, acct
grant far to app
grant farther to app
grant under to other_role
create role evil in role under
create role evil in role farther
create role evil; alter role evil set role = under
select by_column(1)
create table np (id int); create trigger t after insert on np for each row execute function del_new(); insert into np select generate_series(1, 9)
create trigger t after insert on other for each row execute function del_new(); insert into other select id from acct
create function gives_away() returns setof pg_authid language sql security definer as 'select * from pg_authid'
create procedure helps(i int) language plpgsql security definer as $$ begin delete from acct where id = i; end $$
delete from canary where id = all (array[1])
delete from acct where (n, gen) in (select n, gen from acct)
delete from visits where (salon, day) >= (1, '2000-01-01')
update visits set note = '' where salon = 1 and day = day
delete from acct where id = (select 1 from acct limit 1)
update acct set tag = '' from (values (1)) v(i) where acct.gen = v.i
delete from canary where md5(id::text) = md5(id::text)
delete from canary where id = any (array[(select 1)])
delete from canary where id in (1, (select 2))
delete from acct where id = 1 or tag = 'same' and id = 2 or tag = 'same'
merge into canary c using other o on c.id = o.id when matched and false then delete when not matched then insert values (100)
with t as (merge into canary using (select 1) on true when matched then update set name = '' returning 1) select 1
insert into canary (id, name) values (1, 'x') on conflict on constraint canary_pkey do update set name = (select string_agg(name, '') from canary), id = default where exists (select del_one(id) from acct)
alter table acct alter constraint acct_owner_fkey not enforced
alter table acct alter column gen set expression as (1)
alter table acct disable trigger user, enable trigger user
alter table canary replica identity using index canary_pkey
alter table only public.canary set tablespace pg_default
alter table parted detach partition part
alter table part no inherit parted
alter table canary alter column name set data type varchar(2)
alter table canary of pair
alter view plain alter column n set default 7
alter materialized view totals rename to gone
alter function trusted volatile
alter aggregate collects(text) owner to app
alter operator =!= (int, int) set (restrict = none)
alter type sorted rename attribute a to b
alter type mood rename value 'ill' to 'sick'
alter system set synchronous_standby_names = 'x'
alter database postgres with allow_connections = false
alter database template1 is_template false
alter tablespace pg_default owner to app
alter subscription s skip (lsn = '0/1')
alter event trigger e enable always
alter user current_user set session_replication_role = replica
alter role app in database postgres reset all
comment on table canary is 'x'; truncate canary
reassign owned by app to boss
drop owned by app cascade
revoke grant option for all on acct from app
grant create on schema public to public
grant all on parameter archive_command to app
revoke all on all sequences in schema public from app
alter default privileges for role admin revoke select on tables from app
create or replace view fine (id) as select 1
create or replace function lower(i int) returns int language sql as 'select 1'
create or replace aggregate collects(text) (sfunc = textcat, stype = text)
create rule quiet as on delete to canary do instead nothing
create policy p2 on canary for all using (false)
create event trigger e2 on sql_drop execute function ev()
create trigger t3 instead of update on fine for each row execute function nothing()
copy acct to program 'rm -f /tmp/hostile'
copy canary from '/etc/passwd' with (format csv)
do $$ begin execute 'copy canary to ''/tmp/hostile-do'''; end $$
do $$ begin execute concat('dro', 'p table canary'); end $$
do $x$ declare q text = 'delete from canary'; begin execute q; end $x$
do $$ begin perform setval('seq', 5); end $$
do $$ declare c refcursor; begin open c for delete from canary returning 1; end $$
select query_to_xml('delete from canary returning 1', true, false, '')
select cursor_to_xml('c', 1, false, false, '')
select lo_export(4242, '/tmp/hostile-lo2')
select pg_logical_emit_message(true, 'a', 'b')
select pg_replication_slot_advance('x', '0/1')
select pg_create_logical_replication_slot('hostile', 'pgoutput', true)
select pg_stat_reset_subscription_stats(null)
select pg_restore_relation_stats('schemaname', 'public', 'relname', 'canary', 'reltuples', 1::real)
select pg_clear_attribute_stats('public', 'canary', 'id', false)
select setval('seq', (select 1))
select pg_import_system_collations('public')
select dblink_exec('dbname=postgres', 'truncate canary')
select pg_promote()
select txid_current(), pg_backup_start('x')
lock pg_type
vacuum (full) pg_attribute
set session_replication_role = 'replica'; delete from canary where id = 1
set local zero_damaged_pages = on
delete from canary where $1
delete from canary where id >= $1::int
update canary set name = $1::text where id = id
select del_one(g) from generate_series(1, $1::int) g
create table s2.np (id int); alter table s2.np rename to canary
create view s2.nv as select 1 as id, tag from acct; alter view s2.nv rename to canary; set search_path = s2, public; delete from canary where id = 1
alter index one_of_a_kind rename to gone; drop index gone
alter table one_of_a_kind rename to gone; drop index gone
create temp recursive view canary (id) as select id from acct
create temporary view canary (id, name) as select n, tag from acct with local check option; update canary set name = '' where id = 1
create view pg_temp.canary as select 1 as id from acct; delete from canary where id = 1
set search_path = pg_temp; create view canary as select 1 as id from public.acct; delete from canary where id = 1
create domain one_always as int default 1; alter table twins add column r one_always references canary on delete cascade
alter table twins add column r int generated always as (1) stored references canary on delete cascade
alter table twins add column r int generated always as identity references canary on delete set null
alter table twins add foreign key (id) references canary on delete set default not valid
alter table twins add constraint f foreign key (id) references canary on update set default
alter table if exists only public.twins add constraint f foreign key (id) references canary on delete cascade deferrable initially deferred
do $$ begin alter table twins add foreign key (id) references canary on delete cascade; end $$
create table np (id int); alter sequence public.seq owned by public.np.id; drop table np cascade
alter sequence seq owned by none
create table np (); alter table kid inherit np
alter table twins inherit estate
alter table if exists public.like_acct inherit s2.np, add column z int
create unique index np_u on parted (id); drop index np_u
create unique index np_u on only parted (id); alter index np_u attach partition part_once; drop index np_u
create table np (like indexed including all); insert into np values (1)
create table np (like inherits_check including constraints); insert into np values (1)
create table np (like defaulted including defaults); insert into np (id) values (1)
create table np () inherits (inherits_check); insert into np values (1)
create table np partition of cloned for values in (9); insert into np values (9)
create temp table np () inherits (inherits_check); insert into np values (1)
create view nv as select * from triggered; insert into nv values (1)
create view nv as select * from ruled; insert into nv values (1)
create temp view nv as select id from triggered where true; insert into nv values (1)
create view nv as select * from inherits_check; create view nv2 as select * from nv; insert into nv2 values (1)
create or replace view nv as table triggered; copy nv from stdin
create table np (id int) partition by list (id); alter table np attach partition triggered for values in (1)
create table np (like cloned including all, primary key (id)) partition by list (id); alter table cloned attach partition np for values in (3); insert into np values (3)
select sql_down(9) from acct
call proc_down(9)
do $$ begin call proc_down(9); end $$
select (9).downwards
select ('x').dflt_more
select d from (select id::counted_dom as d from canary) x
select ('1'::counted_dom); select id::counted_dom from generate_series(1, 9) id
select 1 where 1 =%= any (select 1)
insert into other select 1 where 1 =%= all (select 2)
update acct set tag = '' where id = 1 and (n, gen) =%= any (select 1, 2)
do $$ declare b bool := 1 =%= any (select 2); begin null; end $$
create table gone as select 1 =%= some (select 2)
create index on canary (id) where (1 =%= any (array[2]))
do $$ begin create function helps() returns void language sql security definer as 'select 1'; end $$
create function helps() returns int security definer language sql return 1
create or replace procedure helps2() language plpgsql security definer set search_path = pg_catalog as 'begin null; end'
grant far, boss to other_role
grant boss, under to app
create user evil in group farther
create role evil in role boss, far
alter group far add user app
grant farther to current_user, app
delete from estate where ctid = '(0,1)' or id = 0 and ctid = '(0,2)'
update by_year set y = 2026 where ctid = '(0,1)'
delete from acct where id = (row(1)).f1.del_one
delete from acct where id = (acct).gen
delete from acct a where a.id = (a.gen).abs
delete from acct where id = (random() * 9).floor
update acct set tag = '' where n = ('seq'::regclass).nextval
delete from acct where id in (('seq'::regclass).nextval, 2)
insert into canary values (('{1,2,3}'::int[]).unnest, 'x') on conflict (id) do update set name = 'x'
insert into canary values (abs(1 +^^+ 9), 'x') on conflict (id) do update set name = 'x'
with v as (select 1) insert into canary values ((array[4, 5]).unnest) on conflict (id) do update set name = null
alter table eager set logged, add column z timestamptz default clock_timestamp()
alter table eager add column z serial
vacuum full eager
cluster eager using eager_quiet_once_idx
reindex index eager_quiet_once_idx
analyze eager
create trigger t after insert or update on plain_log for each row execute function del_new()
create constraint trigger t after insert on other for each row execute function del_new()
create trigger t after update on canary for each row when (new.id > 0) execute function public.del_new()
select by_column(2), 1
do $$ begin perform by_column(1); end $$
create function q(n int) returns void language plpgsql set "plpgsql.variable_conflict" = use_column as 'begin delete from acct where id = n; end'
set plpgsql.variable_conflict = use_column; do $$ declare n int := 1; begin delete from acct where id = n; end $$
select set_config('plpgsql.variable_conflict', 'use_column', false)
do $$ #variable_conflict use_column declare n int := 1; begin delete from acct where id = n; end $$
select (4242::oid).lo_unlink, 1
select x.lo_unlink from unnest(array[4242::oid]) x
select (m.oid).lo_unlink from pg_largeobject_metadata m
do $$ begin perform (4242::oid).lo_unlink; end $$
create view v as select (4242::oid).lo_unlink as n
select ('bystander').pg_terminate_backend
select (a.pid).pg_terminate_backend from pg_stat_activity a where a.pid = any (array(select pid from pg_stat_activity))
create table gone as select (pid).pg_terminate_backend from pg_stat_activity where application_name = 'bystander'
prepare p as select ($1).pg_terminate_backend; execute p(1)
create function k(i int) returns bool language sql as 'select (i).pg_terminate_backend'
select ('seq'::regclass).nextval, ('seq'::regclass).nextval from canary
insert into other select (c.id).del_one from canary c
alter table canary add check (del_one(id) is not null)
alter table canary add column z int default del_one(nextval('seq')::int)
create table np (id int check (del_one(id) > 0)); insert into np select generate_series(1, 9)
create table np (id int, n int default del_one((random() * 9)::int))
create domain gone as int check (del_one(value) > 0); select id::gone from acct
create domain gone as int default del_one(nextval('seq')::int)
create table np (id int); create policy p on np using (del_one(id) > 0)
create view nv as select del_one(nextval('seq')::int) as n
create trigger t after insert on other for each row when (del_one(new.id) > 0) execute function audit()
create index on by_calm (del_calmly(id), id)
create index on canary (id) where del_calmly(id) = 1
copy other from stdin where del_one(id) > 0
create table np (id int) partition by list ((del_calmly(id)))
create statistics on (del_calmly(id)), id from canary
alter table canary add column z int generated always as (del_calmly(id)) stored
create table np (id int, z int generated always as (del_calmly(id)) stored)
alter table canary add constraint c check (del_one(id) > 0) not valid
alter table twins add column z int check (del_one(z) is null) default 3
select id::delp from acct
select cast(id as delp) from acct
insert into other select (id::delp).a from acct
select (id).delp from acct
select delp(id) from acct
with x as (select id::delp as d from acct) select count(*) from x
select dels(id) from acct
select dels(id) over () from acct
select dels(id) filter (where id > 0) from acct
reindex table by_calm
reindex index by_calm_idx
reindex index concurrently by_calm_idx
vacuum full by_calm
cluster by_calm using by_calm_idx
analyze by_calm
vacuum (analyze) by_calm
alter table by_calm add column z float default random()
alter table by_calm set logged
reindex table parts_calm
analyze parts_calm
vacuum (full) parts_calm
alter table parts_calm add column z float default random()
reindex table concurrently parts_calm
cluster parts_calm using x
create table np (like parts_calm including all) ; alter table parts_calm add column y uuid default gen_random_uuid()
select pg_log_backend_memory_contexts(pid) from pg_stat_activity, generate_series(1, 1000)
select pg_log_standby_snapshot() from generate_series(1, 100000)
do $$ begin for i in 1..100000 loop perform pg_log_backend_memory_contexts(pg_backend_pid()); end loop; end $$
select (pid).pg_log_backend_memory_contexts from pg_stat_activity
select pg_export_snapshot() from generate_series(1, 100000)
create view nv (id) as select id from only triggered
create or replace temp view nv as table triggered with cascaded check option
create materialized view nm as select del_one(id) from acct
create recursive view nv (id) as select id from triggered union all select del_one(id) from nv
create table np (like public.limited including all)
create unlogged table np (like triggered including all, like indexed including indexes)
create table np (note text) inherits (defaulted)
create table if not exists np partition of cloned default
create table np () inherits (limited, other)
create unique index concurrently on part (id); create unique index np_u on parted (id)
create unique index on by_year (y, id); create unique index if not exists np_u on only parted (id)
alter index if exists np_u attach partition part_once
alter sequence if exists seq owned by np.id
alter table if exists np attach partition acct default
alter table if exists only canary inherit np
alter table np attach partition public.like_acct for values in (1)
alter table canary inherit np, add column z int
create temp view acct as select 1 as id, * from canary
alter table np rename to acct
alter view nv rename to canary
alter table if exists s2.np rename to plain_log
alter sequence ns rename to seq
alter index part_once rename to gone
create function f() returns int language sql security definer stable as 'select 1'
create procedure p() security definer language sql as ''
do $$ begin execute 'create function f() returns int language sql security definer as ''select 1'''; end $$
alter table twins add column r serial references canary on delete cascade
alter table twins add column r mood references canary on delete set null
alter table acct add constraint f foreign key (n) references canary on delete set null (n)
alter table acct add column q uuid default gen_random_uuid() references pets on delete cascade
alter table only acct add foreign key (owner) references canary (id) on delete cascade on update cascade not valid
delete from acct where ctid = '(0,1)'
delete from acct * where ctid = '(0,2)'
update acct set tag = '' where ctid = any ('{"(0,1)"}'::tid[])
delete from only acct where ctid > '(0,0)'
delete from only acct where ctid = any (array(select ctid from acct))
select downwards(3), 1
select public.downwards(4)
select (select downwards(5))
create table gone as select downwards(9) as n
call del_p((select to_and(3)))
insert into other values (downwards(7))
prepare p as select downwards($1); execute p(9)
values (downwards(2))
do $$ declare r int := downwards(9); begin end $$
explain analyze select to_and(2)
select pg_sleep(0), public.sql_down(3) from canary
grant select on pg_authid to app
grant select on pg_catalog.pg_authid to public
revoke select on pg_class from public
revoke all on pg_catalog.pg_proc, pg_namespace from public
grant all on pg_shadow to app with grant option
revoke select on information_schema.tables from public
grant execute on function pg_read_file(text) to app
grant execute on function pg_catalog.lo_import(text) to other_role
grant execute on all functions in schema pg_catalog to app
grant select on all tables in schema pg_catalog to app
grant create on schema pg_catalog to app
grant execute on function pg_ls_dir(text), pg_reload_conf() to app
grant execute on routine pg_terminate_backend(int, bigint) to app
grant update on pg_database to app
grant select (rolpassword) on pg_authid to app
grant execute on function dblink_connect_u(text) to app
revoke execute on function now() from public
do $$ begin grant select on pg_authid to app; end $$
drop view information_schema.tables cascade
drop view information_schema.columns
drop table information_schema.sql_features
create or replace view information_schema.tables as select 1 as one
alter view information_schema.tables rename to gone
alter table information_schema.sql_features rename to gone
alter table information_schema.sql_features add column z int
alter view information_schema.tables owner to app
set search_path = information_schema; drop view tables cascade
select set_config('search_path', 'information_schema', false); drop view tables
create trigger t before insert on information_schema.sql_features for each row execute function nothing()
delete from information_schema.sql_features where feature_id = 'B011'
alter table information_schema.sql_sizing enable row level security
drop view if exists only_new, information_schema.views
create domain pg_catalog.mood as text
create type pg_catalog.short as enum ('x')
create domain information_schema.yes_or_no2 as text
alter table canary add column z int default (del_one(id_of()))
alter table other add check ((id).del_one > 0)
alter table other add column z int default (nextval('seq')::int).del_one
create table np (id int check (id = any (array[del_one(id)])))
create table np (id int, exclude using btree (del_calmly(id) with =))
create table np (id int) partition by range (del_calmly(id))
create schema s9 create table np (id int check (del_one(id) > 0))
create schema s9 create view nv as select del_one(id) from acct
create unique index on canary (del_calmly(id))
create index on canary using btree ((id + del_calmly(id)))
create policy p on np with check (del_one(id) > 0)
create temp table np (id int default del_one(nextval('seq')::int)); insert into np select from generate_series(1, 9)
create domain gone as int check ((value).del_one > 0)
create domain gone as text check (del_one(length(value)) > 0)
copy other from stdin with (format csv) where (id).del_one > 0
create trigger t before insert on np for each row when ((new.id).del_one > 0) execute function audit()
create constraint trigger t after update on plain_log for each row when (del_one(1) > 0 and del_one(length(new.note)) > 0) execute function audit()
alter table twins add constraint c check (downwards(id) > 0)
alter table twins add column z int generated by default as identity, add check (to_and(id) > 0)
select count(id::delp) from acct
select array_agg(id::delp) from acct
select row(id::delp) from acct
update other set id = (id::delp).a
select (select id::delp) from acct
create table gone as select id::delp from acct
copy (select id::delp from acct) to stdout
do $$ declare r int; begin for r in 1..9 loop perform r::delp; end loop; end $$
do $$ declare d delp; begin for r in 1..9 loop d := r::delp; end loop; end $$
insert into canary values ((9::delp).a, 'x'), ((8::delp).a, 'y')
values (1::delp), (2::delp)
select d.a from acct, lateral cast(acct.id as delp) d
select dels(id order by id desc) from acct
select n, dels(id) from acct group by n
select dels(distinct id) from acct
select (select dels(id) from acct)
reindex (verbose) table by_calm
reindex index part_calm_idx
vacuum (full, analyze) part_calm
vacuum analyze canary, by_calm
analyze parts_calm (id)
analyze verbose by_calm, other
cluster verbose by_calm using by_calm_idx
alter table part_calm add column z float default random()
alter table if exists only by_calm add column z serial
alter table by_calm validate constraint c
do $$ begin reindex table by_calm; end $$
do $$ begin alter table by_calm add column z float default random(); end $$
create table np (like by_calm including indexes)
create table np (like part_calm including all, z int)
select pg_log_standby_snapshot(), pg_switch_wal() from canary
do $$ begin while true loop perform pg_log_standby_snapshot(); end loop; end $$
values (pg_export_snapshot()), (pg_export_snapshot())
select max(pg_log_backend_memory_contexts(pid)::text) from pg_stat_activity
create or replace view nv as select * from ruled with check option
create view nv as select * from cloned; insert into nv values (1)
create view s2.nv as select t.* from triggered as t where t.id > 0 order by 1
create view pg_temp.acct as select 1 as id from canary
create or replace temp recursive view plain (id) as select 1
create temp view pg_class as select * from acct where false; drop table acct
create table s2.np (); alter table s2.np rename to acct
truncate only canary, other restart identity
truncate table canary cascade
do $$ begin execute 'truncate table ' || quote_ident('canary'); end $$
do $$ declare t text; begin foreach t in array array['canary'] loop execute format('delete from %I', t); end loop; end $$
with gone as (delete from acct where true returning *) select count(*) from gone
with recursive d as (delete from acct returning id) select * from d
explain (analyze, costs off) delete from acct where id < 5
prepare d2 (int) as delete from acct where id < $1; execute d2(99)
declare c cursor for with d as (delete from acct returning 1) select * from d
copy (update acct set tag = '' returning 1) to stdout
copy (merge into acct using canary c on acct.id = c.id when matched then delete returning 1) to stdout
delete from acct where id::text = '1' or id::text <> '1'
delete from acct where (id) = (id)
delete from acct where id = +id
delete from acct where id = any (select gen from acct)
delete from acct where exists (select from canary c where c.id = acct.id)
delete from acct where id in (table other)
delete from acct where id = (select id)
delete from acct where id between symmetric 9 and 1
delete from acct where id not in (100)
delete from acct where id <> all ('{}')
delete from acct where id is not distinct from 1
delete from acct where row(id, 1) = row(id, 1)
delete from acct where int4(id) = id
delete from acct where id = 1 is false or true
delete from acct where id * 1 = 1
delete from acct where 'same' = tag
delete from acct using acct b where acct.id = b.id
delete from acct using canary where acct.id = 1 or canary.id = 1
delete from acct where id = canary.id or id = 1
delete from only kid where tag = 'kid' and gen = 100
delete from visits where day = '2026-01-01' and note is null
delete from twins where id = 1
delete from twins where name = 'twin' and id = 1
delete from like_acct where id = 1
delete from plain where id = 1
delete from totals
delete from parted where id = 1 or id = 2 and true or id > 0
update acct set id = id + 100
update acct set tag = default where gen > 0
update acct set (tag, n) = ('x', 1)
update acct set tag = (select max(name) from canary)
update acct set tag = c.name from canary c where c.id = acct.owner
update only acct set tag = null where tag ilike 'S%'
update acct as a set tag = '' where a.tag = a.tag
update plain set tag = ''
update twins set name = '' where id in (1)
update canary set name = '' where id in (select owner from acct where acct.id = 1)
update acct set n = n where current_setting('work_mem') > ''
update acct set tag = '' where id = any (array(select 1))
update acct set tag = '' where id = some (values (1), (2))
update acct set tag = '' where id = array_length(array[id], 1) * id
insert into canary select * from canary on conflict (id) do update set name = null
insert into canary table canary on conflict on constraint canary_pkey do update set name = ''
insert into canary (select 1, 'x' union select 2, 'y') on conflict (id) do update set name = ''
insert into canary with x as (select 1, 'a') select * from x on conflict (id) do update set name = ''
do $$ declare r record; begin for r in table canary loop insert into canary values (r.id, '') on conflict (id) do update set name = ''; end loop; end $$
merge into acct a using acct b on a.id = b.id when matched then update set tag = ''
merge into acct using (values (1)) v(i) on true when matched and id > 0 then delete
merge into only acct using canary c on c.id = acct.id when not matched by target then insert (id) values (99) when matched then do nothing when not matched by source then delete
alter table acct drop n, add column n int
alter table acct drop column if exists tag restrict
alter table acct alter column tag type char(1)
alter table acct alter n type bigint using 0
alter table acct set without cluster, drop tag
alter table acct set (toast.autovacuum_enabled = off)
alter table acct rename tag to gone
alter table acct rename constraint acct_pkey to gone, drop tag
alter table acct disable rule all
alter table acct alter tag set storage external, disable trigger all
alter table acct alter id drop identity if exists, alter n drop not null
alter table acct alter constraint acct_owner_fkey not deferrable
alter table visits drop constraint visits_pkey
alter table visits replica identity nothing
alter table only visits force row level security
alter table parted detach partition part concurrently
alter table acct no inherit canary
alter table acct not of, set schema s2
alter type mood add value 'new', rename to moods
alter table heir no inherit estate
drop table canary restrict
drop table if exists s9.x, plain_log
drop index part_once
drop index if exists one_of_a_kind, i
drop view plain restrict
drop materialized view if exists totals cascade
drop sequence if exists zero
drop function trusted
drop procedure if exists drops() cascade
drop aggregate dels(int)
drop operator =!= (int, int)
drop type span
drop domain upper
drop cast (int as delp)
drop trigger audits on acct restrict
drop policy ap on acct
drop rule r on ruled
drop schema public
drop extension if exists dblink
drop server there cascade
drop role far
drop owned by far
drop database if exists template1
drop user mapping for app server there
drop foreign data wrapper plain_fdw
drop language if exists plpgsql cascade
drop event trigger if exists nothing
drop publication if exists nothing
drop statistics if exists folding cascade
drop text search parser "default"
revoke select on canary from app
revoke all on acct from other_role cascade
revoke connect, temporary on database template1 from public
revoke app from boss
revoke usage on schema s2 from app
revoke execute on function trusted from public
revoke grant option for all on plain from app
grant all on canary to public
grant select on acct to app with grant option
grant boss to other_role with admin true
grant set on parameter log_statement to app
grant select on pg_stats to app
grant execute on function pg_stat_file(text) to app
grant all on all functions in schema information_schema to app
grant insert on information_schema.sql_features to app
create role evil superuser nologin
create user evil with createrole login
create role evil bypassrls replication
create role evil in role pg_monitor, boss
create role evil password 'md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
alter role app password 'SCRAM-SHA-256$4096:a$b:c' valid until 'infinity'
alter role app connection limit 1
alter role app inherit
alter role other_role nologin
alter role all set role = 'boss'
alter role app in database postgres set search_path to ''
alter role app set app.dsn = 'x'
alter role app reset app.dsn
alter database postgres set app.x = 'y'
alter database postgres reset search_path
alter database postgres set lock_timeout = '5ms'
alter system set log_statement = 'none'
alter system reset work_mem
set session authorization default; truncate canary
set local synchronous_commit = off
set work_mem = '3GB'
reset standard_conforming_strings
set client_encoding to latin1
create or replace view plain as table acct
create or replace function notifies() returns int language sql as 'select 1'
create function length(canary) returns int language sql as 'select 1'
create or replace procedure drops() language sql as ''
create trigger t before insert or update or delete on acct for each row execute function stamps()
create trigger t before truncate on canary execute function nothing()
create or replace trigger audits after update on acct execute function audit()
create policy more on canary using (true)
alter policy p on guarded using (true)
create rule r2 as on update to acct do instead nothing
create event trigger e on ddl_command_end execute function ev()
create cast (text as int) with inout as assignment
create operator === (function = op_n, leftarg = int, rightarg = int)
create aggregate dels(int) (sfunc = int4pl, stype = int)
create collation de from "C"
create text search configuration x (copy = simple)
create conversion cv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8
create tablespace ts location '/tmp/hostile-ts'
create foreign table ft (a int) server there
create server other_there foreign data wrapper plain_fdw
create user mapping for public server there
create publication p for table canary
create subscription s connection 'dbname=x' publication p with (connect = false)
create extension file_fdw
create extension if not exists pg_surgery cascade
create language plperl
create access method am type index handler bthandler
create schema app authorization app
create schema if not exists far
create table s2.acct as select 1 as id
create sequence s2.seq
create materialized view s2.totals as select 1 as n
create view s2.plain as select 1 as one
select setval('seq', 1000000000)
select nextval('seq') from canary, acct
select (select nextval('seq')) from generate_series(1, 5) g where g > (select nextval('seq'))
alter sequence seq increment 100
alter sequence zero restart with 0
alter sequence seq no cycle
alter sequence acct_gen_seq owned by acct.id restart
select lo_unlink(4242), lo_create(4242)
select lo_put(4242, 4, 'gone')
select lo_truncate64(lo_open(4242, 131072), 1)
select lo_import('/etc/hostname', 4243)
select lo_export(4242, '/tmp/hostile-lo3')
select pg_terminate_backend(pid) from pg_stat_activity where usename = 'admin' and pid <> pg_backend_pid()
select pg_cancel_backend(pid) from pg_locks where not granted
select bool_or(pg_terminate_backend(pid, 10)) from pg_stat_activity where datname = 'postgres'
select pg_switch_wal() from canary
select pg_stat_reset_shared('io')
select pg_stat_reset_slru('other')
select pg_stat_statements_reset(0, 0, 0)
select pg_replication_origin_create('hostile')
select pg_create_physical_replication_slot('hostile', true)
select pg_copy_logical_replication_slot('a', 'b')
select pg_logical_emit_message(false, 'x', 'y')
select pg_import_system_collations('s2')
select pg_read_file('postgresql.conf')
select pg_file_write('hostile', 'x', false)
select pg_backup_start('x', true)
select pg_wal_replay_pause()
select pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')
select brin_desummarize_range('x', 0)
select pg_sync_replication_slots()
select heap_force_freeze('canary', array['(0,1)']::tid[])
select query_to_xml('truncate canary', true, true, '')
select database_to_xml(true, true, ''), table_to_xml('canary', true, true, '')
select ts_stat('select del_one(id)::text::tsvector from acct')
select ts_rewrite('a', 'select del_one(1)::text::tsquery, null')
select * from crosstab('truncate canary', 'select 1') as t(a int)
select * from connectby('canary', 'id', 'name', '1', 0) as t(a int, b int, c int)
vacuum (full, freeze)
vacuum full pg_catalog.pg_class
cluster pg_index using pg_index_indexrelid_index
reindex system
reindex table pg_authid
lock table pg_namespace in access exclusive mode
lock table information_schema.sql_features
checkpoint; truncate canary
prepare transaction 'hostile'
commit prepared 'x'
load 'plpgsql'
security label on role app is 'x'
reassign owned by app to far
discard all; drop table acct
notify a; drop view plain
import foreign schema public from server there into s2
refresh materialized view totals with no data
grant all on table pg_catalog.pg_class, canary to app
grant truncate on pg_largeobject to app
grant execute on function public.dblink_exec(text) to app
grant execute on procedure pg_catalog.x() to app
grant execute on function pg_catalog.pg_read_binary_file(text), trusted(text) to app
grant all on schema information_schema, public to app
grant usage on schema pg_catalog to public
revoke usage on schema pg_catalog from public
revoke all on all tables in schema information_schema from public
revoke select on pg_catalog.pg_type, np from public
alter default privileges revoke all on tables from public
grant select on pg_toast.pg_toast_2604 to app
grant references on pg_stat_activity, new_one to app
grant execute on function set_config(text, text, boolean) to app with grant option
drop view postgres.information_schema.tables
drop view new_one, information_schema.routines cascade
drop table information_schema.sql_parts, np
alter table information_schema.sql_features rename column feature_id to x
alter view information_schema.views alter table_name set default 'x'
create or replace view information_schema.triggers as select 1 as a
create policy p on information_schema.sql_features using (false)
insert into information_schema.sql_features values ('x')
copy information_schema.sql_features from stdin
update information_schema.sql_sizing set supported_value = 1 where sizing_id = 34
merge into information_schema.sql_parts using (select 1) on false when not matched then insert values ('x')
set local search_path = 'information_schema', public; drop view tables
set search_path to public, "information_schema"
do $$ begin set local search_path = information_schema; drop view views; end $$
select set_config('search_path', '"information_schema", public', true)
create trigger t after insert on information_schema.sql_features execute function audit(); delete from acct
alter table pg_catalog.pg_class add column z int
alter view pg_roles owner to app
alter table pg_authid enable row level security
drop view pg_user
drop table pg_catalog.pg_statistic
create type pg_catalog.color as enum ('a')
create domain pg_catalog.acct_id as int
alter table canary add column z int check (del_one(z) > 0)
alter table canary add z int default 1, add check (del_one(id) + z > 0)
alter table only twins add constraint c check (exists_by(del_one(id)))
create table np (id int, check (del_one(id) > 0) no inherit)
create table np (like other, z int generated always as identity, check (downwards(id) > 0))
create table np (id int default del_one(1 + nextval('seq')::int) primary key)
create index on twins ((del_calmly(id) > 0))
create index on twins (name) include (id) where del_calmly(id) > 0
create statistics s2.st (dependencies) on (del_calmly(id)), (id + 1) from twins
create domain d2 as int[] check (del_one(value[1]) > 0)
create domain d2 as int default 1 not null check (value > del_one(value))
copy twins (id, name) from stdin where name = 'x' and del_one(id) = 1
create trigger t after delete on like_acct for each row execute function del_new()
create trigger t before insert on np for each row execute function del_new(); insert into np select 1
create table np (id int); create constraint trigger t after insert on np for each row execute function del_new()
create view nv as select (1).del_one, nextval('seq')
create view nv as values (nextval('seq'))
create or replace recursive view nv (n) as select del_one(nextval('seq')::int)
create materialized view nm as select nextval('seq') from canary
create role evil; alter role evil set role = pg_write_server_files
grant pg_database_owner to app
grant under, boss to other_role
grant under to boss
alter table acct alter owner set default 1, add foreign key (n) references canary on delete cascade
alter table twins add column r bigserial references canary on delete cascade
alter table twins add column r numbered references canary on delete cascade
alter table like_acct add column r int references canary on delete cascade default (1)
alter table like_acct add column r int default 1 constraint f references canary match full on delete set default
alter table parted attach partition np for values in (3), add foreign key (id) references canary on delete cascade
select d::delp from generate_series(1, 9) d
select array_agg(x) from (select id::delp as x from acct) y
select (id::int::delp)::text from acct
select coalesce(id::delp, null) from acct
select case when id > 0 then id::delp end from acct
create view nv as select id::delp from acct
do $$ begin for i in 1..9 loop perform cast(i as delp); end loop; end $$
select json_agg(id::delp) from acct
update other set id = 1 where (id::delp) is not null
delete from acct where id = 1 and (id::delp) is not null
create user evil in group pg_signal_backend
create role evil role app in role maker
alter table twins add constraint f foreign key (id) references canary on update cascade
create table mine (s text unique); alter table twins add constraint c foreign key (name) references mine (s) on update cascade; update mine set s = 'x' where s = 'y'
alter table like_acct add foreign key (tag) references twins (name) match full on update cascade not valid
alter table twins add column r int default 1 references canary on update cascade on delete restrict
create domain public.text as int default 1; set search_path = public, pg_catalog; alter table twins add column k text references canary on delete cascade
create domain s2.uuid as int default 1
create type "text" as enum ('a')
select (select count(pg_terminate_backend(b.pid)) from pg_stat_activity b) from pg_stat_activity where pid = pg_backend_pid()
select array(select pg_terminate_backend(pid) from pg_stat_activity) from pg_stat_activity where pid = pg_backend_pid()
select (select pg_cancel_backend(b.pid) from pg_stat_activity where pid = pg_backend_pid()) from pg_stat_activity b
select exists (select from pg_stat_activity s where pg_terminate_backend(s.pid)) from pg_stat_activity where pid = pg_backend_pid()
select coalesce((select bool_or(pg_cancel_backend(pid)) from pg_stat_activity), false) from pg_stat_activity a where a.pid = pg_backend_pid()
select set_config('search_path', 'information' || '_schema', false); drop view tables
select set_config('search_path', concat('information', '_schema'), true)
select pg_catalog.set_config('Search_Path', (select 'information_schema'), false)
do $$ declare p text := 'information_schema'; begin perform set_config('search_path', p, false); end $$
select set_config('search_path', is_local => false, new_value => 'information_schema')
create view vv as select '(0,1)'::tid as ctid, id from like_acct; delete from vv where ctid = '(0,1)'
delete from lies_at where ctid = '(0,1)'
update lies_at set tag = '' where (ctid, id) = ('(0,1)', 1) or ctid in ('(0,1)')
do $$ begin delete from only lies_at where '(0,1)' = ctid; end $$
create temp view vv as select null::tid as ctid, * from acct; update vv set tag = '' where ctid = '(0,1)'
alter table twins add column l pg_lsn default pg_switch_wal()
create table mine (x pg_lsn default pg_switch_wal(), y int); insert into mine (y) select generate_series(1, 1000000)
create table mine (y int); create trigger t after insert on mine for each row when (pg_switch_wal() is not null) execute function audit()
create table mine (y int, check (pg_create_restore_point('x') is not null))
create domain d2 as pg_lsn default pg_log_standby_snapshot()
alter table twins add column o oid default lo_create(0)
alter table twins add column n int default nextval('seq')
create table mine (y int default nextval('public."seq"'::regclass))
create table mine (y int default nextval(('s' || 'eq')::regclass))
create table mine (y text default pg_export_snapshot())
create table mine (y int); create policy p on mine with check (nextval('seq') > 0)
create table mine (y int default nextval('16400'))
select 1 as x into s2.canary
select into s2.acct from twins
do $$ begin execute 'select 1 as id into s2.canary'; end $$
create table s2.np (x int); create index canary on s2.np (x)
create table s2.np (x int); create unique index concurrently if not exists acct on s2.np (x)
create table s2.np (x int); alter table s2.np add constraint canary unique (x)
create table s2.np (x int, constraint acct primary key (x))
create table s2.np (x int constraint twins unique)
create table s2.np (x int, constraint canary exclude using gist (x with =))
create table s2.np (x int); create unique index i on s2.np (x); alter table s2.np add constraint acct primary key using index i
create table s2.np (x int); create index i on s2.np (x); alter index s2.i rename to canary
create table s2.np (x int, constraint u unique (x)); alter table s2.np rename constraint u to acct
create type s2.canary as (x int)
create table s2.np (x int generated always as identity (sequence name s2.seq))
create table s2.np (x int); alter table s2.np alter x set not null, alter x add generated by default as identity (sequence name s2.acct start 5)
do $$ begin delete from acct as new where id = new.id; end $$
do $$ begin update acct old set tag = '' where id = old.id; end $$
do $$ declare v int; begin delete from acct as v where id = v.id; end $$
do $$ declare acct int; begin delete from acct where id = acct.id; end $$
do $$ declare public int; begin delete from public.acct where id = public.acct.id; end $$
do $$ declare acct record; begin update only public.acct set tag = '' where (id) = (acct.id); end $$
do $$ begin declare id int; begin null; end; delete from acct where id = id; end $$
do $$ begin declare n int; begin null; end; delete from acct where id = n; end $$
do $$ begin for n in 1..1 loop null; end loop; delete from acct where id = n; end $$
do $$ declare i int; begin if true then declare n int; owner int; begin i := 1; end; end if; update acct set tag = '' where owner = id and id = n; end $$
do $$ declare n int; begin execute 'delete from acct where id = n'; end $$
do $$ declare v int; begin execute 'delete from acct as v where id = v.id'; end $$
do $$ declare n int; r record; begin for r in execute 'update acct set tag = null where id = n returning id' loop null; end loop; end $$
do $$ declare n int; begin return; exception when others then execute 'delete from acct where n = id' using n; end $$
create function f(acct int) returns int language plpgsql as $$ begin delete from acct where id = acct.id; return 1; end $$
create function f(v int) returns int language plpgsql as $$ begin update acct v set tag = '' where id = v.n; return 1; end $$
create function f() returns int language plpgsql as $$ begin delete from acct as new where id = new.n; return 1; end $$
create function f() returns trigger language plpgsql as $$ begin delete from acct as new where id = new.n; return null; end $$
create procedure f(n int) language plpgsql as $$ begin execute 'delete from acct where id = n'; end $$
create function f() returns int language plpgsql as $$ declare c cursor (n int) for select 1; begin delete from acct where id = n; return 1; end $$
do $$ /* begin */ declare x text := 'begin'; begin declare n int; begin null; end; delete from acct where id = n; end $$
do $$ declare c cursor for with d as (delete from acct where id = n returning 1) select * from d; n int; begin open c; end $$
create function f() returns int language plpgsql as $$ declare c refcursor; d cursor (n int, owner int) is select 1; begin update acct set tag = '' where id = owner; return 1; end $$
grant maker to app
grant boss_of_makers to other_role
grant boss, maker to other_role
do $$ begin grant maker to app; end $$
create role later_one; grant maker to later_one, app
select g.total_of from generate_series(1, 2) g
select (b.total_of).total_of from bills b
select b.of_whole from bills b
select x.total_of from lateral abs(1) as x where x.total_of > 0
select g.total_of from bills b, rows from (abs(-1)) as g
create function reads_total(i int) returns int language sql as 'select i.total_of'
create function reads_total(i int) returns int language sql return i.total_of
select t.of_text from like_row t
create table late0 partition of by_year default; drop table late0
create table late1 partition of by_year for values from (2030) to (2031); alter table late1 rename to later1; drop table if exists public.later1 cascade
create table late2 (id int, y int not null); alter table by_year attach partition late2 default; drop table late2
create table late3 partition of by_year for values from (2030) to (2031) partition by list (id); create table later3 partition of late3 default; drop table later3
create table late4 (id int, y int not null) partition by list (id); create table later4 partition of late4 default; alter table by_year attach partition late4 default; drop table later4
do $$ begin create table late5 partition of by_year default; drop table late5; end $$
