"""Rows in the text of a dump: told apart table by table, whatever they and the names hold."""

from __future__ import annotations

import hashlib
import io

import pytest

from runbook_steps.operations.archive_rows import Rows, Unordered, read_rows

HEAD = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict x1'y\n\nSET row_security = off;\n"
LONG = b"".join(b"%d\ta note that is long enough to fill more than one piece\n" % n for n in range(60_000))


def table(name: bytes, columns: bytes, rows: bytes) -> bytes:
    """One table as pg_dump writes it."""
    listed = b" (" + columns + b")" if columns else b" "
    about = b"--\n-- Data for Name: %s; Type: TABLE DATA; Schema: public; Owner: o'wner\n--\n\n" % name.replace(
        b"\n", b" "
    )
    return about + b"COPY public.%s%s FROM stdin;\n%s\\.\n\n\n" % (name, listed, rows)


def read(text: bytes) -> dict[bytes, Rows]:
    """All of them, by SHA-256."""
    return read_rows(io.BytesIO(text), lambda _: hashlib.sha256())


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        (b"people", b"id, name", b"1\tAda\n2\t\\N\n"),
        (b"empty", b"id", b""),
        (b"no_columns", b"", b"\n\n\n"),
        (b'"new\nline"', b'"a, b", "c) FROM stdin;", "d\ne"', b"1\t2\t3\n"),
        (b'"CO""PY x.y (a) FROM stdin;"', b'"from"', b"x\n"),
        (b'"it\'s -- no; comment"', b"a", b"COPY public.other (a) FROM stdin;\n\\\\.\n--\n'\n\"\n"),
        ('"über"'.encode("latin-1"), '"größe"'.encode("latin-1"), b"\xff\xfe\n"),
        (b"long", b"id, note", LONG),
        (b"long", b"id, note", LONG[:-1] + b"x" * (3 << 20) + b"\n"),
        (b"wide", b", ".join(b"column_of_many_%d" % n for n in range(1600)), b"1\n"),
    ],
    ids=lambda part: repr(part[:20]),
)
def test_each_table_is_read_as_it_is(name: bytes, columns: bytes, rows: bytes) -> None:
    """Its name, columns, count and bytes; between two others, which are read too."""
    setval = b"SELECT pg_catalog.setval('public.\"COPY public.x (a) FROM stdin;\n\"', 1, true);\n\n\n"
    text = HEAD + table(b"first", b"a", b"1\n") + setval + table(name, columns, rows) + table(b"last", b"a", b"2\n")
    found = read(text)
    assert {b"public.first", b"public." + name, b"public.last"} == set(found)
    assert found[b"public." + name] == Rows(columns, rows.count(b"\n"), hashlib.sha256(rows).digest())
    assert found[b"public.last"] == Rows(b"a", 1, hashlib.sha256(b"2\n").digest())


def test_only_the_tables_that_are_asked_for_are_read() -> None:
    """The others are passed over."""
    text = table(b"one", b"a", LONG) + table(b"two", b"a", b"2\n")
    found = read_rows(io.BytesIO(text), lambda name: hashlib.sha256() if name == b"public.two" else None)
    assert {b"public.two"} == set(found)


def unordered(*pieces: bytes) -> bytes:
    """What they come to."""
    digest = Unordered()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def test_the_order_of_rows_says_nothing_and_their_number_does() -> None:
    """Nor where the stream is cut; a row twice, a row less and a changed one are told."""
    known = unordered(b"a\nb\nb\n")
    assert unordered(b"b\na", b"\n", b"b", b"\n") == known
    for other in (b"a\nb\n", b"a\na\nb\n", b"a\nb\nB\n", b"ab\nb\n\n", b""):
        assert unordered(other) != known
