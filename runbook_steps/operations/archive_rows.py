"""The rows of a restored database, compared with those that its archive holds.

Both are read as the text that PostgreSQL's tools write, table by table, in constant memory. Nearly always a table comes
back in the order in which it was dumped: one SHA-256 then tells all. Where it does not (a free page was used, the
columns of an inherited table changed places), sums that no order changes are compared, of the archive's own columns.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Protocol

from runbook_steps.operations.archive_restore import Archive, chosen_entries, list_of
from runbook_steps.operations.database_session import session
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import dumping_rows, reading_rows

__all__ = ["COPY_LINE", "Rows", "Unordered", "read_rows", "row_differences"]

_READ = 1 << 20
_LONGEST = 1 << 20  # bytes: more than any COPY line, of 1600 columns
_END = b"\n\\.\n"
_NAME = rb'(?:"(?:[^"]|"")*"|[^\s".(]+)'
COPY_LINE = re.compile(
    rb"COPY (?P<table>" + _NAME + rb"\." + _NAME + rb") (?:\((?P<columns>(?:\"[^\"]*\"|[^\")])*)\))? ?FROM stdin;\n"
)
_OTHER = re.compile(rb"--[^\n]*\n|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[^-'\"\n]*\n|[^-'\"\n]+|.", re.DOTALL)


class Digest(Protocol):
    """What bytes go into."""

    def update(self, data: bytes, /) -> None:
        """More of them."""

    def digest(self) -> bytes:
        """What they come to."""


@dataclass(frozen=True)
class Rows:
    """Of one table: its columns as COPY names them, how many rows, and a digest of them."""

    columns: bytes
    count: int
    digest: bytes


class Unordered:
    """A digest of lines that does not depend on their order: the sum of a hash of each."""

    def __init__(self) -> None:
        self._sum, self._begun = 0, b""

    def update(self, data: bytes, /) -> None:
        """Lines, of which the last may go on in the next piece."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._sum += int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")

    def digest(self) -> bytes:
        """The sum, as 16 bytes."""
        return (self._sum % (1 << 128)).to_bytes(16, "big")


def read_rows(stream: IO[bytes], digest: Callable[[bytes], Digest | None]) -> dict[bytes, Rows]:
    """Quoted name → rows, out of what `pg_dump --data-only` writes; tables for which `digest` is None are left out."""
    text, found, digests = _Text(stream), dict[bytes, Rows](), dict[bytes, Digest | None]()
    while text.more(_LONGEST):
        copy = COPY_LINE.match(text.buffer)
        if copy is None:
            other = _OTHER.match(text.buffer)
            text.drop(other.end() if other else 1)
            continue
        table, columns = copy["table"], copy["columns"] or b""
        if table not in digests:  # one is there again where rows of its partitions are put into it
            digests[table] = digest(table)
        wanted = digests[table]
        text.drop(copy.end() - 1)  # its end of line stays: the first line of an empty table is the end
        count = found[table].count if table in found else 0
        for piece in text.until_end():
            count += piece.count(b"\n")
            if wanted is not None:
                wanted.update(piece)
        if wanted is not None:
            found[table] = Rows(columns, count, wanted.digest())
    return found


class _Text:
    """A stream with a view of what comes next."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.buffer = bytearray()
        self._over = False

    def more(self, wanted: int) -> bool:
        """Reads until so much can be seen, or all that there is; whether anything is left."""
        while len(self.buffer) < wanted and not self._over:
            piece = self._stream.read(_READ)
            self._over = not piece
            self.buffer += piece
        return bool(self.buffer)

    def drop(self, size: int) -> None:
        """Goes on."""
        del self.buffer[:size]

    def until_end(self) -> Iterator[bytes]:
        """The rows of a table, behind one end of line, up to the line that ends them, which is dropped."""
        first = 1
        while (end := self.buffer.find(_END)) < 0 and not self._over:
            ready = len(self.buffer) - len(_END)
            if ready > first:
                yield bytes(memoryview(self.buffer)[first:ready])
                self.drop(ready)
                first = 0
            self.more(len(self.buffer) + _READ)
        yield bytes(memoryview(self.buffer)[first : end + 1])
        self.drop(end + len(_END))


def row_differences(database: Database, name: str, archive: Archive) -> list[str]:
    """Tables of the restored database `name` whose rows are not the archive's, in words."""

    def restored() -> AbstractContextManager[IO[bytes]]:
        return dumping_rows(database, name, archive.programs)

    entries = chosen_entries(database, archive, ("TABLE DATA ",))
    with list_of(entries) as file, ThreadPoolExecutor(1) as pool:

        def archived() -> AbstractContextManager[IO[bytes]]:
            return reading_rows(database, archive.file, archive.programs, file)

        there = pool.submit(_read, restored, lambda _: hashlib.sha256())
        expected = _read(archived, lambda _: hashlib.sha256())
        found = there.result()
        other = {table for table in {*expected} & {*found} if expected[table] != found[table]}
        sums = _read(archived, lambda table: Unordered() if table in other else None) if other else {}
    wrong = [(table, "is missing") for table in {*expected} - {*found}]
    wrong += [(table, "is unexpected") for table in {*found} - {*expected}]
    wrong += [
        (table, "has other contents")
        for table, rows in sums.items()
        if rows.count != found[table].count or rows.digest != _sum(archive.runner(database), name, table, rows.columns)
    ]
    return [f"{table.decode('utf-8', 'surrogateescape')} {text}" for table, text in sorted(wrong)]


def _read(
    opened: Callable[[], AbstractContextManager[IO[bytes]]], digest: Callable[[bytes], Digest | None]
) -> dict[bytes, Rows]:
    with opened() as stream:
        return read_rows(stream, digest)


def _sum(database: Database, name: str, table: bytes, columns: bytes) -> bytes:
    """Of the rows that are there, in the archive's columns."""
    total = Unordered()
    with session(database, name) as connection:
        connection.execute("SET client_encoding = 'SQL_ASCII'")  # as they are, like in the archive
        quoted = table.replace(b"\\", b"\\\\").replace(b"'", b"''")
        kind = connection.execute(b"SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(E'" + quoted + b"')")
        source = table + (b" (" + columns + b")" if columns else b"")  # nothing is planned, so no function is called
        if kind.fetchone() == (True,):
            source = b"(SELECT " + columns + b" FROM " + table + b")"
        with connection.cursor().copy(b"COPY " + source + b" TO STDOUT") as copy:
            for piece in copy:
                total.update(bytes(piece))
    return total.digest()
