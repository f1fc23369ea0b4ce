"""Faults of the host, made by hand: what a process or a file system does to it, and the site that is watched."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.monitoring.stack import Monitoring
from runbook_steps.stand_in.monitoring.watched_host import MEMORY, OTHERS
from runbook_steps.steps.accounts import code_sent_to

__all__ = ["LEAKING", "SPINNING", "Site", "filled", "greedy", "small_volume", "without_inodes"]

SPINNING = "while True: pass"
LEAKING = f"held = b'x' * {MEMORY - OTHERS}; input()"


class Site:
    """The target, its monitoring, and ways to use it."""

    def __init__(self, target: EmbeddedTarget, monitoring: Monitoring) -> None:
        self.target = target
        self.monitoring = monitoring
        self.environment = target.environment()
        self.slot = self.environment["API_SLOTS"].split()[0]
        self.redis = redis.Redis.from_url(self.environment["REDIS_URL"], protocol=2)

    def connect(self, **more: Any) -> psycopg.Connection[Any]:
        """To the database, in autocommit."""
        return psycopg.connect(self.environment["DATABASE_URL"], autocommit=True, connect_timeout=5, **more)

    def administer(self, **more: Any) -> psycopg.Connection[Any]:
        """The same as administrator: for what an owner may not break."""
        own = {"user": self.environment["ADMIN_USER"], "password": self.environment["ADMIN_PASSWORD"]}
        return self.connect(**own, **more)

    def search(self, number: int) -> int:
        """One search, past the proxy; another number is another search. Gives the status."""
        return self.ask(f"/api/providers?lat=31.{number % 10_000:04}&lng=35.9")

    def ask(self, path: str, headers: Mapping[str, str] | None = None) -> int:
        """The status of a GET at a slot."""
        return httpx.get(f"{self.slot}{path}", headers=headers, timeout=20, trust_env=False).status_code

    def signed_in(self) -> Mapping[str, str]:
        """What the requests of a customer carry who has just signed in."""
        said: dict[str, str] = {"phone": f"+96279000{secrets.randbelow(10_000):04d}"}
        self._post("/api/auth/otp/request", said)
        said["code"] = code_sent_to(said["phone"], self.environment["TWILIO_API_URL"])
        return {"Authorization": f"Bearer {self._post('/api/auth/otp/verify', said)['accessToken']}"}

    def _post(self, path: str, said: Mapping[str, str]) -> Any:
        answer = httpx.post(f"{self.slot}{path}", json=said, timeout=20, trust_env=False).raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def small_volume(site: Site, options: tuple[str, ...], fill: Callable[[Path], None]) -> Iterator[None]:
    """A file system of its own, as root: really full, as the node exporter sees it."""
    folder = Path(site.environment["TMPDIR"]) / "volume"
    image, mounted = folder.with_suffix(".img"), folder
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", *options, str(image)], check=True, capture_output=True, timeout=30)
    subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True, capture_output=True, timeout=30)
    site.monitoring.host.has(volume=mounted)
    try:
        fill(mounted)
        yield
    finally:
        subprocess.run(["umount", str(mounted)], check=True, capture_output=True, timeout=30)
        mounted.rmdir()
        image.unlink()


def filled(folder: Path) -> None:
    """No byte is left."""
    with suppress(OSError), (folder / "big").open("wb") as file:
        while True:
            file.write(bytes(1024 * 1024))


def without_inodes(folder: Path) -> None:
    """No file can be made."""
    with suppress(OSError):
        for number in range(10_000):
            (folder / str(number)).touch()


@contextmanager
def greedy(site: Site, program: str) -> Iterator[None]:
    """A process that takes all it can get of the host that is watched."""
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-c", program], stdin=subprocess.PIPE
    )
    site.monitoring.host.has(process=process.pid)
    try:
        yield
    finally:
        process.kill()
        process.communicate()
