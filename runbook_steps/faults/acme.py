"""A certificate authority of one's own that speaks ACME: pebble, the one that Let's Encrypt tests clients with."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from runbook_steps.engine.errors import FaultError, NotRunnableHere
from runbook_steps.engine.targets.protocol import COMMAND_MARK
from runbook_steps.faults.certificates import KINDS, write_pair

__all__ = ["AcmeAuthority"]

_START_S = 20.0
_CERTBOT_S = 60.0
HOST = "localhost"


class AcmeAuthority:
    """Runs in `folder`, on free ports of the loopback; `close` ends it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, COMMAND_MARK: f"{os.getpid()}-fault"}
        self._ports = _free_ports(4)
        self._process: subprocess.Popen[bytes] | None = None
        self._own_ca = folder / "acme-ca.pem"

    @property
    def variables(self) -> dict[str, str]:
        """What certbot is told: where the authority is, where it asks, and where everything is kept."""
        return {
            "ACME_DIRECTORY": f"https://{HOST}:{self._ports[0]}/dir",
            "ACME_HTTP_PORT": str(self._ports[2]),
            "CERTBOT_FOLDER": str(self._folder / "letsencrypt"),
        }

    @property
    def live(self) -> Path:
        """Where certbot keeps the newest pair: links that move with every renewal."""
        return self._folder / "letsencrypt" / "live" / HOST

    def start(self) -> bytes:
        """Starts it; gives the root of what it issues, PEM. Raises NotRunnableHere, FaultError."""
        program = shutil.which("pebble", path=self._environment["PATH"])
        if program is None:
            raise NotRunnableHere("pebble is not on the PATH: there is no authority to ask")
        self._own_ca.write_bytes(write_pair(self._folder / "acme.pem", self._folder / "acme.key", KINDS["renewed"]))
        names = ("listenAddress", "managementListenAddress")
        addresses = {name: f"127.0.0.1:{port}" for name, port in zip(names, self._ports, strict=False)}
        ports = {"httpPort": self._ports[2], "tlsPort": self._ports[3]}
        pair = {"certificate": str(self._folder / "acme.pem"), "privateKey": str(self._folder / "acme.key")}
        config = self._folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {**addresses, **ports, **pair}}), "utf-8")
        self._process = subprocess.Popen(
            [program, "-config", str(config)],
            env={**self._environment, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self._root()

    def issue(self) -> None:
        """The first certificate, asked for by certbot. Raises FaultError."""
        folder = self.variables["CERTBOT_FOLDER"]
        command = [
            "certbot", "certonly", "--standalone", "--non-interactive", "--agree-tos",
            "--register-unsafely-without-email", "--http-01-address", "127.0.0.1",
            "--http-01-port", self.variables["ACME_HTTP_PORT"], "--server", self.variables["ACME_DIRECTORY"],
            "--domain", HOST, "--config-dir", folder, "--work-dir", f"{folder}/work", "--logs-dir", f"{folder}/logs",
        ]  # fmt: skip
        program = shutil.which("certbot", path=self._environment["PATH"])
        if program is None:
            raise NotRunnableHere("certbot is not on the PATH")
        done = subprocess.run(
            [program, *command[1:]],
            env={**self._environment, "REQUESTS_CA_BUNDLE": str(self._own_ca)},
            capture_output=True,
            text=True,
            timeout=_CERTBOT_S,
            check=False,
        )
        if done.returncode != 0:
            raise FaultError(f"certbot got no certificate: {done.stderr.strip()[-500:]}")

    def make_due(self) -> None:
        """From now on certbot takes the certificate for one that ends soon."""
        settings = self._folder / "letsencrypt" / "renewal" / f"{HOST}.conf"
        settings.write_text(f"renew_before_expiry = 3650 days\n{settings.read_text('utf-8')}", "utf-8")

    @property
    def settings(self) -> str:
        """What certbot's own file of settings says here, so that a page's command needs none of it."""
        folder = self.variables["CERTBOT_FOLDER"]
        return (
            f"config-dir = {folder}\nwork-dir = {folder}/work\nlogs-dir = {folder}/logs\n"
            "no-random-sleep-on-renew = true\n"
        )

    @property
    def trusted_by_certbot(self) -> str:
        """The CA of the authority's own web server."""
        return str(self._own_ca)

    def close(self) -> None:
        """Ends it; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _root(self) -> bytes:
        context = ssl.create_default_context(cafile=str(self._own_ca))
        url, end = f"https://{HOST}:{self._ports[1]}/roots/0", time.monotonic() + _START_S
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                    return bytes(answer.read())
            except OSError as error:
                if time.monotonic() > end or (self._process is not None and self._process.poll() is not None):
                    raise FaultError(f"pebble does not answer: {error}") from error
            time.sleep(0.05)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
