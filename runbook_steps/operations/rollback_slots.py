"""The API slots behind the proxy: who gets requests, what runs, and a restart of one."""

from __future__ import annotations

import re
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.own_word import trouble
from runbook_steps.operations.settings import required

__all__ = ["Clock", "Slot", "Slots"]

_SERVER = re.compile(r"^(?P<head>\s*server\s+\S+?:(?P<port>\d+)\b[^;]*?)(?P<down>\s+down)?;", re.MULTILINE)
_ASK_S = 5.0
_PAUSE_S = 0.05
_IN_A_ROW = 6  # answers from others: with two slots by turns, a slot that still serves is seen in two


class Clock:
    """The time that is left. Times in seconds."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._end = time.monotonic() + limit_s

    def left(self) -> float:
        """Seconds until the limit. Raises OperationError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise OperationError(f"stopped: {self._limit_s / 60:g} minutes are over, the longest it may take")
        return left

    def wait(self, seconds: float) -> None:
        """Waits, at most to the limit. Raises OperationError at the limit."""
        time.sleep(min(seconds, self.left()))
        self.left()


@dataclass(frozen=True)
class Slot:
    """One API process: where it answers, and its number, from 1, which its container's name ends with."""

    number: int
    url: str

    @property
    def port(self) -> int | None:
        """As the proxy names it."""
        return urlsplit(self.url).port

    def version(self) -> str:
        """What it says it runs; empty when it does not answer."""
        try:
            answer = httpx.get(f"{self.url}/api/version", timeout=_ASK_S, trust_env=False)
            return str(answer.raise_for_status().json()["version"] or "")
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ""

    def healthy(self) -> bool:
        """Whether it says that it can serve: a status of 200 alone is no such word."""
        try:
            return not trouble(httpx.get(f"{self.url}/api/health", timeout=_ASK_S, trust_env=False))
        except httpx.HTTPError:
            return False


class Slots:
    """All slots of API_SLOTS, and the list of upstream servers of the nginx in NGINX_PREFIX."""

    def __init__(self, environ: Mapping[str, str], tell: Callable[[str], None]) -> None:
        """Raises ConfigurationError naming what is missing."""
        found = required(environ, "API_SLOTS", "API_BASE_URL", "NGINX_PREFIX")
        self.all = tuple(Slot(i, url.rstrip("/")) for i, url in enumerate(found["API_SLOTS"].split(), start=1))
        self._proxy = found["API_BASE_URL"].rstrip("/")
        self._upstream = Path(found["NGINX_PREFIX"]) / "upstream.d" / "slots.conf"
        self._trusted = ssl.create_default_context(cafile=environ.get("SSL_CERT_FILE") or None)
        self._tell = tell

    def serve_with(self, slots: Iterable[Slot], clock: Clock) -> None:
        """Only these get requests from now on; returns when no other one does. Raises OperationError."""
        serving = {slot.port for slot in slots}
        self._write(lambda port: port not in serving)
        others = {f"api_{slot.number}" for slot in self.all if slot.port not in serving}
        in_a_row = 0
        while others and in_a_row < _IN_A_ROW:
            in_a_row = in_a_row + 1 if self._served_by() not in others else 0
            clock.wait(_PAUSE_S)

    def serve_with_what_is_healthy(self) -> None:
        """Puts every slot back that can serve; all of them if none can, so that the proxy asks."""
        good = {slot.port for slot in self.all if slot.healthy()} or {slot.port for slot in self.all}
        self._write(lambda port: port not in good)

    def renew(self, clock: Clock, wait_for: Callable[[Slot], None]) -> None:
        """Creates every container anew that settings or release were changed for, one half after the other.

        A restart would keep both as they were when the container was created. The second half is taken away and
        created first, while the first one serves. `wait_for` returns when a slot is as it should be. Raises
        OperationError with what docker said.
        """
        middle = len(self.all) // 2
        first, second = self.all[:middle], self.all[middle:]
        if first:
            self.serve_with(first, clock)
            self._compose(clock, "--no-recreate", len(first))
            self._compose(clock, "--no-recreate", len(self.all))
            for slot in second:
                wait_for(slot)
            self.serve_with(second, clock)
        self._compose(clock, "", len(self.all))
        for slot in self.all:
            wait_for(slot)

    def _compose(self, clock: Clock, how: str, slots: int) -> None:
        words = [
            "docker",
            "compose",
            "up",
            "-d",
            "--no-deps",
            *([how] if how else []),
            "--scale",
            f"api={slots}",
            "api",
        ]
        self._run(words, clock.left())

    def _served_by(self) -> str:
        try:
            with httpx.Client(trust_env=False, verify=self._trusted, timeout=_ASK_S) as client:
                return str(client.get(f"{self._proxy}/api/version").headers.get("x-served-by", ""))
        except httpx.HTTPError as error:
            raise OperationError(f"the proxy does not answer ({type(error).__name__}): see runbook nginx") from error

    def _write(self, down: Callable[[int], bool]) -> None:
        try:
            text = self._upstream.read_text("utf-8")
            wanted = _SERVER.sub(lambda m: m["head"] + (" down;" if down(int(m["port"])) else ";"), text)
            if wanted != text:
                fresh = self._upstream.with_suffix(".new")
                fresh.write_text(wanted, "utf-8")
                fresh.replace(self._upstream)
        except OSError as error:
            raise OperationError(f"{self._upstream}: {error.strerror}; the proxy was not changed") from error
        # also when the file was so already: a killed run may have written it, and not told the proxy
        self._run(["nginx", "-t"], _ASK_S)
        self._run(["nginx", "-s", "reload"], _ASK_S)

    def _run(self, command: list[str], limit_s: float) -> None:
        self._tell(" ".join(command))
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
        except subprocess.TimeoutExpired as error:
            raise OperationError(f"`{' '.join(command)}` did not end within {limit_s:.0f} s") from error
        except OSError as error:
            raise OperationError(f"`{command[0]}` cannot be run: {error.strerror}") from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or [""]
            raise OperationError(f"`{' '.join(command)}` ended with {done.returncode}: {said[0]}")
