"""Hostile SQL of further kinds on both servers: calls that are written as columns, and what is there made to go along.

By a superuser, in a database that helps; what it is must be as it was when all of it has been tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.guards.services.sql_catalogue import read_catalogue
from runbook_steps.engine.guards.services.sql_policy import SqlJudge
from runbook_steps.engine.model import Risk
from tests.contract.asked_catalogue import SERVERS, asked, server_of
from tests.contract.hostile_sql import HELPERS
from tests.contract.hostile_sql_made import HELPERS_MADE
from tests.contract.hostile_sql_servers import HELPERS_SERVERS
from tests.contract.hostile_sql_taking import HELPERS_TAKING, STATE_TAKING
from tests.contract.hostile_sql_unsaid import HELPERS_UNSAID

FOLDER = Path(__file__).parent / "hostile_spelled"
ROWS = """SELECT (SELECT array_agg(t ORDER BY id) FROM canary AS t), (SELECT array_agg(t ORDER BY id) FROM estate AS t),
 (SELECT array_agg(t::text) FROM twins AS t), (SELECT count(*) FROM like_acct), (SELECT last_value FROM seq),
 (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"""
RISKS = [Risk.READONLY, Risk.MUTATING]
PASSES = [
    "select p.mood, p.canary, p.name, (p).during from pets p", "select '[1,2]'::calm_span, calm_span(1, 2)",
    "select g.generate_series, (g.n).name from generate_series(1, 2) g, lateral (select c as n from canary c) as g(n)",
    "select 1 = any (select id from canary)", "select s.name from pg_settings s", "select u.usename from pg_user u",
    "select (json_each('{}')).key, (now()).date", "select rolname, rolsuper from pg_roles", "select mood from pets",
    "select b.total_of, (select sum(public.bills.total_of) from bills) from bills b where b.total_of > 1",
]  # fmt: skip
PASSES_MUTATING = [
    """do $$ declare r record; i int := 3; begin select 1 as k into r; delete from acct where id = r.k;
    update acct set tag = '' where id = i; execute 'delete from acct where id = $1' using i; end $$""",
    """create function g(i int, a acct) returns int language plpgsql as $$ begin
    delete from acct where id = i and tag > ''; update acct as t set tag = '' where t.id = a.id; return 1; end $$""",
    "create function h() returns trigger language plpgsql as 'begin delete from acct where id = old.id; end'",
    """create function g(i int) returns int language plpgsql as $$ <<ä>> declare "é" int := i; ü int; /* begin ß */
    begin delete from acct where id = "é"; return 1; end $$""",
    """do $$ declare r acct; i int := 1; begin delete from acct as r where r.id = 7;
    if i > 0 then delete from acct where id = i; end if; exception when others then call del_p(i); end $$""",
    "alter table twins add column more int references canary on delete cascade",
    "alter table twins add constraint f foreign key (id) references canary on update restrict",
    "alter table twins add column more int references canary on update cascade",
    "alter table twins add column more uuid references canary on delete cascade", "create type mine as enum ('a')",
    "create function one(n int) returns int return n + 1",
    "create table np (id int references canary on delete cascade); alter table np add unique (id)",
    "create table np (id int, y int); alter table by_year attach partition np for values from (2030) to (2031)",
    "alter sequence seq owned by acct.n", "create temp table canary (id int)", "grant boss to other_role",
    "select pg_catalog.set_config('search_path', '', false), set_config('search_path', 'public', true)",
    "create trigger later after update on acct for each row execute function audit()",
    "create table np (id int); create trigger t after insert on np execute function del_new()",
    "create sequence n2; create table np (y int default nextval('public.\"n2\"'::regclass))", "vacuum logged",
    "alter table logged add column more int", "create table np (y serial)", "alter table twins add column n numbered",
    "select 1 as x into mine", "create index canary_idx on canary (name)", "create type halves as (x int)",
    "create table np (x int generated always as identity, constraint canary check (x > 1), constraint u unique (x))",
    "create role newer login in role maker; alter role newer set role = maker",
]  # fmt: skip


@dataclass(frozen=True)
class Server:
    """One with a database that helps the attacker, and somebody who listens in it."""

    number: int
    url: str
    listener: psycopg.Connection[tuple[object, ...]]

    def state(self) -> object:
        """What must stay, and what was heard meanwhile."""
        with psycopg.connect(self.url) as direct:
            found = direct.execute(ROWS).fetchone(), direct.execute(STATE_TAKING).fetchone()
        return found, [each.channel for each in self.listener.notifies(timeout=0)]


def helpers() -> str:
    """As they are read by both: a newer server has its own `json_scalar`, and no search path where it makes indexes."""
    texts = HELPERS + HELPERS_UNSAID + HELPERS_TAKING + HELPERS_SERVERS + HELPERS_MADE
    texts = re.sub(r"FUNCTION (json_\w+)", r'FUNCTION "\1"', texts.replace("{victim}", "/nonexistent"))
    whole = texts + (FOLDER / "helpers.sql").read_text("utf-8")
    return re.sub(r"(?<![.\w])(notifies|empties_int|lies)\(\)", r"public.\1()", whole)


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each of them in turn."""
    with server_of(request.param) as address:
        url = urlsplit(address)._replace(path="/postgres").geturl()
        with psycopg.connect(url, autocommit=True) as direct:
            direct.execute(helpers().encode())
        with psycopg.connect(url, autocommit=True) as listener:
            listener.execute("LISTEN a")
            yield Server(SERVERS.index(request.param), url, listener)


def hostile(risk: Risk) -> list[str]:
    """Statements, each in a line of its own."""
    return (FOLDER / f"{risk}.sql").read_text("utf-8").splitlines()


@pytest.mark.parametrize("risk", RISKS)
def test_none_is_let_through(server: Server, risk: Risk) -> None:
    """Judged by what this database says of itself."""
    judge = SqlJudge(risk, read_catalogue(asked(server.url)))
    assert [text for text in hostile(risk) if judge.refused(text) is None] == []
    assert len(hostile(risk)) > 400


def test_what_is_spelled_alike_passes(server: Server) -> None:
    """Columns that are called as a function, a type or a table is; what hangs on nothing that was there."""
    catalogue = read_catalogue(asked(server.url))
    judges = SqlJudge(Risk.READONLY, catalogue), SqlJudge(Risk.MUTATING, catalogue)
    assert [found for text in PASSES for judge in judges if (found := judge.refused(text))] == []
    assert [found for text in PASSES_MUTATING if (found := judges[1].refused(text))] == []


def test_a_part_is_not_dropped_by_a_later_statement(server: Server) -> None:
    """Others may write to it meanwhile through the table that was there; a table of its own goes as it came."""
    judge = SqlJudge(Risk.MUTATING, read_catalogue(asked(server.url)))
    made = "create table apart (id int)", "drop table apart", "create table late partition of by_year default"
    assert [judge.refused(text) for text in made] == [None] * 3
    assert "a part of another" in str(judge.refused("drop table late"))


@pytest.mark.parametrize("risk", RISKS)
def test_nothing_has_changed_after_they_were_tried(server: Server, risk: Risk, tmp_path: Path) -> None:
    """Each on one of the servers, behind the guard; somebody else's look is the same before and after."""
    guard, before = Guard(risk, tmp_path), server.state()
    url = guard.environment({"DATABASE_URL": server.url})["DATABASE_URL"]
    for text in hostile(risk)[server.number :: len(SERVERS)]:
        with pytest.raises(psycopg.Error), psycopg.connect(url, autocommit=True) as client:
            client.execute(text.encode())
        assert guard.take_refusals() != (), text
    guard.close()
    assert server.state() == before


def test_blocks_whose_names_mean_columns_first_are_not_judged(server: Server, tmp_path: Path) -> None:
    """Whose role has it so may read, and change nothing: what is taken for a variable's value would be a column."""
    with psycopg.connect(server.url, autocommit=True) as direct:
        direct.execute("ALTER ROLE CURRENT_USER SET plpgsql.variable_conflict = 'use_column'")
        try:
            guards = {risk: Guard(risk, tmp_path) for risk in RISKS}
            urls = {risk: guards[risk].environment({"DATABASE_URL": server.url})["DATABASE_URL"] for risk in RISKS}
            with psycopg.connect(urls[Risk.READONLY]) as client:
                assert client.execute("SELECT 1").fetchone() == (1,)
            with pytest.raises(psycopg.Error, match="variable_conflict"):
                psycopg.connect(urls[Risk.MUTATING])
            for guard in guards.values():
                guard.close()
        finally:
            direct.execute("ALTER ROLE CURRENT_USER RESET plpgsql.variable_conflict")
