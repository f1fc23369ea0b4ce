"""What the guard shows to a cluster: a token, a file that holds one, a password, or what a program fetches.

A program (`exec`, as for EKS or GKE) is run here, as kubectl would run it, with this process' own environment:
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runbook_steps.engine.guards.services.http_message import CannotBeAsked

__all__ = ["Credential", "credential_of"]

_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_FETCH_S = 30.0
_EARLY = timedelta(seconds=60)  # a token is fetched again before it ends

Credential = Callable[[], tuple[tuple[str, str], ...]]
"""The headers of a request, as they are now; it may fetch, and raises CannotBeAsked when they cannot be had."""


def credential_of(
    user: Mapping[str, Any], file: Path, cluster: Mapping[str, Any], variables: Mapping[str, str]
) -> Credential:
    """Of a user of the kubeconfig `file`. Raises ValueError, without a secret, for what cannot be used."""
    as_user = (("Impersonate-User", _line(str(user["as"]), file)),) if user.get("as") else ()
    if token := str(user.get("token") or ""):
        bearer = (("Authorization", f"Bearer {_line(token, file)}"), *as_user)
        return lambda: bearer
    if named := user.get("tokenFile"):
        there = file.parent / str(named)
        return lambda: (("Authorization", f"Bearer {_read(there)}"), *as_user)  # it is renewed where it lies
    if said := user.get("exec"):
        program = _Program.of(said, file, cluster, variables)
        return lambda: (("Authorization", f"Bearer {program.token()}"), *as_user)
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        basic = (("Authorization", f"Basic {base64.b64encode(pair).decode()}"), *as_user)
        return lambda: basic
    return lambda: as_user


def _line(value: str, file: Path) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError(f"{file}: a credential in it holds a line break")
    return value


def _read(file: Path) -> str:
    try:
        return _line(file.read_text("utf-8").strip(), file)
    except (OSError, ValueError) as error:
        raise CannotBeAsked(f"the token in {file} cannot be read ({type(error).__name__})") from None


@dataclass(frozen=True)
class _Command:
    words: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path

    @property
    def name(self) -> str:
        return Path(self.words[0]).name


class _Program:
    """A program that fetches a token, and the token until it ends."""

    def __init__(self, command: _Command) -> None:
        self._command = command
        self._token = ""
        self._ends: datetime | None = None
        self._fetching = threading.Lock()

    @classmethod
    def of(
        cls, said: Mapping[str, Any], file: Path, cluster: Mapping[str, Any], variables: Mapping[str, str]
    ) -> _Program:
        """Raises ValueError for a plug-in of another version than is known."""
        version = said.get("apiVersion")
        if version not in _VERSIONS:
            raise ValueError(f"{file}: its `exec` is of a version that the guard does not know")
        if said.get("interactiveMode") == "Always":
            raise ValueError(f"{file}: its `exec` asks a person, and the guard is none")
        program = str(said["command"])
        if os.sep in program:
            program = str(file.parent / program)
        about: dict[str, Any] = {"interactive": False}
        if said.get("provideClusterInfo"):
            about["cluster"] = {
                key: cluster[key]
                for key in ("server", "certificate-authority-data", "tls-server-name")
                if key in cluster
            }
        info = {"apiVersion": version, "kind": "ExecCredential", "spec": about}
        own = {str(each["name"]): str(each["value"]) for each in said.get("env") or []}
        environment = {**os.environ, **variables, **own, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        words = (program, *(str(each) for each in said.get("args") or []))
        return cls(_Command(words, environment, file.parent))

    def token(self) -> str:
        """As it is now. Raises CannotBeAsked."""
        with self._fetching:
            if not self._token or (self._ends is not None and datetime.now(UTC) > self._ends - _EARLY):
                self._token, self._ends = _fetched(self._command)
            return self._token


def _fetched(command: _Command) -> tuple[str, datetime | None]:
    said = f"`{command.name}`, which fetches the credential of the cluster,"
    try:
        done = subprocess.run(
            command.words,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_FETCH_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotBeAsked(f"{said} gives no answer within {_FETCH_S:.0f} seconds") from None
    except OSError as error:
        raise CannotBeAsked(f"{said} cannot be run ({error.strerror})") from None
    if done.returncode:
        raise CannotBeAsked(f"{said} ends with {done.returncode}: run it by hand, it says why")
    try:
        status = json.loads(done.stdout)["status"]
        token = status.get("token") or ""
        ends = status.get("expirationTimestamp")
        when = datetime.fromisoformat(ends) if ends else None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotBeAsked(f"{said} gives an answer that is no credential") from None
    if not isinstance(token, str) or not token or "\n" in token or "\r" in token:
        raise CannotBeAsked(f"{said} gives no token; certificates are not done")
    return token, when if when is None or when.tzinfo else when.replace(tzinfo=UTC)
