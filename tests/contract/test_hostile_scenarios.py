"""Scenarios that say `risk_readonly` and try to write, on a stand-in for staging: each is stopped, and named.

The proof is what the recordings before the services hold, not what the guard says of itself.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import redis

from runbook_steps.guards.guard import can_lock_down
from runbook_steps.targets.embedded import EmbeddedTarget
from tests.contract.stand import Stand

pytestmark = pytest.mark.skipif(not can_lock_down(), reason="this kernel cannot lock a command down")

OUTSIDE = Path("/var/tmp")
PYTHON = "import os, socket, sys, urllib.parse as u"
SLEEP = "98765"  # seconds: a number by which the test finds the process


def python(*lines: str) -> str:
    """A command that is a Python program, in a here-document."""
    return "\n".join(["python3 - <<'PY'", PYTHON, *lines, "PY"])


HOSTILE: dict[str, tuple[str, str]] = {
    "SQL deletes": ('psql -c "delete from bookings"', "PostgreSQL: DELETE"),
    "SQL switches the guard off": (
        'psql -c "set default_transaction_read_only=off; drop table bookings"',
        "PostgreSQL: SET default_transaction_read_only",
    ),
    "SQL in a common table expression": (
        'psql -c "with gone as (delete from bookings returning id) select count(*) from gone"',
        "PostgreSQL: DELETE",
    ),
    "SQL by a function that acts": ("psql -c 'select pg_terminate_backend(1)'", "pg_terminate_backend()"),
    "SQL moves a sequence": ("psql -c \"select nextval('bookings_id_seq')\"", "nextval()"),
    "SQL writes a large object": ("psql -c \"select lo_import('/etc/hostname')\"", "lo_import()"),
    "SQL reads the server's files": ("psql -c \"select pg_read_file('/etc/passwd')\"", "pg_read_file()"),
    "SQL copies to a program": (
        "psql -c \"copy users to program 'cat > /var/tmp/users'\"",
        "COPY other than TO STDOUT",
    ),
    "SQL defines a function": (
        "psql -c \"create function gone() returns void language sql as 'delete from users'\"",
        "PostgreSQL: CREATE FUNCTION",
    ),
    "SQL in a block": ("psql <<'SQL'\ndo $$ begin delete from users; end $$\nSQL", "PostgreSQL: DO"),
    "SQL over the options": ("PGOPTIONS='-c default_transaction_read_only=off' psql -c 'truncate users'", "SET default_transaction_read_only"),
    "SQL swallowed": ("psql -c 'drop table users' || true", "PostgreSQL: DROP"),
    "Redis is emptied": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" FLUSHALL', "Redis: FLUSHALL"),
    "Redis runs a script": (
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" EVAL "return redis.call(\'flushall\')" 0 >/dev/null 2>&1 || :',
        "Redis: EVAL",
    ),
    "Redis by a bare connection": (
        'exec 3<>"/dev/tcp/$REDIS_HOST/$REDIS_PORT"; printf "FLUSHALL\\r\\n" >&3; timeout 3 cat <&3',
        "Redis: FLUSHALL",
    ),
    "Redis by a program": (
        python(
            "at = u.urlsplit(os.environ['REDIS_URL'])",
            "with socket.create_connection((at.hostname, at.port)) as s:",
            "    s.sendall(b'*3\\r\\n$3\\r\\nSET\\r\\n$6\\r\\nhostil\\r\\n$1\\r\\nx\\r\\n'); s.recv(100)",
        ),
        "Redis: SET",
    ),
    "HTTP posts": ('curl -sS -X POST "$API_BASE_URL/api/auth/otp/request" -d "{}"', "POST /api/auth/otp/request"),
    "HTTP hides in a shell": (
        "sh -c 'c=curl; $c -sS --data @- ${API_BASE_URL}/api/bookings < /dev/null' || true",
        "POST /api/bookings",
    ),
    "HTTP hides in a file": (
        'printf \'url = "%s/api/bookings/1"\\nrequest = "DELETE"\\n\' "$API_BASE_URL" > k; curl -sS -K k',
        "DELETE /api/bookings/1",
    ),
    "HTTP overrides its method": (
        'curl -sS -H "X-HTTP-Method-Override: DELETE" "$API_BASE_URL/api/bookings/1"',
        "DELETE /api/bookings/1",
    ),
    "HTTP avoids proxies": (
        'env -i PATH="$PATH" curl -sS --noproxy "*" -k -d "{}" "$API_BASE_URL/api/bookings" || true',
        "POST /api/bookings",
    ),
    "HTTP to an instance": ('curl -sS -d "{}" "${API_SLOTS%% *}/api/bookings"', "POST /api/bookings"),
    "HTTP to a third party": ('curl -sS -d "{}" "$TAP_API_URL/v2/charges"', "POST /tap/v2/charges"),
    "HTTP smuggles a second request": (
        python(
            "at = u.urlsplit(os.environ['API_SLOTS'].split()[0])",
            "with socket.create_connection((at.hostname, at.port)) as s:",
            "    s.sendall(b'GET /api/health HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\n'",
            "              b'Transfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n'",
            "              b'DELETE /api/bookings/1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')",
            "    sys.exit(0 if s.recv(10) else 3)",
        ),
        "a request that cannot be judged",
    ),
    "S3 removes": ('aws s3 rm "s3://$AWS_BACKUP_BUCKET/any"', "AWS: DELETE /"),
    "S3 puts": ('echo gone | aws s3 cp - "s3://$AWS_BACKUP_BUCKET/any" 2>/dev/null || true', "AWS: PUT /"),
    "The load balancer loses a target": (
        'aws elbv2 deregister-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets Id=10.20.0.11',
        "AWS: DeregisterTargets",
    ),
    "A direct connection, by the settings": (
        python(
            "for part in open('/proc/%d/environ' % os.getppid(), 'rb').read().split(b'\\0'): pass",
            "s = socket.create_connection(('127.0.0.1', {postgres}), 3)",
        ),
        "",
    ),
    "A direct connection, swallowed": (
        python("try: socket.create_connection(('127.0.0.1', {redis}), 3)", "except OSError: pass"),
        "Kernel: TCP to 127.0.0.1:{redis}, past the guard",
    ),
    "Multipath TCP": (
        python("s = socket.socket(2, 1, 262)", "s.connect(('127.0.0.1', {redis}))", "s.sendall(b'FLUSHALL\\r\\n')"),
        "Kernel: a socket for protocol 262",
    ),
    "TCP Fast Open": (
        python("s = socket.socket()", "s.sendto(b'FLUSHALL\\r\\n', 0x20000000, ('127.0.0.1', {redis}))"),
        "Kernel: TCP Fast Open",
    ),
    "UDP": ("echo gone > /dev/udp/127.0.0.1/9 || true", "Kernel: a socket for UDP"),
    "A UNIX socket": (
        python("s = socket.socket(socket.AF_UNIX)", "s.connect({unix!r})", "s.sendall(b'x')"),
        "Kernel: the UNIX socket {unix}",
    ),
    "A UNIX datagram": (
        python("s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)", "s.sendto(b'x', {unix!r})"),
        "Kernel: a UNIX datagram socket",
    ),
    "A file of the host": (f"echo gone > {OUTSIDE}/hostile-file", f"Kernel: opening {OUTSIDE}/hostile-file"),
    "A file of the host, swallowed": ("rm -f {victim} 2>/dev/null || true", "Kernel: removing {victim}"),
    "The mode of a file": ("chmod 000 {victim} || true", "Kernel: changing the mode of {victim}"),
    "The times of a file": ("touch -d 2001-01-01 {victim} || true", "Kernel: changing the times of {victim}"),
    "A link out of the folder": (
        "ln -s {victim} link; echo gone >> link || true",
        "Kernel: opening {victim} for writing",
    ),
    "A writer that stays": (
        f"nohup setsid env -i /bin/sh -c 'sleep {SLEEP}; echo gone > own' >/dev/null 2>&1 & sleep 0.2",
        "Kernel: left running when it ended: ",
    ),
    "A signal to others": ("kill -9 {other} || true", "Kernel: a signal to python"),
}
KUBERNETES = {
    "Kubernetes deletes": ("kubectl delete deployment api || true", "Kubernetes: DELETE /apis/apps/v1/"),
    "Kubernetes scales": ("kubectl scale deployment api --replicas=0", "Kubernetes: PATCH /apis/apps/v1/"),
    "Kubernetes by its API": (
        "at=$(sed -n 's/.*server: //p' \"$KUBECONFIG\"); curl -sS -X DELETE $at/api/v1/namespaces/default/pods/any",
        "Kubernetes: DELETE /api/v1/namespaces/default/pods/any",
    ),
}


@dataclass(frozen=True)
class Tried:
    """The run of all of them: what pytest said, what the evidence holds, what was sent."""

    code: int
    said: str
    records: dict[str, Any]
    names: dict[str, str]
    writes: list[str]
    left: list[int]


def feature_of(cases: dict[str, tuple[str, str]], names: dict[str, str]) -> str:
    """One scenario each."""
    parts = ["@risk_readonly", "Feature: Hostile", ""]
    for name, (command, _) in cases.items():
        indented = textwrap.indent(filled(command, names), "      ")
        parts += [f"  Scenario: {name}", "    When I only look:", '      """bash', indented, '      """']
        parts += ["    Then it ends with exit code 0", ""]
    return "\n".join(parts) + "\n"


def filled(text: str, names: dict[str, str]) -> str:
    """The text with its places filled, other braces untouched."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value).replace(f"{{{name}!r}}", repr(value))
    return text


def all_cases() -> dict[str, tuple[str, str]]:
    """Those that this machine has the tools for."""
    return {**HOSTILE, **(KUBERNETES if shutil.which("kubectl") else {})}


@pytest.fixture(scope="module")
def tried(whole: EmbeddedTarget, stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """`pytest features/ --target staging` on a project of nothing but hostile scenarios."""
    folder = tmp_path_factory.mktemp("hostile")
    victim = folder / "victim"
    victim.write_text("kept")
    other = psutil.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    names = {
        "redis": str(whole.layout.ports["redis"]),
        "postgres": str(whole.layout.ports["postgres"]),
        "unix": str(whole.layout.control_socket),
        "victim": str(victim),
        "other": str(other.pid),
    }
    (folder / "features").mkdir()
    (folder / "features/hostile.feature").write_text(feature_of(all_cases(), names))
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = ["--strict-markers"]\n')
    seen = stand.requests_so_far()
    try:
        done = stand.run(folder, "features/", cwd=folder)
        alive = other.is_running() and other.status() != psutil.STATUS_ZOMBIE
    finally:
        other.kill()
        other.wait()
    filed = folder / "evidence/staging.json"
    assert filed.exists(), done.stdout + done.stderr
    evidence = json.loads(filed.read_text())
    records = {record["scenario"]: record for record in evidence["scenarios"]}
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", SLEEP]]
    writes = stand.writes() + stand.written_through_the_proxy(seen) + ([] if alive else ["a signal"])
    writes += [] if victim.read_text() == "kept" and victim.stat().st_mode & 0o777 else ["the victim"]
    writes += [str(file) for file in OUTSIDE.glob("hostile-file")]
    return Tried(done.returncode, done.stdout, records, names, writes, left)


@pytest.mark.parametrize("case", all_cases())
def test_each_is_stopped_and_named(tried: Tried, case: str) -> None:
    """The scenario is red, its failure says what was tried, and so does the page: it is in the evidence."""
    record = tried.records[case]
    error = next((step["error"] for step in record["steps"] if step["outcome"] == "failed"), "")
    assert record["outcome"] == "failed", record["steps"][0]["stderr"]
    assert filled(all_cases()[case][1], tried.names) in error + record["reason"], record["steps"][0]["stderr"]
    assert "readonly" in error or "read-only" in error


def test_nothing_was_written_anywhere(tried: Tried) -> None:
    """Neither to a service, as the recordings tell, nor to the host; nothing stayed behind."""
    assert tried.code == 1
    assert tried.writes == []
    assert tried.left == []


def test_there_are_more_than_twenty(tried: Tried) -> None:
    """And every one of them ran."""
    assert len(tried.records) == len(all_cases()) > 20


def test_the_recordings_would_show_a_write(tried: Tried, stand: Stand) -> None:
    """One of each kind, sent past the guard, is seen: an empty list means that nothing was sent."""
    assert tried.writes == []
    with redis.Redis(port=stand.recordings["redis"].port, password=stand.variables["STAGING_REDISCLI_AUTH"]) as client:
        client.set("drill:seen", "1", ex=1)
    url = stand.variables["STAGING_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as database, contextlib.suppress(psycopg.Error):
        database.execute("DELETE FROM bookings WHERE false")
    for part in ("api_1", "third_parties", "aws"):
        httpx.post(f"http://127.0.0.1:{stand.recordings[part].port}/seen", content=b"x", trust_env=False)
    assert {"Redis SET", "SQL DELETE", "api_1 POST /seen", "aws POST /seen", "third_parties POST /seen"} <= set(
        stand.writes()
    )
