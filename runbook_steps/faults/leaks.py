"""Secrets that somebody else knows: the one that signs tokens, and the password of a database role."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import psycopg
import redis
from psycopg import sql

from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["LEAKED_ROLE", "NEW_ROLE", "LeakedPassword", "LeakedRoleOfTheApplication", "StolenSecret"]

LEAKED_ROLE, NEW_ROLE = "beautycort_drill_partner", "beautycort_drill_successor"
_SLOTS = ("api_1", "api_2")
Connect = Callable[..., AbstractContextManager[Any]]
_FORGED_S = 3600  # longer than any real access token lives


class StolenSecret:
    """An attacker signs a token of his own, for the session of a customer, and every slot takes it."""

    def __init__(
        self, control: ServiceControl, store: redis.Redis, environment: Mapping[str, str], customer: Mapping[str, Any]
    ) -> None:
        """`customer` are the claims of a token that the API gave."""
        self._control = control
        self._store = store
        self._file = Path(environment["API_ENV_FILE"])
        self._slots = environment["API_SLOTS"].split()
        self._secret = environment["JWT_SECRET"]
        self._customer = customer
        self._before: str | None = None
        self.token = ""

    @property
    def name(self) -> str:
        """What is broken."""
        return "the JWT secret was stolen"

    def arrange(self) -> None:
        """Forges the token."""
        self._before = self._file.read_text("utf-8") if self._file.exists() else ""
        now = int(time.time())
        claims = {**self._customer, "jti": uuid.uuid4().hex, "iat": now, "exp": now + _FORGED_S}
        self.token = jwt.encode(claims, self._secret, algorithm="HS256")

    def answers(self) -> list[int]:
        """What each slot answers to the forged token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return [
            httpx.get(f"{slot}/api/users/me", headers=headers, timeout=10, trust_env=False).status_code
            for slot in self._slots
        ]

    def observe(self) -> Observation:
        """Asks every slot."""
        answers = self.answers()
        return Observation(httpx.codes.OK in answers, f"the slots answer {answers} to the forged token")

    def clear(self) -> None:
        """Puts the settings back, restarts the slots if they were changed, and ends the session."""
        self._store.delete(f"session:{self._customer['sid']}")
        if self._before is not None and self._file.read_text("utf-8") != self._before:
            self._file.write_text(self._before, "utf-8")
            self._control.recreate(_SLOTS)


class LeakedPassword:
    """A role whose password is known to somebody else, who has a session open; the server logs what alters a role."""

    def __init__(self, connect: Connect, administer: Connect | None = None) -> None:
        """`connect()` opens a connection of the role that made the leaked one, `administer()` the administrator's."""
        self._connect = connect
        self._administer = administer or connect
        self._password = secrets.token_urlsafe(16)
        self._session: psycopg.Connection[Any] | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the password of {LEAKED_ROLE} leaked"

    def arrange(self) -> None:
        """Makes the role, and comes in with its password."""
        with self._administer() as admin:
            _drop(admin)
        with self._connect() as owner:  # whoever makes a role may alter it: as in production
            owner.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(LEAKED_ROLE), sql.Literal(self._password)
                )
            )
        self._log_what_alters_a_role("SET log_statement = 'ddl'")
        self._session = self.come_in(self._password)

    def come_in(self, password: str) -> psycopg.Connection[Any]:
        """Opens a session of the role. Raises psycopg.OperationalError when the password is refused."""
        with self._connect() as admin:
            where = admin.info
            return psycopg.connect(
                host=where.host, port=where.port, dbname=where.dbname, user=LEAKED_ROLE, password=password,
                autocommit=True, connect_timeout=5,
            )  # fmt: skip

    def is_inside(self) -> bool:
        """Whether the session that was opened with the old password still works."""
        try:
            return self._session is not None and self._session.execute("SELECT 1").fetchone() is not None
        except psycopg.OperationalError:
            return False

    def observe(self) -> Observation:
        """Tries the password that leaked."""
        try:
            self.come_in(self._password).close()
        except psycopg.OperationalError:
            return Observation(False, "the password that leaked is refused")
        return Observation(True, "the password that leaked lets in whoever has it")

    def clear(self) -> None:
        """Closes the session and drops the role."""
        if self._session is not None:
            self._session.close()
        self._log_what_alters_a_role("RESET log_statement")
        with self._administer() as admin:  # what the role was granted only it, or a superuser, takes back
            _drop(admin)

    def _log_what_alters_a_role(self, how: str) -> None:
        """Of the role that works here; which statements are logged, only the administrator says."""
        with self._connect() as own, self._administer() as admin:
            admin.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(own.info.user), sql.SQL(how)))


class LeakedRoleOfTheApplication(LeakedPassword):
    """The application itself signs in with the password that leaked: whoever changes it first stops the application."""

    def __init__(
        self,
        connect: Connect,
        control: ServiceControl,
        environment: Mapping[str, str],
        administer: Connect | None = None,
    ) -> None:
        super().__init__(connect, administer)
        self._control = control
        self._file = Path(environment["API_ENV_FILE"])
        self._before: str | None = None

    def arrange(self) -> None:
        """Gives the role what the application needs, and the application the role."""
        super().arrange()
        with self._connect() as admin:
            role = sql.Identifier(LEAKED_ROLE)
            for what in ("SCHEMA", "ALL TABLES IN SCHEMA", "ALL SEQUENCES IN SCHEMA"):
                admin.execute(sql.SQL("GRANT ALL ON {} public TO {}").format(sql.SQL(what), role))
            where = admin.info
            address = (
                f"postgresql://{LEAKED_ROLE}:{quote(self._password, safe='')}@{where.host}:{where.port}/{where.dbname}"
            )
        self._before = self._file.read_text("utf-8")
        self._file.write_text(f"{self._before}DATABASE_URL={address}\n", "utf-8")
        self._control.recreate(_SLOTS)

    def clear(self) -> None:
        """Gives the application its own role back, and drops both."""
        if self._before is not None:
            self._file.write_text(self._before, "utf-8")
            self._control.recreate(_SLOTS)
        super().clear()


def _drop(admin: Any) -> None:
    for role in (NEW_ROLE, LEAKED_ROLE):
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", [role])
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
