"""What the backups say was there, and the live database no longer has: lost data, looked at from outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from psycopg import sql

from runbook_steps.engine.run.situation import Observation

__all__ = ["KEPT_SHARE", "Backups", "rows_now", "what_is_lost"]

PREFIX = "beautycort-backup-"
KEPT_SHARE = 0.95  # a table that has fewer of its rows than that has lost some; a few are deleted every day

Connect = Callable[..., AbstractContextManager[Any]]


class Backups:
    """The backups of one database in a bucket, as their manifests tell of them. Reads only."""

    def __init__(self, s3: Any, bucket: str, database: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._database = database

    def manifests(self) -> list[Mapping[str, Any]]:
        """Of that database, the newest first. Raises what boto3 raises where the bucket cannot be read."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        found = [self._read(key) for key in keys if key.endswith(".manifest.json")]
        own = [each for each in found if each["database"] == self._database]
        return sorted(own, key=lambda each: str(each["created"]), reverse=True)

    def _read(self, key: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        return found

    def location(self, manifest: Mapping[str, Any]) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self._bucket}/{manifest['key']}"

    def newest_with_what_is_lost(self, connect: Connect) -> tuple[Mapping[str, Any] | None, Observation]:
        """The newest backup that has what the live database has no longer; None when there is none."""
        manifests = self.manifests()
        if not manifests:
            return None, Observation(False, f"there is no backup of {self._database} to compare with")
        with connect() as live:
            now = rows_now(live, {table for manifest in manifests for table in manifest["tables"]})
        for manifest in manifests:
            if lost := what_is_lost(manifest, now):
                return manifest, Observation(True, f"since the backup of {manifest['created']}: {'; '.join(lost)}")
        return None, Observation(False, f"{len(manifests)} backups, and no table has lost rows since")


def rows_now(live: Any, tables: Iterable[str]) -> dict[str, int]:
    """Rows of those tables, `schema.name`, that are there."""
    found = {}
    for table in sorted(tables):
        schema, _, name = table.partition(".")
        there = live.execute(
            "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s", [schema, name]
        ).fetchone()
        if there:
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
            found[table] = int(live.execute(query).fetchone()[0])
    return found


def what_is_lost(manifest: Mapping[str, Any], now: Mapping[str, int], share: float = KEPT_SHARE) -> list[str]:
    """Tables of the backup that are gone, or have less than `share` of its rows, in words."""
    told = []
    for table, entry in sorted(manifest["tables"].items()):
        if table not in now:
            told.append(f"the table {table} with {entry['rows']} rows")
        elif now[table] < share * entry["rows"]:
            told.append(f"{entry['rows'] - now[table]} of {entry['rows']} rows of {table}")
    return told
