"""What the tests of `beautycort database-backup` share: a database and a bucket of their own, and the command."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from runbook_steps.operations.backup_manifest import sealed
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.embedded_store import s3_of

__all__ = ["KEY", "ROOT", "Shop"]

ROOT = Path(__file__).parents[2]
KEY = "5ec2e7" + "0a1b" * 14 + "ff"
MAIN = "import sys; sys.argv[0] = 'beautycort'; from runbook_steps.operations.cli import main; main()"
SCHEMA = """
CREATE EXTENSION pg_trgm;
CREATE TYPE state AS ENUM ('pending', 'done');
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint NOT NULL REFERENCES customers,
    price numeric(10, 3) CHECK (price >= 0), weight double precision, placed timestamptz DEFAULT now(),
    proof bytea, state state DEFAULT 'pending', tags text[], more jsonb);
CREATE TABLE nothing (id int);
CREATE SCHEMA audit;
CREATE TABLE audit."odd ""one"" name" (happened timestamptz, what text) PARTITION BY RANGE (happened);
CREATE TABLE audit.y2026 PARTITION OF audit."odd ""one"" name" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW totals AS SELECT customer, sum(price) AS total FROM orders GROUP BY customer;
CREATE INDEX orders_customer ON orders (customer);
INSERT INTO customers (name) SELECT 'زبون ' || n FROM generate_series(1, 40) n;
INSERT INTO orders (customer, price, weight, proof, tags, more)
    SELECT 1 + n % 40, n / 8.0, n / 3.0, sha256(n::text::bytea), ARRAY['a', n::text], jsonb_build_object('n', n)
    FROM generate_series(1, 500) n;
INSERT INTO audit.y2026 SELECT timestamptz '2026-03-01' + n * interval '1 hour', 'it' FROM generate_series(1, 70) n;
"""
ROWS = 40 + 500 + 70


class Shop:
    """A small live database in the target's cluster and an empty bucket, with the environment that names both."""

    def __init__(self, target: EmbeddedTarget, name: str) -> None:
        self.name = name
        self.bucket = name.replace("_", "-")
        known = target.environment()
        self.environ: dict[str, str] = {
            **known,
            "DATABASE_URL": f"{known['DATABASE_URL'].rpartition('/')[0]}/{name}",
            "PGDATABASE": name,
            "AWS_BACKUP_BUCKET": self.bucket,
            "BACKUP_ENCRYPTION_KEY": KEY,
        }
        self.s3 = s3_of(known)

    @classmethod
    @contextmanager
    def opened(cls, target: EmbeddedTarget, options: str = "", schema: str = SCHEMA) -> Iterator[Shop]:
        """A shop with its tables filled; `options` end its CREATE DATABASE. It is gone afterwards."""
        target.start({"postgres", "aws", "third_parties"})
        shop = cls(target, f"shop_{secrets.token_hex(4)}")
        shop.s3.create_bucket(
            Bucket=shop.bucket, CreateBucketConfiguration={"LocationConstraint": shop.environ["AWS_REGION"]}
        )
        shop.sql(f"CREATE DATABASE {shop.name} {options}", dbname="postgres")
        try:
            shop.sql(schema)
            yield shop
        finally:
            for name in shop.databases():
                shop.sql(f'DROP DATABASE "{name}" WITH (FORCE)', dbname="postgres")
            shop.s3.close()

    @contextmanager
    def connected(self, dbname: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A session in autocommit, with the shop's database unless told otherwise."""
        known = self.environ
        with psycopg.connect(
            host=known["PGHOST"],
            port=int(known["PGPORT"]),
            user=known["PGUSER"],
            password=known["PGPASSWORD"],
            dbname=dbname or self.name,
            autocommit=True,
        ) as connection:
            yield connection

    def sql(self, text: str, dbname: str | None = None) -> None:
        """Runs statements."""
        with self.connected(dbname) as connection:
            connection.execute(text.encode())

    def rows(self, text: str, dbname: str | None = None) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.connected(dbname) as connection:
            return connection.execute(text.encode()).fetchall()

    def databases(self) -> list[str]:
        """The shop's database and everything that a run made beside it."""
        found = self.rows(
            f"SELECT datname FROM pg_database WHERE starts_with(datname, '{self.name}') ORDER BY 1",  # noqa: S608
            dbname="postgres",
        )
        return [str(name) for (name,) in found]

    def oid(self) -> int:
        """Which database has the live name: a restore changes it, a refusal must not."""
        found = self.rows(f"SELECT oid FROM pg_database WHERE datname = '{self.name}'", dbname="postgres")  # noqa: S608
        return int(found[0][0])

    def contents(self, dbname: str | None = None) -> dict[str, str]:
        """Table → MD5 of its sorted rows: computed by other means than the command's own."""
        sums = {}
        with self.connected(dbname) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'audit')"
            ).fetchall()
            for schema, table in tables:
                row = connection.execute(
                    sql.SQL(
                        "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM ONLY {} t"
                    ).format(sql.Identifier(schema, table))
                ).fetchone()
                sums[f"{schema}.{table}"] = str(row[0]) if row else ""
        return sums

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """`beautycort database-backup …`, started."""
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, "database-backup", *words],
            cwd=ROOT,
            env={**self.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`beautycort database-backup …`, run to its end."""
        process = self.start(*words, **variables)
        stdout, stderr = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def answer(self, *words: str, code: int = 0, **variables: str) -> Any:
        """What the command prints as JSON, when it ends with that exit code."""
        done = self.run(*words, "--format", "json", **variables)
        assert code == done.returncode, f"{done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def backed_up(self, *words: str, **variables: str) -> str:
        """Makes a backup; gives its key."""
        done = self.run("backup", *words, "--format", "json", **variables)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return str(json.loads(done.stdout)["location"]).removeprefix(f"s3://{self.bucket}/")

    def objects(self) -> list[str]:
        """Every key in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return sorted(entry["Key"] for entry in listed)

    def read(self, key: str) -> bytes:
        """An object's bytes."""
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def write(self, key: str, body: bytes) -> None:
        """Puts an object in place of what was there."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def manifest(self, key: str) -> dict[str, Any]:
        """The manifest of a backup."""
        document: dict[str, Any] = json.loads(self.read(f"{key}.manifest.json"))
        return document

    def rewrite(self, key: str, changes: Mapping[str, Any]) -> None:
        """Changes some fields of a backup's manifest, as its owner can: authenticated anew."""
        document = sealed({**self.manifest(key), **changes}, bytes.fromhex(KEY))
        self.write(f"{key}.manifest.json", json.dumps(document).encode())

    def uploads(self) -> list[Any]:
        """Multipart uploads that were neither completed nor aborted."""
        return list(self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ()))
