"""Blocks of the pages, pasted as a person pastes them: what fails stops, and nothing of one block harms the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.errors import CommandFailed
from runbook_steps.engine.model import Command, Result
from runbook_steps.engine.run.pasted import SHELLS, Pasted
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.stand_in.embedded import EmbeddedTarget

ROOT = Path(__file__).parents[2]
Paste = Callable[..., Result]


def block_of(feature: str, purpose: str) -> Command:
    """The command of a feature whose purpose begins so."""
    path = f"features/{feature}.feature"
    runbook = parse_feature((ROOT / path).read_text("utf-8"), path)
    return next(c for p in runbook.procedures for c in p.commands if c.purpose.startswith(purpose))


def like(command: Command, text: str, media_type: str = "bash") -> Command:
    """A command of a test."""
    return replace(command, text=text, media_type=media_type)


ANY = block_of("infrastructure/nginx", "check whether it runs")


@pytest.fixture(params=sorted(SHELLS))
def paste(request: pytest.FixtureRequest, embedded: EmbeddedTarget, tmp_path: Path) -> Iterator[Paste]:
    """Pastes a block into one interactive shell, the same for the whole test."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    shells = Pasted(request.param, tmp_path)
    yield lambda command, **variables: shells.run(command, {**embedded.environment(), **variables})
    shells.close()


def test_an_error_stops_a_block_and_the_shell_goes_on(paste: Paste) -> None:
    """What stands behind the error is not run, and the next block finds the shell as it was."""
    failed = paste(like(ANY, "(\n  set -eu\n  false\n  echo harm\n)"))
    after = paste(like(ANY, "echo $-; echo ${UNSET:-nothing}"))
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert ("e" in after.stdout.split()[0], after.stdout.split()[-1]) == (False, "nothing")


def test_a_block_that_ends_the_shell_is_told(paste: Paste) -> None:
    """A person would lose the window, and read nothing."""
    with pytest.raises(CommandFailed, match="ended the shell that it was pasted into"):
        paste(like(ANY, "set -e\nfalse"))


def test_nobody_signed_out_is_a_failure(paste: Paste, embedded: EmbeddedTarget) -> None:
    """Prefixes that the platform does not have: the command says that it found nothing, and fails."""
    embedded.start({"redis"})
    block = block_of("security/breach-response", "remove them, and nothing else")
    done = paste(block, SIGNED_IN_KEYS="none-like-it: nor-this:")
    assert (done.exit_code, "0 keys before" in done.stdout) == (1, True)
    unset = paste(block, SIGNED_IN_KEYS="")
    assert unset.exit_code != 0


@pytest.mark.parametrize("feature", ["application/high-response-time", "application/redis-out-of-memory"])
@pytest.mark.parametrize("limit", ["0", "1073741824"])
def test_a_limit_is_only_ever_raised(paste: Paste, embedded: EmbeddedTarget, limit: str, feature: str) -> None:
    """Without a limit, or far below it, memory is not the cause: nothing is set."""
    embedded.start({"redis"})
    ask = 'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" config get maxmemory | tail -n 1'
    before = paste(like(ANY, ask)).stdout.strip()
    assert paste(like(ANY, f'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" config set maxmemory {limit}')).exit_code == 0
    try:
        done = paste(block_of(feature, "raise the limit"))
        assert (done.exit_code, "memory is not the cause" in done.stdout) == (1, True)
        assert paste(like(ANY, ask)).stdout.strip() == limit
    finally:
        paste(like(ANY, f'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" config set maxmemory {before}'))


def test_a_block_that_nginx_does_not_read_is_a_failure(paste: Paste, whole: EmbeddedTarget, tmp_path: Path) -> None:
    """A folder that is not there, or that nginx does not include, never passes as a blocked attacker."""
    del whole
    block = block_of("security/breach-response", "block the address")
    elsewhere = tmp_path / "prefix"
    missing = paste(block, ATTACKER="203.0.113.200", NGINX_PREFIX=str(elsewhere))
    (elsewhere / "blocked.d").mkdir(parents=True)
    unread = paste(block, ATTACKER="203.0.113.200", NGINX_PREFIX=str(elsewhere))
    unset = paste(block, ATTACKER="", NGINX_PREFIX=str(elsewhere))
    assert [each.exit_code != 0 for each in (missing, unread, unset)] == [True] * 3
    assert (elsewhere / "blocked.d" / "attack.conf").read_text("utf-8") == "", "a restart would trip over it"


def test_redis_keeps_its_password_where_the_former_one_is_not_known(paste: Paste, embedded: EmbeddedTarget) -> None:
    """An empty one is no password: everybody on the network would be in."""
    embedded.start({"redis"})
    block = block_of("application/redis-connections", "set the password back")
    known = embedded.environment()["REDISCLI_AUTH"]
    refused = paste(block, REDISCLI_AUTH="", NEW_REDIS_PASSWORD=known)
    ask = 'redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" config get requirepass | tail -n 1 | wc -c'
    assert refused.exit_code != 0
    assert paste(like(ANY, ask)).stdout.strip() == str(len(known) + 1)


@pytest.mark.parametrize(
    ("text", "moved"),
    [("server {\n  listen 80\n}\n", False), ("  location / {\n", False), ("limit_req_status 503\n", True)],
)
def test_a_file_that_serves_customers_is_not_moved(paste: Paste, tmp_path: Path, text: str, moved: bool) -> None:
    """Without it nginx starts well, and serves nobody."""
    file = tmp_path / "site.conf"
    file.write_text(text, "utf-8")
    block = block_of("infrastructure/nginx", "move the file with the mistake")
    done = paste(block, BROKEN_FILE=str(file), NGINX_CONF=str(tmp_path / "nginx.conf"))
    assert (done.exit_code == 0, file.exists()) == (moved, not moved)


@pytest.mark.parametrize(
    ("name", "emptied"), [("16384", False), ("app.log.xz", False), ("app.log", True), ("app.log.3", True)]
)
def test_only_a_log_is_emptied(paste: Paste, tmp_path: Path, name: str, emptied: bool) -> None:
    """A file of the database may be deleted and open too, and is data."""
    with (tmp_path / name).open("w+b") as held:
        held.write(b"data")
        held.flush()
        (tmp_path / name).unlink()
        block = block_of("infrastructure/disk-space", "empty it through the process")
        done = paste(block, HELD_FILE=f"/proc/{os.getpid()}/fd/{held.fileno()}")
        assert (done.exit_code == 0, os.fstat(held.fileno()).st_size) == (emptied, 0 if emptied else 4)


def test_the_way_back_is_not_written_over(paste: Paste, tmp_path: Path) -> None:
    """Pasted again after the change, the copy would be the change; and a link belongs to certbot."""
    pair = {"TLS_CERTIFICATE": str(tmp_path / "cert.pem"), "TLS_KEY": str(tmp_path / "key.pem")}
    for file in pair.values():
        Path(file).write_text("former", "utf-8")
    block = block_of("security/certificate-renewal", "keep the former pair")
    first = paste(block, **pair)
    Path(pair["TLS_CERTIFICATE"]).write_text("new", "utf-8")
    again = paste(block, **pair)
    (tmp_path / "link.pem").symlink_to(pair["TLS_KEY"])
    link = paste(block, TLS_CERTIFICATE=str(tmp_path / "link.pem"), TLS_KEY=pair["TLS_KEY"])
    assert (first.exit_code, again.exit_code, link.exit_code) == (0, 1, 1)
    assert Path(pair["TLS_CERTIFICATE"] + ".before").read_text("utf-8") == "former"


@pytest.mark.parametrize(
    "feature",
    [
        "health/daily-check",
        "emergency/incident-response",
        "deployment/pre-deployment-checks",
        "health/monitoring-dashboards",
    ],
)
def test_no_alarm_at_all_is_not_quiet(paste: Paste, tmp_path: Path, embedded: EmbeddedTarget, feature: str) -> None:
    """Another account, or another region, has no alarm that rings, because it has none."""
    (tmp_path / "aws").write_text("#!/bin/sh\nexit 0\n", "utf-8")
    (tmp_path / "aws").chmod(0o755)
    path = f"{tmp_path}:{embedded.environment()['PATH']}"
    done = paste(block_of(feature, "list the alarms that "), PATH=path)
    assert (done.exit_code, "are account, region and names right?" in done.stderr) == (1, True)


def test_a_limit_of_one_block_does_not_reach_the_next(paste: Paste, embedded: EmbeddedTarget) -> None:
    """The time limit of the diagnosis would cancel the build of an index in the same psql."""
    embedded.start({"postgres"})
    paste(like(ANY, "CREATE TABLE notifications (id int, user_id uuid, body text, created_at timestamptz);", "sql"))
    try:
        plan = paste(block_of("database/performance-issues", "ask for its plan"))
        after = paste(
            like(ANY, "SHOW statement_timeout;\nSELECT pg_current_xact_id_if_assigned() IS NULL AS none;", "sql")
        )
        assert (plan.exit_code, "Limit" in plan.stdout) == (0, True), plan
        assert "\n 0\n" in after.stdout
    finally:
        paste(like(ANY, "DROP TABLE notifications;", "sql"))


def test_a_block_that_fails_in_psql_is_told(paste: Paste, embedded: EmbeddedTarget) -> None:
    """An error does not end psql, so the error is what counts."""
    embedded.start({"postgres"})
    done = paste(like(ANY, "SELECT nothing_like_it;\nSELECT 1;", "sql"))
    assert (done.exit_code, "does not exist" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("feature", "purpose"),
    [
        ("emergency/incident-response", "count the latest errors"),
        ("security/breach-response", "count failed sign-ins"),
        ("security/breach-response", "count refused"),
        ("maintenance/monthly-maintenance", "count the events"),
        ("emergency/incident-report", "read when it began"),
    ],
)
def test_a_line_that_is_no_json_ends_no_log_command(paste: Paste, tmp_path: Path, feature: str, purpose: str) -> None:
    """A stack trace or a banner stands in every log of Node."""
    logs = tmp_path / "logs"
    logs.mkdir()
    line = (
        '{"level":"error","path":"/x","status":502,"event":"authentication failed","ip":"192.0.2.1","timestamp":"t"}\n'
    )
    for name in ("app.log", "security.log"):
        no_events = 'null\n5\n[1]\n{"event":"authentication failed"}\n'
        odd = f"npm notice\n{line}    at Server.<anonymous> (server.js:1:1)\n{no_events}"
        (logs / name).write_bytes(odd.encode() + b"\xff\xfe\n")
    done = paste(block_of(feature, purpose), LOG_DIR=str(logs), INCIDENT_BEGAN="a")
    assert (done.exit_code, done.stderr) == (0, ""), done
    if "refused" not in purpose:
        assert "1" in done.stdout


def test_a_broken_line_of_the_proxy_ends_no_log_command(paste: Paste, tmp_path: Path) -> None:
    """A line that was cut, or holds no request."""
    log = tmp_path / "access.log"
    good = '192.0.2.1 - - [29/Nov/2026] "GET /api/a HTTP/1.1" 200 5\n'
    log.write_bytes(b"192.0.2.1 cut\n\n\xff\n" + good.encode() + b'192.0.2.1 - - [x] "" \n')
    block = block_of("security/breach-response", "list what nginx answered with success")
    done = paste(block, NGINX_ACCESS_LOG=str(log), ATTACKER="192.0.2.1")
    assert (done.exit_code, done.stderr, done.stdout.strip()) == (0, "", "200 GET /api/a HTTP/1.1")


def test_a_clone_that_was_not_fetched_tells_of_no_deployment(paste: Paste, tmp_path: Path) -> None:
    """An old clone would say that nothing was deployed."""
    clone = tmp_path / "app"
    assert paste(like(ANY, f"git init -q {clone}")).exit_code == 0
    done = paste(block_of("emergency/incident-response", "list what was changed"), APP_REPOSITORY=str(clone))
    assert (done.exit_code, "git fetch first" in done.stdout) == (1, True)
