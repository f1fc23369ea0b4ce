"""Starts the monitoring, asks it, ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded.ports import hold_ports
from runbook_steps.stand_in.monitoring.config import (
    POSTGRES_TARGETS,
    alertmanager_of_the_drill,
    blackbox_of_the_drill,
    postgres_source,
    prometheus_config,
)
from runbook_steps.stand_in.monitoring.units import Units
from runbook_steps.stand_in.monitoring.watched_host import WatchedHost

__all__ = ["Monitoring"]

_READY_S = 60.0
_PAUSE_S = 0.1
_ASKING = ("prometheus", "alertmanager")
_CONNECTED = ("postgres_exporter", "redis_exporter")
"""Those that hold a connection to what they read; the others hold none."""
_ANOTHER = "another postgres_exporter"
_UNITS = {f"prometheus-{name}-exporter": f"{name}_exporter" for name in ("blackbox", "node", "postgres", "redis")}
"""Unit, as Debian calls it → service."""
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")  # a killed run leaves nothing behind


@dataclass(frozen=True)
class Ringing:
    """One alert that rings: its labels, and where its notification leads."""

    labels: Mapping[str, str]
    runbook_url: str


class Monitoring:
    """One Prometheus with its exporters. `folder` is private and removed by its owner; `programs` from find_programs.

    Its processes end with this one, however it ends.
    """

    def __init__(self, folder: Path, programs: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._folder = folder
        (folder / "textfile").mkdir(exist_ok=True)
        self._programs = programs
        self._environment = environment
        self._held = hold_ports([*programs, _ANOTHER])
        self._ports = {name: int(held.getsockname()[1]) for name, held in self._held.items()}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._assets = folder
        self._since = datetime.now(UTC)
        self._resting = False
        self.host = WatchedHost(folder / "host")
        self.units: Units | None = None
        self._client = httpx.Client(timeout=20, trust_env=False)

    def prepare(self, rules: str, routes: str, assets: Path) -> None:
        """Starts Prometheus and Alertmanager alone, and returns at once: the first looks up whom to ask for seconds.

        `assets` holds the two files of exporters.
        """
        (self._folder / "rules.yml").write_text(rules, "utf-8")
        (self._folder / "alertmanager.yml").write_text(alertmanager_of_the_drill(routes), "utf-8")
        probes = blackbox_of_the_drill((assets / "blackbox.yml").read_text("utf-8"))
        (self._folder / "blackbox.yml").write_text(probes, "utf-8")
        slots = self._environment["API_SLOTS"].split()
        site = self._environment["API_BASE_URL"].rstrip("/")
        self._assets = assets
        self._watch_postgres()
        config = prometheus_config(self._ports, slots, site)
        (self._folder / "prometheus.yml").write_text(config, "utf-8")
        for name in _ASKING:
            self._start(name)

    def rest(self) -> None:
        """Until `start` they ask nobody, as soon as they know whom to ask."""
        if not self._resting and self._knows_whom_to_ask():
            self._stop_asking()

    def start(self) -> None:
        """After `prepare`: returns when everything was read once. Raises TargetError."""
        self.host.write()
        self.host.run()
        exporters = [name for name in self._commands(self._assets) if name not in _ASKING]
        for name in exporters:
            self._start(name)
        self._wait("its exporters listen", lambda: all(self._listens(name) for name in exporters))
        self._go_on_asking()
        pids = {unit: partial(self._running, service) for unit, service in _UNITS.items()}
        self.units = Units(self._folder / "units", pids, lambda unit: self.restart(_UNITS[unit]))

    def pause(self) -> None:
        """Asks nobody and holds no connection to what it watches, until `resume`: that takes a second, a start six."""
        for name in _CONNECTED:
            self._end(name)
        self._stop_asking()

    def resume(self) -> None:
        """Returns when everything was read again. Raises TargetError."""
        for name in _CONNECTED:
            self._start(name)
        self._wait("its exporters listen", lambda: all(self._listens(name) for name in _CONNECTED))
        self._go_on_asking()

    def ringing(self, alert: str) -> tuple[Ringing, ...]:
        """What Alertmanager knows to ring under that name, also while another alert explains it."""
        answer = self._get("alertmanager", "/api/v2/alerts", params={"filter": f'alertname="{alert}"'}).json()
        return tuple(Ringing(each["labels"], each["annotations"].get("runbook_url", "")) for each in answer)

    def value(self, query: str) -> float | None:
        """The first value that Prometheus gives for the query, None when it knows none."""
        found = self._get("prometheus", "/api/v1/query", params={"query": query}).json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def looks(self) -> bool:
        """Whether every exporter answers and reaches what it reads: else no alert rings, and nothing is well.

        A Prometheus that has read nothing yet has not looked.
        """
        # the replica of an earlier scenario is forgotten within five seconds of it: nobody needs to wait for that
        known = "" if _ANOTHER in self._processes else f'{{instance!="127.0.0.1:{self._ports[_ANOTHER]}"}}'
        silent = f"count(up{known} == 0) or count(pg_up{known} == 0) or count(redis_up == 0)"
        return self.value(f"{silent} or absent(up) or absent(pg_up) or absent(redis_up)") is None

    def pid(self, service: str) -> int:
        """The process of one of its programs."""
        return self._processes[service].pid

    def restart(self, service: str) -> None:
        """Starts one of its programs anew, whether it runs or not."""
        self._end(service)
        self._start(service)

    @contextmanager
    def another_postgres(self, database_url: str) -> Iterator[None]:
        """Reads another server too, a replica: with an exporter of its own, as production has it."""
        port = self._ports[_ANOTHER]
        arguments, _ = self._commands(self._assets)["postgres_exporter"]
        listening = [each for each in arguments if not each.startswith("--web.listen-address")]
        source = {"DATA_SOURCE_NAME": postgres_source(database_url)}
        arguments = [f"--web.listen-address=127.0.0.1:{port}", *listening]
        self._processes[_ANOTHER] = self._run(_ANOTHER, arguments, source)
        try:
            self._watch_postgres(port)
            yield
        finally:
            self._watch_postgres()
            self._end(_ANOTHER)

    def _watch_postgres(self, *more: int) -> None:
        """Tells Prometheus, which looks at the file by itself."""
        targets = [f"127.0.0.1:{port}" for port in (self._ports["postgres_exporter"], *more)]
        made = self._folder / "postgres.new"
        made.write_text(json.dumps([{"targets": targets}]), "utf-8")
        made.rename(self._folder / POSTGRES_TARGETS)

    def textfile(self, name: str, text: str) -> Path:
        """Gives the node exporter a file to read, at once and whole; where it lies."""
        made = self._folder / "textfile" / f"{name}.new"
        made.write_text(text, "utf-8")
        return made.rename(made.with_suffix(".prom"))

    def close(self) -> None:
        """Ends every process; idempotent."""
        self.host.close()
        if self.units is not None:
            self.units.close()
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()
        self._client.close()
        for held in self._held.values():
            held.close()

    # -- inside -------------------------------------------------------------------------------------
    def _stop_asking(self) -> None:
        self._resting = True
        for name in _ASKING:
            self._processes[name].send_signal(signal.SIGSTOP)

    def _go_on_asking(self) -> None:
        self._since = datetime.now(UTC)
        self._resting = False
        for name in _ASKING:  # who is asked listens by now: each is overdue, and so is read at once
            self._processes[name].send_signal(signal.SIGCONT)
        self._wait("Prometheus has read everything", self._has_read)

    def _knows_whom_to_ask(self) -> bool:
        with suppress(TargetError):
            return bool(self._get("prometheus", "/api/v1/targets").json()["data"]["activeTargets"])
        return False

    def _start(self, name: str) -> None:
        self._processes[name] = self._run(name, *self._commands(self._assets)[name])

    def _listens(self, name: str) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._ports[name]), timeout=1):
            return True
        return False

    def _running(self, service: str) -> int | None:
        process = self._processes.get(service)
        return process.pid if process is not None and process.poll() is None else None

    def _end(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def _commands(self, assets: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
        folder, ports = self._folder, self._ports
        own = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        queries = f"--extend.query-path={assets / 'postgres-exporter-queries.yml'}"
        given = self._environment
        return {
            "postgres_exporter": (
                [
                    f"--web.listen-address={own['postgres_exporter']}", queries, "--disable-default-metrics",
                    "--disable-settings-metrics", "--no-collector.database", "--no-collector.bgwriter",
                ],
                {"DATA_SOURCE_NAME": postgres_source(given["DATABASE_URL"])},
            ),
            "redis_exporter": (
                [f"-web.listen-address={own['redis_exporter']}"],
                {
                    "REDIS_ADDR": f"redis://{given['REDIS_HOST']}:{given['REDIS_PORT']}",
                    "REDIS_PASSWORD": given["REDISCLI_AUTH"],
                },
            ),
            "node_exporter": (
                [
                    f"--web.listen-address={own['node_exporter']}",
                    f"--collector.textfile.directory={folder / 'textfile'}",
                    "--collector.disable-defaults", "--collector.cpu", "--collector.meminfo",
                    "--collector.filesystem", "--collector.textfile", f"--path.procfs={self.host.procfs}",
                    "--collector.filesystem.mount-points-exclude=^$",
                ],
                {},
            ),
            "blackbox_exporter": (
                [f"--web.listen-address={own['blackbox_exporter']}", f"--config.file={folder / 'blackbox.yml'}"],
                {"SSL_CERT_FILE": given.get("SSL_CERT_FILE", "")},
            ),
            "alertmanager": (
                [
                    f"--web.listen-address={own['alertmanager']}", "--cluster.listen-address=",
                    f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alertmanager'}",
                ],
                {},
            ),
            "prometheus": (
                [
                    f"--web.listen-address={own['prometheus']}", f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'prometheus'}", "--storage.tsdb.retention.time=1h",
                    "--scrape.discovery-reload-interval=100ms",  # else a target waits for up to five seconds
                    "--rules.alert.resend-delay=1s",  # one that was sent before Alertmanager listened comes again
                ],
                {},
            ),
        }  # fmt: skip

    def _run(self, name: str, arguments: list[str], own: Mapping[str, str]) -> subprocess.Popen[bytes]:
        kept = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder), "LANG": "C.UTF-8"}
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*_ENDS_WITH_US, self._programs[name.removeprefix("another ")], *arguments],
                env={**kept, **own},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _get(self, service: str, path: str, params: Mapping[str, str] | None = None) -> httpx.Response:
        try:
            answer = self._client.get(f"http://127.0.0.1:{self._ports[service]}{path}", params=params)
        except httpx.HTTPError as error:
            raise TargetError(f"{service} does not answer: {error}{self._died()}") from error
        if answer.status_code != httpx.codes.OK:
            raise TargetError(f"{service} answered {answer.status_code} for {path}: {answer.text[:200]}")
        return answer

    def _has_read(self) -> bool:
        with suppress(TargetError):
            targets: list[dict[str, Any]] = self._get("prometheus", "/api/v1/targets").json()["data"]["activeTargets"]
            self._get("alertmanager", "/api/v2/status")
            return bool(targets) and all(datetime.fromisoformat(each["lastScrape"]) > self._since for each in targets)
        return False

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _READY_S
        while not condition():
            if time.monotonic() > end or self._died():
                raise TargetError(f"not within {_READY_S:g} s: {what}{self._died()}")
            time.sleep(_PAUSE_S)

    def _died(self) -> str:
        """The last words of each process that ended by itself."""
        said = ""
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = (self._folder / f"{name}.log").read_text("utf-8", errors="replace").strip()
                said += f"; {name} ended: {log.splitlines()[-1] if log else 'without a word'}"
        return said
