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
