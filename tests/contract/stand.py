"""A stand-in for staging: URLs of the embedded target, with a recording proxy before each service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.recording import Recording, recorded

__all__ = ["ROOT", "Stand", "stood_in"]

ROOT = Path(__file__).parents[2]
_PARTS = ("postgres", "redis", "aws", "third_parties", "api_1", "api_2")
_WORDS = re.compile(rb"\*\d+\r\n\$\d+\r\n(\w+)\r\n(?:\$\d+\r\n([\w.-]+)\r\n)?")
_READ = {"GET", "TTL", "INFO", "SCAN", "PING", "AUTH", "HELLO", "CLIENT", "CONFIG", "DBSIZE", "TYPE", "EXISTS",
         "STRLEN", "MEMORY", "COMMAND", "SELECT", "PTTL", "HGETALL", "LLEN", "SLOWLOG", "ACL", "KEYS", "QUIT", "MGET",
         "HGET", "ZRANGE", "SMEMBERS", "LATENCY", "OBJECT", "ROLE", "LASTSAVE", "TIME"}  # fmt: skip
_STATEMENT = re.compile(rb"[QP]\x00[\x00-\xff]{3}(?:[\w]*\x00)?\s*(?:--[^\n]*\n\s*)*([A-Za-z]+)")
_SQL_READ = {"SELECT", "SHOW", "EXPLAIN", "WITH", "SET", "BEGIN", "COMMIT", "ROLLBACK", "VALUES", "COPY", "TABLE",
             "LOCK"}  # fmt: skip
_REQUEST = re.compile(rb"^([A-Z]+) (\S+) HTTP/1\.1\r$", re.MULTILINE)


@dataclass(frozen=True)
class Stand:
    """The stand-in: its variables for a run, and the recordings."""

    variables: dict[str, str]
    recordings: dict[str, Recording]
    access_log: Path

    def run(
        self, folder: Path, *arguments: str, cwd: Path | str = ROOT, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """`pytest … --target staging` in a process of its own."""
        command = [sys.executable, "-m", "pytest", "--target", "staging", "-q", "-p", "no:cacheprovider", *arguments]
        command += ["--evidence-dir", str(folder / "evidence"), "--journal-dir", str(folder / "journal")]
        environment = {**os.environ, **self.variables, **more}
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=900, check=False
        )

    def writes(self) -> list[str]:
        """What was sent that changes something, judged from the wire and not by our own guard."""
        redis = {word.decode().upper() for sent in self._sent("redis") for word, _ in _WORDS.findall(sent)}
        sql = {word.decode().upper() for sent in self._sent("postgres") for word in _STATEMENT.findall(sent)}
        found = [f"Redis {word}" for word in redis - _READ] + [f"SQL {word}" for word in sql - _SQL_READ]
        for part in set(self.recordings) - {"redis", "postgres"}:
            sent = b"\n".join(self._sent(part))
            actions = set(re.findall(rb"Action=(\w+)|operation/(\w+)|(?i:x-amz-target): \w+\.(\w+)", sent))
            named = {(one or two or three).decode() for one, two, three in actions}
            found += [f"{part} {name}" for name in named if not re.match(r"Describe|Get|List", name)]
            allowed = {b"GET", b"HEAD", b"OPTIONS"} | ({b"POST"} if named else set())
            found += [f"{part} {m.decode()} {to.decode()}" for m, to in _REQUEST.findall(sent) if m not in allowed]
        return sorted(found)

    def requests_so_far(self) -> int:
        """How many lines the proxy of the stand-in has logged."""
        return len(self.access_log.read_text().splitlines())

    def written_through_the_proxy(self, since: int) -> list[str]:
        """Lines of nginx's own log, after that many, that are no reading request."""
        lines = self.access_log.read_text().splitlines()[since:]
        return [line for line in lines if not re.search(r'"(GET|HEAD|OPTIONS) |"method": ?"(GET|HEAD|OPTIONS)"', line)]

    def _sent(self, part: str) -> list[bytes]:
        return [bytes(each) for each in self.recordings[part].sent] if part in self.recordings else []


@contextmanager
def stood_in(target: EmbeddedTarget, *, kubernetes: bool = False) -> Iterator[Stand]:
    """URLs that lead through the recordings, everything else as the target has it."""
    environment = target.environment()
    ports, parts = target.layout.ports, (*_PARTS, *(("kubernetes",) if kubernetes else ()))
    with ExitStack() as stack:
        certificates = {"kubernetes": target.layout.kubernetes}
        recordings = {
            part: stack.enter_context(recorded(("127.0.0.1", ports[part]), certificates.get(part))) for part in parts
        }
        text = json.dumps(dict(environment))
        for part, recording in recordings.items():
            text = text.replace(f":{ports[part]}", f":{recording.port}").replace(
                f'"{ports[part]}"', f'"{recording.port}"'
            )
        variables = {f"STAGING_{name}": value for name, value in json.loads(text).items()}
        for name in ("PATH", "HOME", "TMPDIR", "LANG", "TZ", "RUNBOOKS_TARGET", "KUBECONFIG"):
            variables.pop(f"STAGING_{name}", None)
        if kubernetes:
            config = target.layout.directory / "stand-in.kubeconfig"
            config.touch(mode=0o600)
            written = target.layout.kubeconfig.read_text("utf-8")
            config.write_text(written.replace(f":{ports['kubernetes']}", f":{recordings['kubernetes'].port}"))
            variables["STAGING_KUBECONFIG"] = str(config)
        yield Stand(variables, recordings, Path(environment["NGINX_ACCESS_LOG"]))
