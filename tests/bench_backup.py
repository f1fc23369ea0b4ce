"""Backups beside the bare tools, on one database: `python -m tests.bench_backup --gib 1`. Part of `make bench`.

Pairs are measured one behind the other, so that a busy machine slows both; the median of the ratios counts.
Peak memory is that of the command itself, on a tenth of the rows and on all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.binaries import postgres_bin
from tests.contract.database_backup_support import MAIN, ROOT, Shop
from tests.plain_bucket import plain_bucket

# about 190 bytes a row with its key: words that are compressed, digests that are not
FILL = """
CREATE TABLE bookings (id bigint PRIMARY KEY, made timestamptz, customer text, note text, state varchar(9)
    CHECK (state IN ('open', 'done')));
INSERT INTO bookings SELECT n, timestamptz '2026-01-01' + n * interval '1 second', md5(n::text),
    'a note about booking number ' || n || ' and what the customer wants', CASE n % 3 WHEN 0 THEN 'open' ELSE 'done' END
    FROM generate_series(1, {rows}) n;
CREATE INDEX ON bookings (customer);
"""
ROWS_A_GIB = 4_700_000


class Bench:
    """One shop and the tools that are compared."""

    def __init__(self, shop: Shop, folder: Path, bucket: str) -> None:
        self.shop = shop
        self.bucket = bucket
        self.dump = folder / "bare.dump"
        self.packed = folder / "bare.dump.zst"
        self.tools = str(postgres_bin())
        self.jobs = str(os.cpu_count() or 1)

    def beautycort(self, *words: str, **variables: str) -> tuple[Any, float, int]:
        """What the command says, its seconds, and its own peak memory in bytes."""
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "database-backup", *words, "--format", "json"],
            cwd=ROOT, env={**self.shop.environ, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.stdout.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{words} ended with {process.returncode}")
        return json.loads(said), time.perf_counter() - began, _bytes(used)

    def bare(self, command: str) -> float:
        """Seconds of a shell's pipe."""
        began = time.perf_counter()
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], check=True, stdin=subprocess.DEVNULL,
            env={**self.shop.environ, "DUMP": str(self.dump), "PACKED": str(self.packed), "JOBS": self.jobs,
                 "PATH": f"{self.tools}:{os.environ['PATH']}"},
        )  # fmt: skip
        return time.perf_counter() - began

    def empty(self, ending: str) -> str:
        """A new, empty database."""
        name = f"{self.shop.name}_{ending}"
        self.shop.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", dbname="postgres")
        self.shop.sql(f"CREATE DATABASE {name}", dbname="postgres")
        return name

    def backup_pair(self) -> tuple[float, float]:
        """Encrypted, counted and sent to a bucket that writes it to this disk; against one file there."""
        _, mine, _ = self.beautycort("backup", "--unverified", AWS_ENDPOINT_URL=self.bucket)
        return mine, self.bare('pg_dump -Fc -Z0 | zstd -q -1 -f -o "$PACKED"')

    def restore_pair(self, location: str) -> tuple[float, float, float]:
        """Download and restore without the comparison, the bare tool, and the comparison alone."""
        said, whole, _ = self.beautycort("restore", location, "--into", self.empty("mine"))
        comparing = float(said["seconds"]["comparing"])
        name = self.empty("bare")
        bare = self.bare(f'zstd -q -d -f "$PACKED" -o "$DUMP"; pg_restore -j "$JOBS" -d {name} "$DUMP"')
        return whole - comparing, bare, comparing


def _bytes(used: resource.struct_rusage) -> int:
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0, help="size of the database")
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    rows = int(options.gib * ROWS_A_GIB)
    with (
        EmbeddedTarget.create() as target,
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as bucket,
        plain_bucket(Path(bucket)) as address,
    ):
        with Shop.opened(target, schema=FILL.format(rows=rows // 10)) as small:
            memory = Bench(small, Path(folder), address).beautycort("backup")[2]
            _say("peak memory of backup and verify", f"{memory / 2**20:.0f} MiB on {_size(small)}")
        with Shop.opened(target, schema=FILL.format(rows=rows)) as shop:
            measure(Bench(shop, Path(folder), address), options.pairs)
    return 0


def measure(bench: Bench, pairs: int) -> None:
    """All lines of one database."""
    _, _, memory = bench.beautycort("backup")
    _say("peak memory of backup and verify", f"{memory / 2**20:.0f} MiB on {_size(bench.shop)}")
    made = [bench.backup_pair() for _ in range(pairs)]
    _compared("backup against `pg_dump -Fc -Z0 | zstd -1`", made, "at most 1.2")
    location = bench.beautycort("list")[0]["backups"][0]["location"]
    restored = [bench.restore_pair(location) for _ in range(pairs)]
    _compared("restore against `zstd -d; pg_restore -j`", [pair[:2] for pair in restored], "at most 1.2")
    _say("  and its comparison", f"{statistics.median(pair[2] for pair in restored):.1f} s")
    verified = _median(lambda: bench.beautycort("verify", location)[1], pairs)
    _say("verify", f"{verified:.1f} s")


def _median(run: Callable[[], float], times: int) -> float:
    return statistics.median(run() for _ in range(times))


def _compared(name: str, pairs: list[tuple[float, float]], wanted: str) -> None:
    mine, bare = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
    _say(name, f"{mine:.1f} s / {bare:.1f} s, ratio {ratio:.2f} (median of {len(pairs)} pairs; {wanted})")


def _size(shop: Shop) -> str:
    ((size,),) = shop.rows("SELECT pg_database_size(current_database())")
    return f"a database of {int(size) / 2**20:.0f} MiB"


def _say(name: str, text: str) -> None:
    sys.stdout.write(f"{name:<46}{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
