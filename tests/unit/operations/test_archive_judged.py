"""What of an archive a superuser makes or gives is let through by its kind; what would run code is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.archive_judged import Judged, Parts, judge

HEADER = """
\\restrict T0ken
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
"""
C_FUNCTION = "CREATE FUNCTION public.f({}) RETURNS integer LANGUAGE c AS 'lib', 'f';"


def reading(texts: Mapping[str, str], header: str = HEADER) -> Callable[[Sequence[str]], str]:
    """What pg_restore prints for entries."""

    def read(entries: Sequence[str]) -> str:
        return header + "\n".join(f"--\n-- Name: x; Type: Y\n--\n\n{texts[each]}\n" for each in entries) + (
            "\n\\unrestrict T0ken\n")  # fmt: skip

    return read


def judged(texts: Mapping[str, str], words: Sequence[str] = (), last: Sequence[str] = ()) -> Judged:
    """Of the archive with these entries."""
    parts = Parts([each for each in texts if each not in last], words, [], last)
    return judge(parts, frozenset({"work_mem"}), reading(texts))


def entry(kind: str) -> str:
    """As `pg_restore --list` has it."""
    return f"12; 1255 16385 {kind} public x owner"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("FUNCTION", C_FUNCTION.format("a integer DEFAULT 3")),
        ("FUNCTION", "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';"),
        ("FUNCTION", "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SET log_statement TO 'all' AS 'SELECT 1';"),
        ("FUNCTION", "CREATE FUNCTION public.f() RETURNS int LANGUAGE plpython3u AS 'return 1';"),
        ("AGGREGATE", "CREATE AGGREGATE public.a(integer) (SFUNC = s, STYPE = internal);"),
        ("TYPE", "CREATE TYPE public.t (INPUT = i, OUTPUT = o);"),
        ("TYPE", "CREATE TYPE public.r AS RANGE (subtype = double precision);"),
        (
            "OPERATOR",
            "CREATE OPERATOR public.=== (FUNCTION = f, LEFTARG = int, RIGHTARG = int, RESTRICT = public.sel);",
        ),
        ("EXTENSION", "CREATE EXTENSION IF NOT EXISTS cube WITH SCHEMA public;"),
        ("CAST", "CREATE CAST (text AS public.t) WITH FUNCTION public.f(text) AS IMPLICIT;"),
        ("PUBLICATION", "CREATE PUBLICATION p FOR ALL TABLES;"),
        ("FOREIGN TABLE", "CREATE FOREIGN TABLE public.t (a int) SERVER s OPTIONS (filename '/x');"),
    ],
)
def test_what_only_a_superuser_may_make(kind: str, text: str) -> None:
    """It is run as the bytes that were read."""
    assert judged({entry(kind): text}).made == {entry(kind): (text.removesuffix(";").encode(),)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("FUNCTION", "CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql SET work_mem TO '1MB' AS 'BEGIN END';"),
        ("AGGREGATE", "CREATE AGGREGATE public.a(integer) (SFUNC = s, STYPE = public.t, INITCOND = '(1)');"),
        ("TYPE", "CREATE TYPE public.t AS ENUM ('a');"),
        ("TYPE", "CREATE TYPE public.t AS (a public.d);"),
        ("OPERATOR", "CREATE OPERATOR public.=== (FUNCTION = f, LEFTARG = int, RIGHTARG = int, RESTRICT = eqsel);"),
        ("PUBLICATION", "CREATE PUBLICATION p WITH (publish = 'insert');"),
        ("TABLE", "CREATE TABLE public.t (a public.t DEFAULT '(1)'::public.t);"),
        ("FUNCTION", "CREATE FUNCTION of a newer server;"),
    ],
)
def test_all_else_is_left_to_the_restoring_role(kind: str, text: str) -> None:
    """Also what cannot be read."""
    assert judged({entry(kind): text}).made == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("FUNCTION", C_FUNCTION.format("a public.t DEFAULT '(1)'")),
        ("FUNCTION", C_FUNCTION.format("a text DEFAULT ('(1)'::public.t)::text")),
        ("FUNCTION", "CREATE FUNCTION f() RETURNS int LANGUAGE sql LEAKPROOF BEGIN ATOMIC SELECT public.g(); END;"),
        ("AGGREGATE", "CREATE AGGREGATE a(int) (SFUNC = s, STYPE = internal, MSTYPE = public.t, MINITCOND = '');"),
        ("EXTENSION", "DO 'BEGIN PERFORM public.f(); END';"),
        ("EXTENSION", "CREATE EXTENSION cube; SELECT public.f();"),
        ("CAST", "CREATE TABLE public.t AS SELECT public.f();"),
        ("SERVER", "SELECT public.f();"),
        ("FOREIGN TABLE", "CREATE FOREIGN TABLE t (a int CHECK (a > ('()'::x.t).a)) SERVER s OPTIONS (program 'x');"),
        ("FOREIGN TABLE", "CREATE FOREIGN TABLE t (a public.t DEFAULT '(1)') SERVER s OPTIONS (program 'x');"),
        ("PUBLICATION TABLES IN SCHEMA", "ALTER PUBLICATION p ADD TABLE public.t WHERE (public.f());"),
    ],
)  # fmt: skip
def test_what_would_run_code_is_refused(kind: str, text: str) -> None:
    """By the name of its entry."""
    with pytest.raises(RefusedError, match=f"{kind} public x owner"):
        judged({entry(kind): text})


def test_among_privileges_and_comments_is_nothing_else() -> None:
    """Nor among event triggers."""
    grant, comment = entry("ACL"), entry("COMMENT")
    texts = {
        grant: "SET SESSION AUTHORIZATION a;\nGRANT SELECT ON TABLE public.t TO b;\nRESET SESSION AUTHORIZATION;",
        comment: "COMMENT ON TABLE public.t IS 'a; b';",
    }
    assert len(judged(texts, words=[grant, comment]).words) == 4
    for text in (
        "SELECT public.f();",
        "SET search_path TO public; SET x.y = 1;",
        "ALTER ROLE a SUPERUSER;",
        "GRANT SET ON PARAMETER log_statement TO a;",
    ):
        with pytest.raises(RefusedError, match="among privileges and comments"):
            judged({grant: text}, words=[grant])
        with pytest.raises(RefusedError, match="among privileges and comments"):
            judged({entry("EVENT TRIGGER"): text}, last=[entry("EVENT TRIGGER")])


def test_owners_are_read_past_what_cannot_be() -> None:
    """Those of sequences last, which have their table's; what only looks like one is none."""
    texts = {
        entry("SEQUENCE"): 'CREATE SEQUENCE public.s;\nALTER SEQUENCE public.s OWNER TO "o;ß";',
        entry(
            "FUNCTION"
        ): "CREATE FUNCTION public.g() RETURNS text LANGUAGE sql AS $$\n;\nALTER TABLE t OWNER TO x;\n$$;",
        entry("TABLE"): "CREATE TABLE public.t AS a newer server;\nALTER TABLE public.t OWNER TO o;",
        entry("VIEW"): "CREATE VIEW public.v AS SELECT 'ALTER TABLE t OWNER TO x;';",
    }
    found = judged(texts).owners
    assert found == (b"ALTER TABLE public.t OWNER TO o", 'ALTER SEQUENCE public.s OWNER TO "o;ß"'.encode())


def test_an_archive_that_writes_texts_in_another_way_is_refused() -> None:
    """What is text and what is not would be read otherwise than the server reads it."""
    texts = {entry("EXTENSION"): "CREATE EXTENSION cube;"}
    header = HEADER.replace("standard_conforming_strings = on", "standard_conforming_strings = off")
    with pytest.raises(RefusedError, match="standard_conforming_strings"):
        judge(Parts(list(texts), [], [], []), frozenset(), reading(texts, header))
