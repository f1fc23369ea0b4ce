"""A server that archives its WAL into a folder of its own, and rows that only this archive holds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import sql

from runbook_steps.engine.errors import FaultError, NotRunnableHere
from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.data_loss import RowsDeleted, rows_of
from runbook_steps.faults.lost_rows import Backups

__all__ = ["NewRowsDeleted", "WalArchived"]

_MARK = ".made-by-a-drill"
"""Lies in a folder that `arrange` made. Only such a folder is ever removed: a real archive is the way back."""

Connect = Callable[..., AbstractContextManager[Any]]


class WalArchived:
    """The folder POINT_IN_TIME_ARCHIVE, to which the server archives as soon as it is there."""

    name = "the server archives its WAL"

    def __init__(self, connect: Connect, environment: Mapping[str, str], administer: Connect | None = None) -> None:
        """`environment` is what the command gets; `administer()` opens a connection of whoever prepares the server."""
        self._connect = connect
        self._administer = administer
        named = environment.get("POINT_IN_TIME_ARCHIVE")
        self._folder = Path(named) if named else None

    def arrange(self) -> None:
        """Makes the folder, the server's own. Raises NotRunnableHere without one, FaultError when it is somebody's."""
        if self._folder is None:
            raise NotRunnableHere("the server archives no WAL: POINT_IN_TIME_ARCHIVE is not set")
        if self._folder.exists() and not self._is_ours(self._folder):
            raise FaultError(f"{self._folder} is there already, and a drill did not make it")
        with self._connect() as live:
            data = Path(live.execute("SHOW data_directory").fetchone()[0]).stat()
        for folder in (self._folder, self._folder / "wal"):
            folder.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(folder, data.st_uid, data.st_gid)
            (self._folder / _MARK).touch()
        self._let_archive("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {}")

    def _let_archive(self, how: str) -> None:
        """The right that a moment of minutes ago takes, as the page asks for it; where an administrator is there."""
        if self._administer is None:
            return
        with self._connect(dbname="postgres") as own, self._administer(dbname="postgres") as admin:
            admin.execute(sql.SQL(how).format(sql.Identifier(own.info.user)))

    @staticmethod
    def _is_ours(folder: Path) -> bool:
        return folder.is_absolute() and (folder / _MARK).is_file()

    def observe(self) -> Observation:
        """Asks the server whether it archives, and looks for the folder."""
        with self._connect() as live:
            mode = str(live.execute("SHOW archive_mode").fetchone()[0])
        there = self._folder is not None and (self._folder / "wal").is_dir()
        return Observation(
            mode != "off" and there, f"archive_mode is {mode}, its folder is {'' if there else 'not '}there"
        )

    def clear(self) -> None:
        """Removes the folder that a drill made, and no other: from then on nothing is archived."""
        if self._folder is not None and self._is_ours(self._folder):
            shutil.rmtree(self._folder, ignore_errors=True)
            self._let_archive("REVOKE EXECUTE ON FUNCTION pg_switch_wal() FROM {}")


class NewRowsDeleted(RowsDeleted):
    """Bookings that were made a moment ago are deleted with older ones, before any backup saw them."""

    def __init__(self, connect: Connect, live: str, backups: Backups) -> None:
        super().__init__(connect, live, backups)
        self.kept: dict[str, list[str]] = {}
        self.moment: datetime | None = None
        """Of the server's clock, just before the damage."""

    def _damage(self, live: Any) -> None:
        made = [
            row
            for (row,) in live.execute(
                "INSERT INTO bookings (user_id, provider_id, service_id, date, start_time, end_time, total_price, "
                "platform_fee, provider_earnings, payment_method) SELECT user_id, provider_id, service_id, date + 3000,"
                " start_time, end_time, total_price, platform_fee, provider_earnings, payment_method FROM bookings "
                "WHERE status IN ('pending', 'confirmed') LIMIT 5 RETURNING id"
            ).fetchall()
        ]
        self.kept = rows_of(live)
        self.moment = live.execute("SELECT clock_timestamp()").fetchone()[0]
        super()._damage(live)
        live.execute("DELETE FROM bookings WHERE id = ANY(%s)", [made])
