"""A second way to tell whether two databases are the same, which shares nothing with the command's own.

Definitions and properties: `pg_dump --create --schema-only`; where the original is concerned, after one more round
through psql. Rows: what COPY writes, sorted. Large objects: their bytes. Sequences: their values.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

__all__ = ["description", "differences"]

_SCRATCH = "corpus_comparer_scratch"
_CALM = (
    "-c search_path= -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 "
    "-c default_transaction_read_only=off -c DateStyle=ISO -c TimeZone=UTC -c extra_float_digits=1 -c bytea_output=hex "
    "-c IntervalStyle=postgres -c role=none"
)


def description(parameters: Mapping[str, Any], name: str, age: int = 0, tools: str = "") -> dict[str, bytes]:
    """What there is, by kind. `age` is how many times the definitions go through the server before."""
    found = _rows(parameters, name)
    text = _dumped(parameters, name, tools)
    found["properties"] = _properties(text, name)
    for _ in range(age):
        text = _again(parameters, name, text, tools)
    found["definitions"] = _sorted(text)
    return found


def differences(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """What differs, with the first line that does."""
    wrong = []
    for kind in sorted({*one, *other}):
        mine, theirs = one.get(kind, b""), other.get(kind, b"")
        if mine != theirs:
            lost = [line for line in mine.splitlines() if line not in theirs.splitlines()]
            new = [line for line in theirs.splitlines() if line not in mine.splitlines()]
            wrong.append(f"{kind}: lost {lost[:3]}, new {new[:3]}")
    return wrong


def _environment(parameters: Mapping[str, Any], tools: str) -> dict[str, str]:
    known = {
        "PGHOST": str(parameters["host"]),
        "PGPORT": str(parameters["port"]),
        "PGUSER": str(parameters["user"]),
        "PGPASSWORD": str(parameters.get("password", "")),
        "PGOPTIONS": "-c default_transaction_read_only=off -c statement_timeout=0 -c idle_session_timeout=0 "
        "-c idle_in_transaction_session_timeout=0 -c quote_all_identifiers=off -c role=none" + _silent(parameters),
    }
    return {**os.environ, **known, "PATH": f"{tools}:{os.environ['PATH']}" if tools else os.environ["PATH"]}


def _silent(parameters: Mapping[str, Any]) -> str:
    """Triggers on login would write while it is looked."""
    with psycopg.connect(**parameters, dbname="template1") as admin:
        return " -c event_triggers=off" if admin.info.server_version >= 170000 else ""


def _word(name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"--dbname=dbname='{quoted}'"


def _dumped(parameters: Mapping[str, Any], name: str, tools: str) -> bytes:
    done = subprocess.run(
        ["pg_dump", "--create", "--schema-only", "--no-subscriptions", _word(name)],
        env=_environment(parameters, tools), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _again(parameters: Mapping[str, Any], name: str, text: bytes, tools: str) -> bytes:
    with psycopg.connect(**parameters, dbname="template1", autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(_SCRATCH)))
        row = admin.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        assert row
        admin.execute(
            sql.SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {} LOCALE_PROVIDER libc"
            ).format(sql.Identifier(_SCRATCH), *(sql.Literal(value) for value in row))
        )
        try:
            # a function in an index may name another one without its schema
            body = text[list(_CONNECTED.finditer(text))[-1].end() :].replace(_EMPTY_PATH, b"SET search_path = public;")
            done = subprocess.run(
                ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", _word(_SCRATCH)], input=body,
                env=_environment(parameters, tools), capture_output=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            return _dumped(parameters, _SCRATCH, tools)
        finally:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(_SCRATCH)))


_EMPTY_PATH = b"SELECT pg_catalog.set_config('search_path', '', false);"
_CONNECTED = re.compile(rb"^\\connect .*$", re.MULTILINE)


def _sorted(text: bytes) -> bytes:
    """The statements of the schema, whatever their order."""
    body = text[list(_CONNECTED.finditer(text))[-1].end() :]
    # one empty line only parts the settings at the head from the first object
    parts = re.split(rb"\n\n\n|\n\n(?=--\n-- )", body)
    # privileges of the database itself are among its properties
    skipped = (
        b"--\n-- PostgreSQL database",
        b"--\n-- Name: DATABASE ",
        b"\\restrict",
        b"\\unrestrict",
        b"SET default_",
    )
    return b"\n\n".join(sorted(_line_free(part) for part in parts if not part.strip().startswith(skipped)))


def _line_free(part: bytes) -> bytes:
    lines = [
        line
        for line in part.strip().split(b"\n")
        if not line.startswith((b"\\restrict", b"\\unrestrict", b"SET default_"))
    ]
    return b"\n".join(lines)


def _properties(text: bytes, name: str) -> bytes:
    """CREATE DATABASE, its privileges, comment and settings."""
    del name
    found = text[: _CONNECTED.search(text).start()]  # type: ignore[union-attr]
    changes = (
        rb"ALTER (?:DATABASE|ROLE .* IN DATABASE) .* (?:SET|CONNECTION LIMIT) .*;",
        rb"COMMENT ON DATABASE [^;]*;",
        rb"(?:GRANT|REVOKE) .* ON DATABASE .*;",
    )
    after = re.findall(rb"^(?:" + rb"|".join(changes) + rb")$", text, re.MULTILINE)
    return b"\n".join(
        sorted({line for line in found.split(b"\n") if line.startswith((b"CREATE", b"ALTER"))} | set(after))
    )


def _rows(parameters: Mapping[str, Any], name: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with psycopg.connect(
        **parameters, dbname=name, autocommit=True, options=_CALM + _silent(parameters), client_encoding="SQL_ASCII"
    ) as live:
        tables = live.execute(
            "SELECT quote_ident(nspname) || '.' || quote_ident(relname), relkind::text, (SELECT string_agg("
            "quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 "
            "AND NOT attisdropped) FROM pg_class c "
            # which partition of a hash a row is in may depend on numbers of this database
            "JOIN pg_namespace n ON n.oid = relnamespace WHERE relpersistence <> 't' AND (c.oid IN (SELECT partrelid "
            "FROM pg_partitioned_table WHERE partstrat = 'h') OR relkind IN ('r', 'S', 'm') AND c.oid NOT IN ("
            "SELECT (pg_partition_tree(partrelid)).relid FROM pg_partitioned_table WHERE partstrat = 'h')) "
            "AND nspname <> 'information_schema' AND nspname !~ '^pg_' AND (relkind <> 'm' OR relispopulated)"
        ).fetchall()
        for table, kind, columns in tables:  # by name: those of an inherited table may change places
            what = b"last_value, is_called" if kind == b"S" else columns or b""
            said = _copied(live, b"SELECT " + what + (b" FROM " if kind in {b"m", b"p"} else b" FROM ONLY ") + table)
            found[f"rows of {table.decode('utf-8', 'replace')}"] = said
        found["large objects"] = _copied(
            live,  # no privileges written down means the default ones
            b"SELECT oid, md5(lo_get(oid)), lomowner::regrole, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM "
            b"unnest(coalesce(lomacl, acldefault('L', lomowner))) a) FROM pg_largeobject_metadata",
        )
    return found


def _copied(live: psycopg.Connection[Any], text: bytes) -> bytes:
    try:
        written = _written(live, text)
    except (psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedObject):  # named without its schema, in an index
        live.execute("SET search_path = public")
        written = _written(live, text)
        live.execute("SET search_path = ''")
    lines = sorted(written.split(b"\n"))
    return hashlib.sha256(b"\n".join(lines)).hexdigest().encode() + b" %d" % len(lines)


def _written(live: psycopg.Connection[Any], text: bytes) -> bytes:
    with live.cursor().copy(b"COPY (" + text + b") TO STDOUT") as copy:
        return b"".join(bytes(piece) for piece in copy)
