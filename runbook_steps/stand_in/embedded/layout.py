"""Where everything of one run lives: folder, ports, secrets. Values only; nothing here starts anything."""

from __future__ import annotations

import hashlib
import json
import secrets as random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runbook_steps.engine.errors import TargetError

__all__ = [
    "ALB_NAME",
    "API_SLOTS",
    "AWS_REGION",
    "BUCKET",
    "DATABASE",
    "DATABASE_ADMIN",
    "DATABASE_USER",
    "DEFAULT_SLOTS",
    "FIRST_RELEASE",
    "LAYOUT_FILE",
    "PORT_NAMES",
    "SCRATCH_DATABASE",
    "Layout",
    "draw_secrets",
    "read_layout",
    "target_address",
]

API_SLOTS = tuple(f"api_{number}" for number in range(1, 7))
DEFAULT_SLOTS = 2
PORT_NAMES = ("postgres", "redis", "nginx", "aws", "third_parties", *API_SLOTS, "kubernetes")
DATABASE = DATABASE_USER = "beautycort"  # production-interfaces.md, "Services"
SCRATCH_DATABASE = "beautycort_scratch"  # BACKUP_SCRATCH_DATABASE: the owner's, with what only a superuser creates
DATABASE_ADMIN = "beautycort_admin"  # the server's superuser, whom production gives to nobody
BUCKET = "beautycort-backups"  # production-interfaces.md, "Services"
ALB_NAME = "beautycort-alb"  # production-interfaces.md, "Services"
AWS_REGION = "me-south-1"
LAYOUT_FILE = "run.json"
FIRST_RELEASE = "1.1.0"  # what a new target's slots run


@dataclass(frozen=True)
class Secrets:
    """The secret values of one run; `backup_key` is 64 hex digits, `jwt` at least 32 characters."""

    postgres: str
    redis: str
    jwt: str
    service_key: str
    aws_key: str
    backup_key: str
    kubernetes: str = ""
    postgres_admin: str = ""

    def values(self) -> frozenset[str]:
        """Every form in which a secret may turn up: as it is, and quoted as in a URL."""
        plain = set(asdict(self).values()) - {""}
        return frozenset(plain | {quote(value, safe="") for value in plain})


def draw_secrets(fixed: str | None = None) -> Secrets:
    """Random secrets; with `fixed`, all are that value or made of it, so that a test can look for it."""
    if fixed is None:
        return Secrets(
            postgres=random.token_urlsafe(24),
            redis=random.token_urlsafe(24),
            jwt=random.token_urlsafe(48),
            service_key=random.token_urlsafe(32),
            aws_key=random.token_urlsafe(30),
            backup_key=random.token_hex(32),
            kubernetes=random.token_urlsafe(24),
            postgres_admin=random.token_urlsafe(24),
        )
    return Secrets(
        postgres=fixed,
        redis=fixed,
        jwt=f"{fixed}-jwt-".ljust(48, "j"),
        service_key=f"{fixed}-service-key",
        aws_key=f"{fixed}-aws-key",
        backup_key=hashlib.sha256(fixed.encode()).hexdigest(),
        kubernetes=f"{fixed}-kubernetes",
        postgres_admin=f"{fixed}-administrator",
    )


def target_address(slot: str) -> str:
    """What the load balancer calls a slot: its address in the (emulated) private network, port 3000."""
    return f"10.20.0.{10 + API_SLOTS.index(slot) + 1}"


@dataclass(frozen=True)
class Layout:
    """One run. `owner_pid` is None when the run is detached; `owner_start` tells a reused pid apart.

    `account` is the (uid, gid) that PostgreSQL runs as, None for the runner's own.
    `rate_limit` is nginx's, requests per minute and client. `images`, when there are any, name the containers that
    the services run in; without, they are processes of this machine. `checkout` is the project that it was made for.
    `superuser_owner` gives the owner of the database what production does not: see `EmbeddedTarget.create`.
    """

    name: str
    directory: Path
    ports: Mapping[str, int]
    secrets: Secrets
    created: str
    owner_pid: int | None = None
    owner_start: str = ""
    account: tuple[int, int] | None = None
    rate_limit: int = 100
    images: Mapping[str, str] | None = None
    checkout: str = ""
    superuser_owner: bool = False

    # -- folders ------------------------------------------------------------------------------------
    @property
    def control_socket(self) -> Path:
        """Where the keeper listens."""
        return self.directory / "control.sock"

    @property
    def pids(self) -> Path:
        """One file per running service: its pid and start mark."""
        return self.directory / "pids"

    @property
    def bin(self) -> Path:
        """The target's own commands: first on PATH."""
        return self.directory / "bin"

    @property
    def home(self) -> Path:
        """HOME of every command: private, empty at the start."""
        return self.directory / "home"

    @property
    def tmp(self) -> Path:
        """TMPDIR of every command."""
        return self.directory / "tmp"

    @property
    def logs(self) -> Path:
        """LOG_DIR: what the application logs, JSON lines."""
        return self.directory / "logs"

    @property
    def output(self) -> Path:
        """What the services print, one file each."""
        return self.directory / "output"

    @property
    def pgdata(self) -> Path:
        """The cluster."""
        return self.directory / "postgres" / "data"

    @property
    def wal_archive(self) -> Path:
        """POINT_IN_TIME_ARCHIVE: the server archives its WAL there as soon as it has a folder `wal`."""
        return self.directory / "postgres" / "archive"

    @property
    def api_env_file(self) -> Path:
        """API_ENV_FILE: settings that an API slot gets when its container is created."""
        return self.directory / "api" / "api.env"

    def container(self, slot: str) -> Path:
        """What a slot's container was created with: settings and release. Secret."""
        return self.directory / "api" / "containers" / slot

    @property
    def releases(self) -> Path:
        """API_RELEASES: a folder per release, and the symlink `current`."""
        return self.directory / "api" / "releases"

    @property
    def kubeconfig(self) -> Path:
        """KUBECONFIG: secret, mode 0600; there once the part `kubernetes` was started."""
        return self.kubernetes / "kubeconfig"

    @property
    def kubernetes(self) -> Path:
        """The certificates and the kubeconfig of the Kubernetes part."""
        return self.directory / "kubernetes"

    @property
    def nginx(self) -> Path:
        """NGINX_PREFIX."""
        return self.directory / "nginx"

    @property
    def ca_bundle(self) -> Path:
        """The private CA's certificate, PEM."""
        return self.directory / "tls" / "ca.pem"

    def service_log(self, service: str) -> Path:
        """The file that a service's output goes to."""
        return self.output / f"{service}.log"

    # -- addresses ----------------------------------------------------------------------------------
    @property
    def api_base_url(self) -> str:
        """The proxy, TLS."""
        return f"https://localhost:{self.ports['nginx']}"

    def slot_url(self, slot: str) -> str:
        """One API process, without the proxy."""
        return f"http://127.0.0.1:{self.ports[slot]}"

    @property
    def third_parties_url(self) -> str:
        """The stand-ins; each has its own path below."""
        return f"http://127.0.0.1:{self.ports['third_parties']}"

    @property
    def aws_url(self) -> str:
        """The AWS endpoint."""
        return f"http://127.0.0.1:{self.ports['aws']}"

    def database_url(self, database: str = DATABASE) -> str:
        """Secret: holds the password."""
        password = quote(self.secrets.postgres, safe="")
        return f"postgres://{DATABASE_USER}:{password}@127.0.0.1:{self.ports['postgres']}/{database}"

    def admin_url(self, database: str = DATABASE) -> str:
        """The administrator's address, for what arranges a drill. Secret: holds the password."""
        password = quote(self.secrets.postgres_admin, safe="")
        return f"postgres://{DATABASE_ADMIN}:{password}@127.0.0.1:{self.ports['postgres']}/{database}"

    @property
    def redis_url(self) -> str:
        """Secret: holds the password."""
        return f"redis://:{quote(self.secrets.redis, safe='')}@127.0.0.1:{self.ports['redis']}/0"

    # -- on disk ------------------------------------------------------------------------------------
    def to_json(self) -> str:
        """For `run.json`: secret, to be kept mode 0600."""
        return json.dumps({**asdict(self), "directory": str(self.directory)}, indent=1, default=dict)


def read_layout(directory: Path) -> Layout:
    """The layout of the run in that folder. Raises TargetError when it is missing or broken."""
    file = directory / LAYOUT_FILE
    try:
        values: dict[str, Any] = json.loads(file.read_text("utf-8"))
        account = values.pop("account")
        return Layout(
            **{
                **values,
                "directory": Path(values["directory"]),
                "secrets": Secrets(**values["secrets"]),
                "account": tuple(account) if account else None,
            }
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TargetError(f"{file} cannot be read ({error}): `runbooks target prune`, then start again") from error
