"""`pytest --target staging` on a stand-in reached by URLs only, with a recording proxy before each service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook_steps.targets.embedded import EmbeddedTarget
from tests.contract.recording import Recording, recorded

ROOT = Path(__file__).parents[2]
PARTS = ("postgres", "redis", "aws", "third_parties", "api_1", "api_2")
WORDS = re.compile(rb"\*\d+\r\n\$\d+\r\n(\w+)\r\n(?:\$\d+\r\n([\w.-]+)\r\n)?")
READ = {"GET", "TTL", "INFO", "SCAN", "PING", "AUTH", "HELLO", "CLIENT", "CONFIG", "DBSIZE", "TYPE", "EXISTS", "STRLEN",
        "MEMORY", "COMMAND", "SELECT", "PTTL", "HGETALL", "LLEN", "SLOWLOG", "ACL", "KEYS", "QUIT", "MGET", "HGET",
        "ZRANGE", "SMEMBERS", "LATENCY", "OBJECT", "ROLE", "LASTSAVE", "TIME"}  # fmt: skip
STATEMENT = re.compile(rb"[QP]\x00[\x00-\xff]{3}(?:[\w]*\x00)?\s*(?:--[^\n]*\n\s*)*([A-Za-z]+)")
SQL_READ = {
    "SELECT",
    "SHOW",
    "EXPLAIN",
    "WITH",
    "SET",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "VALUES",
    "COPY",
    "TABLE",
    "LOCK",
}


@dataclass(frozen=True)
class Stand:
    """The stand-in: its variables for a run, and the recordings."""

    variables: dict[str, str]
    recordings: dict[str, Recording]
    access_log: Path

    def run(self, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`pytest … --target staging` in a process of its own."""
        command = [sys.executable, "-m", "pytest", "--target", "staging", "-q", "-p", "no:cacheprovider", *arguments]
        command += ["--evidence-dir", str(folder / "evidence"), "--journal-dir", str(folder / "journal")]
        environment = {**os.environ, **self.variables, **more}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
        )


@pytest.fixture(scope="module")
def stand(whole: EmbeddedTarget) -> Iterator[Stand]:
    """URLs that lead through the recordings, everything else as the target has it."""
    environment = whole.environment()
    with ExitStack() as stack:
        ports = whole.layout.ports
        recordings = {part: stack.enter_context(recorded(("127.0.0.1", ports[part]))) for part in PARTS}
        text = json.dumps(dict(environment))
        for part, recording in recordings.items():
            text = text.replace(f":{ports[part]}", f":{recording.port}").replace(
                f'"{ports[part]}"', f'"{recording.port}"'
            )
        variables = {f"STAGING_{name}": value for name, value in json.loads(text).items()}
        for name in ("PATH", "HOME", "TMPDIR", "LANG", "TZ", "RUNBOOKS_TARGET"):
            variables.pop(f"STAGING_{name}", None)
        yield Stand(variables, recordings, Path(environment["NGINX_ACCESS_LOG"]))


@pytest.mark.slow
def test_a_run_on_staging_sends_not_one_write(stand: Stand, tmp_path: Path) -> None:
    """Every scenario there is; what was sent is judged from the wire, not by our own guard."""
    seen = len(stand.access_log.read_text().splitlines())
    done = stand.run(tmp_path, "features/")
    assert done.returncode == 0, done.stdout[-6000:]
    evidence = json.loads((tmp_path / "evidence/staging.json").read_text())
    outcomes = {record["outcome"] for record in evidence["scenarios"]}
    assert outcomes <= {"passed", "not applicable now", "not runnable here"}
    assert "passed" in outcomes

    redis = {word.upper() for sent in stand.recordings["redis"].sent for word, _ in WORDS.findall(sent)}
    assert {word.decode() for word in redis} <= READ
    statements = {word.upper() for sent in stand.recordings["postgres"].sent for word in STATEMENT.findall(sent)}
    assert {word.decode() for word in statements} <= SQL_READ
    for part in ("aws", "third_parties", "api_1", "api_2"):
        sent = b"\n".join(bytes(each) for each in stand.recordings[part].sent)
        methods = set(re.findall(rb"^([A-Z]+) \S+ HTTP/1\.1\r$", sent, re.MULTILINE))
        actions = set(re.findall(rb"Action=(\w+)", sent)) | set(re.findall(rb"operation/(\w+)", sent))
        assert methods <= {b"GET", b"HEAD", b"OPTIONS"} | ({b"POST"} if actions else set()), part
        assert all(re.match(rb"Describe|Get|List", action) for action in actions), actions
    for line in stand.access_log.read_text().splitlines()[seen:]:
        assert re.search(r'"(GET|HEAD|OPTIONS) |"method": ?"(GET|HEAD|OPTIONS)"', line), line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--allow", "destructive"], "add --confirm staging if that is meant"),
        (["--allow", "destructive", "--confirm", "production"], "add --confirm staging if that is meant"),
        (["--allow", "destructive", "--confirm", "staging"], "it has no window set; --now overrides"),
        (["--allow", "mutating", "-n", "2"], "changes to staging run one after another: leave out -n"),
    ],
)
def test_a_change_needs_an_explicit_yes(stand: Stand, tmp_path: Path, arguments: list[str], said: str) -> None:
    """Nothing runs; the message says what is missing."""
    done = stand.run(tmp_path, "features/health/daily-check.feature", *arguments)
    assert (done.returncode, said in done.stdout + done.stderr) == (4, True), done.stdout + done.stderr


def test_production_is_never_changed_by_a_run(stand: Stand, tmp_path: Path) -> None:
    """With every yes there is."""
    variables = {name.replace("STAGING_", "PRODUCTION_"): value for name, value in stand.variables.items()}
    arguments = ["--target", "production", "--allow", "destructive", "--confirm", "production", "--now"]
    done = stand.run(tmp_path, "features/health/daily-check.feature", *arguments, **variables)
    assert done.returncode == 4
    assert "a verification run never changes production" in done.stdout + done.stderr


def test_an_unreachable_service_is_named_in_one_line(stand: Stand, tmp_path: Path) -> None:
    """Which, where, and what to do next; exit code 4."""
    done = stand.run(
        tmp_path, "features/health/daily-check.feature", STAGING_API_BASE_URL="https://u:geheim@127.0.0.1:1"
    )
    said = done.stdout + done.stderr
    assert done.returncode == 4
    assert "does not answer at 127.0.0.1:1 (Connection refused). `runbooks target check staging` tells more" in said
    assert "geheim" not in said


def test_nothing_configured_is_said_in_one_line(tmp_path: Path) -> None:
    """Which variables to set."""
    bare = Stand({}, {}, tmp_path)
    done = bare.run(tmp_path, "features/health/daily-check.feature")
    assert done.returncode == 4
    assert "staging is not configured: set STAGING_API_BASE_URL" in done.stdout + done.stderr


def test_check_tells_what_is_reachable_and_with_which_rights(stand: Stand) -> None:
    """Every part, the user, and what it may write; nothing secret."""
    program = str(Path(sys.executable).with_name("runbooks"))
    done = subprocess.run(
        [program, "target", "check", "staging", "--format", "json"],
        cwd=ROOT,
        env={**os.environ, **stand.variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert {part["part"]: part["good"] for part in document["parts"]} == dict.fromkeys(
        ("api", "postgres", "redis", "aws", "logs"), True
    )
    assert "as beautycort: a superuser" in done.stdout
    for name in ("STAGING_PGPASSWORD", "STAGING_REDISCLI_AUTH", "STAGING_AWS_SECRET_ACCESS_KEY"):
        assert stand.variables[name] not in done.stdout
