"""A physical standby: made of the live server with pg_basebackup, following it, able to fall behind."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from runbook_steps.engine.errors import CheckFailed, FaultError, NotRunnableHere
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl
from runbook_steps.faults.sessions import wait_until

__all__ = ["SLOT", "ReplicaFollows", "ReplicaLags", "ReplicaRefused", "SlotForgotten"]

SLOT = "beautycort_replica_gone"
NAME = "beautycort_replica"
REFUSING = "host replication all all reject"
BACKUP_S = 60
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2): a killed run leaves no standby behind

Connect = Callable[..., AbstractContextManager[Any]]


class ReplicaFollows:
    """A standby of the live server, on a port of its own."""

    def __init__(self, connect: Connect, control: ServiceControl, environment: Mapping[str, str]) -> None:
        """`environment` holds the address of the live server: PG*."""
        self._connect = connect
        self._control = control
        self._environment = environment
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    @property
    def name(self) -> str:
        """What is there."""
        return "a replica follows the database"

    @property
    def url(self) -> str:
        """Its address, without user and password: they are taken from PG*."""
        return f"postgres://127.0.0.1:{self.port}/{self._environment['PGDATABASE']}"

    @property
    def full_url(self) -> str:
        """Its address with user and password: secret."""
        given = urlsplit(self._environment["DATABASE_URL"])
        return given._replace(netloc=given.netloc.replace(f":{given.port}", f":{self.port}")).geturl()

    def arrange(self) -> None:
        """Copies the live server and starts the copy as its standby. Raises FaultError when it does not start."""
        pid = self._control.pid("postgres")
        if pid is None:
            raise FaultError("the database does not run: a replica needs one to follow")
        primary = psutil.Process(pid)
        programs, owner = self._programs(primary), primary.uids().real
        group = primary.gids().real
        with self._connect() as live:
            self._folder = Path(live.execute("SHOW data_directory").fetchone()[0]).parent / "standby"
        shutil.rmtree(self._folder, ignore_errors=True)
        plain = {name: value for name, value in self._environment.items() if name.startswith("PG") or name == "PATH"}
        as_owner: dict[str, Any] = {"user": owner, "group": group, "extra_groups": []} if os.geteuid() == 0 else {}
        made = subprocess.run(
            [str(programs / "pg_basebackup"), "-D", str(self._folder), "-X", "stream", "-c", "fast", "-R", "--no-sync"],
            env={**plain, "PGAPPNAME": NAME}, cwd="/", capture_output=True, text=True, timeout=BACKUP_S,
            check=False, **as_owner,
        )  # fmt: skip
        if made.returncode != 0:
            raise FaultError(f"pg_basebackup failed: {made.stderr.strip()[-300:]}")
        self._server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(self._folder), "-p", str(self.port),
             "-c", f"primary_conninfo={self._conninfo()}", "-c", "wal_retrieve_retry_interval=100ms"],
            env=plain, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent, start_new_session=True, **as_owner,  # noqa: PLW1509 - no other thread forks here
        )  # fmt: skip
        wait_until(lambda: self.observe().present, "the replica follows")

    def _programs(self, primary: psutil.Process) -> Path:
        """Beside the server; where that runs in a container, those on the target's PATH."""
        beside = Path(primary.exe()).parent
        found = shutil.which("pg_basebackup", path=self._environment.get("PATH"))
        return beside if (beside / "pg_basebackup").is_file() or found is None else Path(found).resolve().parent

    def _conninfo(self) -> str:
        host, port, user = (self._environment[name] for name in ("PGHOST", "PGPORT", "PGUSER"))
        return f"host={host} port={port} user={user} application_name={NAME}"  # the password is in its environment

    def replica(self) -> psycopg.Connection[Any]:
        """A connection to the standby, in autocommit."""
        return psycopg.connect(
            self.url, user=self._environment["PGUSER"], password=self._environment["PGPASSWORD"],
            autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def administered(self, administer: Connect) -> AbstractContextManager[Any]:
        """A connection to the standby of whoever may pause its replay."""
        return administer(host="127.0.0.1", port=self.port)

    def observe(self) -> Observation:
        """Asks the primary who follows it, and the standby whether it answers.

        Raises NotRunnableHere where others follow: what is checked behind it is known of the drill's own alone.
        """
        with self._connect() as live:
            rows = live.execute("SELECT state FROM pg_stat_replication WHERE application_name = %s", [NAME]).fetchall()
            others = live.execute(
                "SELECT DISTINCT application_name FROM pg_stat_replication WHERE application_name <> %s", [NAME]
            ).fetchall()
        if others and self._server is None:
            names = ", ".join(str(name) for (name,) in others)
            raise NotRunnableHere(f"replicas follow ({names}), and none of a drill: by hand, as the page says")
        answers = False
        if rows == [("streaming",)]:
            try:
                self.replica().close()
                answers = True
            except psycopg.OperationalError:
                answers = False
        return Observation(answers, f"replicas: {', '.join(state for (state,) in rows) or 'none'}")

    def clear(self) -> None:
        """Stops it and removes its files."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(20)
            self._server = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        with self._connect() as live:
            wait_until(
                lambda: (
                    not live.execute("SELECT FROM pg_stat_replication WHERE application_name = %s", [NAME]).fetchall()
                ),
                "the replica is forgotten",
            )


class ReplicaLags:
    """A standby whose replay was paused, and a primary that goes on writing."""

    def __init__(self, connect: Connect, follows: ReplicaFollows, administer: Connect | None = None) -> None:
        self._connect = connect
        self._follows = follows
        self._administer = administer or connect

    @property
    def name(self) -> str:
        """What is broken."""
        return "the replica lags behind"

    def arrange(self) -> None:
        """Pauses the replay, and writes something on the primary."""
        with self._follows.administered(self._administer) as replica:
            replica.execute("SELECT pg_wal_replay_pause()")
            wait_until(
                lambda: replica.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() == ("paused",),
                "the replay is paused",
            )
        with self._connect() as live:
            live.execute("CREATE TABLE notifications AS SELECT g AS id FROM generate_series(1, 2000) AS g")
        wait_until(lambda: self.observe().present, "the replica is behind")

    def observe(self) -> Observation:
        """Asks the primary for the bytes that were sent and not replayed."""
        with self._connect() as live:
            row = live.execute(
                "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint FROM pg_stat_replication "
                "WHERE application_name = %s", [NAME],
            ).fetchone()  # fmt: skip
        behind = int(row[0] or 0) if row else 0
        return Observation(behind > 65_536, f"{behind} bytes behind")  # noqa: PLR2004 - far above what a checkpoint writes

    def clear(self) -> None:
        """Lets it go on, and removes what was written."""
        with self._follows.administered(self._administer) as replica:
            replica.execute("SELECT pg_wal_replay_resume()")
        with self._connect() as live:
            live.execute("DROP TABLE IF EXISTS notifications")
        wait_until(lambda: not self.observe().present, "the replica has caught up")


class ReplicaRefused:
    """A primary whose rules let no replica in any more: the one that follows is cut off."""

    def __init__(self, connect: Connect, administer: Connect | None = None) -> None:
        """`administer()` opens a connection of whom the server lets load its rules."""
        self._connect = connect
        self._administer = administer or connect
        self._before = ""

    @property
    def name(self) -> str:
        """What is broken."""
        return "the primary refuses its replica"

    def arrange(self) -> None:
        """Adds the rule, in front of all others, and ends the connection that is there."""
        with self._administer() as admin:
            file = self._rules(admin)
            self._before = file.read_text("utf-8")
            file.write_text(f"{REFUSING}\n{self._before}", "utf-8")
            admin.execute("SELECT pg_reload_conf()")
            wait_until(lambda: refuses_replicas(admin.info), "the rule is read")
            wait_until(lambda: self._cut_off(admin), "the replica is cut off")

    def _cut_off(self, live: Any) -> bool:
        followers = live.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication").fetchall()
        return not followers

    def observe(self) -> Observation:
        """Comes as a replica would, and asks the primary who follows: its rules only an administrator may read."""
        with self._connect() as live:
            refuses = refuses_replicas(live.info)
            (followers,) = live.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
        said = "refuses" if refuses else "lets in"
        return Observation(refuses and not followers, f"the primary {said} replicas, {followers} follow")

    def clear(self) -> None:
        """Puts the rules back."""
        if not self._before:
            return
        with self._administer() as admin:
            self._rules(admin).write_text(self._before, "utf-8")
            admin.execute("SELECT pg_reload_conf()")
            wait_until(lambda: not refuses_replicas(admin.info), "the rules of before are read")

    def _rules(self, live: Any) -> Path:
        return Path(live.execute("SHOW hba_file").fetchone()[0])


def refuses_replicas(where: psycopg.ConnectionInfo) -> bool:
    """Whether the rules of that server turn a replica away that comes from here. Raises CheckFailed: cannot tell.

    The rules are asked before the right REPLICATION is: a role without it hears which of the two it was.
    """
    try:
        psycopg.connect(
            host=where.host, port=where.port, user=where.user, password=where.password, dbname=where.dbname,
            replication="true", autocommit=True, connect_timeout=5,
        ).close()  # fmt: skip
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[-1]
        if "pg_hba.conf rejects replication connection" in said or "no pg_hba.conf entry for replication" in said:
            return True
        if "permission denied to start WAL sender" in said or "must be superuser or replication role" in said:
            return False
        raise CheckFailed(f"could not look: {said}") from error
    return False


class SlotForgotten:
    """A replication slot of a replica that is gone: the server keeps all WAL for it."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    @property
    def name(self) -> str:
        """What is broken."""
        return "a replication slot is kept for nobody"

    def arrange(self) -> None:
        """Makes it, and writes."""
        with self._connect() as live:
            live.execute("SELECT pg_create_physical_replication_slot(%s, true)", [SLOT])

    def observe(self) -> Observation:
        """Looks for slots that nobody reads."""
        with self._connect() as live:
            rows = live.execute("SELECT slot_name FROM pg_replication_slots WHERE NOT active").fetchall()
        return Observation(bool(rows), f"slots without a reader: {', '.join(n for (n,) in rows) or 'none'}")

    def clear(self) -> None:
        """Drops it."""
        with self._connect() as live:
            live.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", [SLOT]
            )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGQUIT)
