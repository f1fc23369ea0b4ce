"""What a read-only procedure's command cannot do, however it is written: held by the guard and the kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
import redis

from runbook_steps.engine.errors import RiskExceeded
from runbook_steps.engine.model import Command, Position, Result, Risk
from runbook_steps.engine.run.command import run_command
from runbook_steps.engine.run.held_to_risk import Restraint
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.gate import NEEDS_LOCK

KEY = "drill:risk"


@pytest.fixture(scope="module")
def restraint(whole: EmbeddedTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restraint]:
    """What holds every read-only procedure."""
    with redis_of(whole) as client, database_of(whole) as database:
        client.set(KEY, "kept")
        database.execute("CREATE TABLE IF NOT EXISTS drill_risk AS SELECT generate_series(1, 10) AS id")
        s3_of(whole).put_object(Bucket="beautycort-backups", Key=KEY, Body=b"kept")
        held = Restraint.of(Risk.READONLY, whole.facts, tmp_path_factory.mktemp("guard"))
        yield held
        held.close()
        s3_of(whole).delete_object(Bucket="beautycort-backups", Key=KEY)
        database.execute("DROP TABLE drill_risk")
        client.delete(KEY)


def database_of(target: EmbeddedTarget) -> psycopg.Connection[Any]:
    """Straight to the database, past the guard."""
    return psycopg.connect(target.environment()["DATABASE_URL"], autocommit=True)


def redis_of(target: EmbeddedTarget) -> redis.Redis:
    """Straight to Redis, past the guard."""
    return redis.Redis.from_url(target.environment()["REDIS_URL"], decode_responses=True)


def s3_of(target: EmbeddedTarget) -> Any:
    """Straight to the object store, past the guard."""
    environment = target.environment()
    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def state_of(target: EmbeddedTarget) -> dict[str, object]:
    """Everything that a hostile command aims at."""
    with redis_of(target) as client, database_of(target) as database:
        counted = (
            "SELECT (SELECT count(*) FROM drill_risk), (SELECT count(*) FROM bookings), (SELECT count(*) FROM users)"
        )
        config: Any = client.config_get("maxmemory-policy")
        objects = s3_of(target).list_objects_v2(Bucket="beautycort-backups").get("Contents", [])
        return {
            "rows": database.execute(counted).fetchone(),
            "key": client.get(KEY),
            "policy": config["maxmemory-policy"],
            "objects": [item["Key"] for item in objects],
            "pids": {name: target.control.pid(name) for name in ("postgres", "redis", "nginx", "api_1", "api_2")},
        }


def attempt(
    whole: EmbeddedTarget, restraint: Restraint, text: str, folder: Path, media: str = "bash"
) -> tuple[Result, str]:
    """Runs the command as a read-only procedure's; gives its result, and what the guard named."""
    command = Command(text, media, "try it", Position("t.feature", 1), 30.0)
    held = restraint.hold(whole.environment(), folder)
    result = run_command(command, held.environment, folder, prefix=held.prefix)
    try:
        restraint.judge(command, result)
    except RiskExceeded as exceeded:
        return result, str(exceeded)
    return result, ""


RAW = 'python3 -c \'import socket; socket.create_connection(("127.0.0.1", {port}), 3).sendall(b"x")\''
HOSTILE = {
    "redis flushall": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" flushall', "Redis: FLUSHALL"),
    "redis flushall, swallowed": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" flushall || true', "Redis: FLUSHALL"),
    "redis set": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" set drill:risk gone', "Redis: SET"),
    "redis script": (
        f'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" eval "redis.call(\'del\',\'{KEY}\')" 0',
        "Redis: EVAL",
    ),
    "redis config": (
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" config set maxmemory-policy allkeys-lru',
        "Redis: CONFIG SET",
    ),
    "redis inline": (
        'exec 3<>"/dev/tcp/$REDIS_HOST/$REDIS_PORT"; printf "FLUSHALL\\r\\n" >&3; timeout 3 cat <&3',
        "Redis: FLUSHALL",
    ),
    "sql switch off": (
        'psql -c "set default_transaction_read_only=off; drop table drill_risk"',
        "PostgreSQL: SET default_transaction_read_only",
    ),
    "sql delete": ('psql -c "delete from drill_risk"', "PostgreSQL: DELETE"),
    "sql in a cte": ('psql -c "with d as (delete from drill_risk returning *) select * from d"', "PostgreSQL: DELETE"),
    "sql from stdin": ('printf "begin read write;\\ndelete from drill_risk;\\ncommit;\\n" | psql', "BEGIN READ WRITE"),
    "sql do block": ('psql -c "do \\$\\$ begin delete from drill_risk; end \\$\\$"', "PostgreSQL: DO"),
    "sql kills": ("psql -c 'select pg_terminate_backend(pid) from pg_stat_activity'", "pg_terminate_backend()"),
    "sql by driver": (
        (
            'python3 -c \'import os, psycopg; c = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True);'
            ' c.execute("truncate drill_risk")\''
        ),
        "PostgreSQL: TRUNCATE",
    ),
    "sql over options": (
        "PGOPTIONS='-c default_transaction_read_only=off' psql -c 'truncate drill_risk'",
        "SET default_transaction_read_only",
    ),
    "http post": ('curl -sS -X POST "$API_BASE_URL/api/auth/otp/request" -d "{}"', "POST /api/auth/otp/request"),
    "http delete": ('curl -sS -X DELETE "$API_BASE_URL/api/bookings/1" || true', "DELETE /api/bookings/1"),
    "http by header": (
        'curl -sS -H "X-HTTP-Method-Override: DELETE" "$API_BASE_URL/api/bookings/1"',
        "DELETE /api/bookings/1",
    ),
    "http to a slot": ('curl -sS -d "{}" "${API_SLOTS%% *}/api/auth/otp/request"', "POST /api/auth/otp/request"),
    "http third party": ('curl -sS -d "{}" "$TAP_API_URL/v2/charges"', "POST /tap/v2/charges"),
    "s3 rm": ('aws s3 rm "s3://$AWS_BACKUP_BUCKET/drill:risk"', "AWS: DELETE /beautycort-backups/drill%3Arisk"),
    "elb": (
        'aws elbv2 deregister-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets Id=10.20.0.11',
        "AWS: DeregisterTargets",
    ),
    "cloudwatch": ("aws cloudwatch delete-alarms --alarm-names x", "AWS: DeleteAlarms"),
    "backup": ("beautycort database-backup backup", "PostgreSQL: SET default_transaction_read_only"),
    "smoke": ("beautycort health-checks smoke", "POST "),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_command_is_stopped_and_named(
    whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path, case: str
) -> None:
    """Nothing changes, and the refusal says what was tried, even when the command swallows its failure."""
    text, named = HOSTILE[case]
    before = state_of(whole)
    _, said = attempt(whole, restraint, text, tmp_path)
    assert named in said
    assert state_of(whole) == before


@NEEDS_LOCK
@pytest.mark.parametrize("service", ["postgres", "redis", "nginx", "aws", "api_1", "third_parties"])
def test_no_socket_leads_past_the_guard(
    whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path, service: str
) -> None:
    """The kernel refuses a connection to the real port."""
    result, _ = attempt(whole, restraint, RAW.format(port=whole.layout.ports[service]), tmp_path)
    assert "Permission denied" in result.stderr


@NEEDS_LOCK
@pytest.mark.parametrize(
    "text",
    [
        'echo "events {}" > "$NGINX_CONF"',
        'rm -f "$LOG_DIR/app.log"',
        'sh -c "echo x >> $LOG_DIR/security.log"',
        ': > "$API_ENV_FILE"',
        "python3 -c 'import os; os.truncate(os.environ[\"NGINX_ACCESS_LOG\"], 0)'",
        'ln -sf /etc/passwd "$LOG_DIR/link"',
        'touch "$NGINX_PREFIX/blocked.d/x.conf"',
    ],
)
def test_no_file_of_the_target_can_be_written(
    whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path, text: str
) -> None:
    """The kernel refuses, root or not."""
    result, _ = attempt(whole, restraint, text, tmp_path)
    assert result.exit_code != 0
    assert "Permission denied" in result.stderr


@NEEDS_LOCK
@pytest.mark.parametrize(
    "text",
    [
        "systemctl stop redis",
        "docker compose restart api",
        'kill -9 "$(cat "$NGINX_PREFIX/nginx.pid")"',
        "nginx -s stop",
    ],
)
def test_no_service_can_be_stopped(whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path, text: str) -> None:
    """Neither by the service manager, nor by a signal."""
    before = state_of(whole)
    result, _ = attempt(whole, restraint, text, tmp_path)
    assert result.exit_code != 0
    assert state_of(whole) == before


@pytest.mark.parametrize(
    "text",
    [
        'psql -Atc "select count(*) from bookings"',
        "psql -c \"explain (analyze, buffers) select * from users where phone = 'x'\"",
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" info memory',
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" --scan --pattern "blacklist:*"',
        'curl --fail-with-body -sS "$API_BASE_URL/api/health"',
        'curl --fail-with-body -sS "${API_SLOTS%% *}/api/version"',
        'aws s3 ls "s3://$AWS_BACKUP_BUCKET/"',
        'aws elbv2 describe-target-health --target-group-arn "$ALB_TARGET_GROUP_ARN"',
        "aws cloudwatch describe-alarms",
        "beautycort health-checks health",
        "systemctl status nginx",
        "echo own > note; cp -p note copy; chmod 600 copy; touch -d 2020-01-01 copy; tar cf t.tar note; cat copy",
        'tail -n 3 "$NGINX_ACCESS_LOG"',
        "pg_dump --schema-only -t users",
    ],
)
def test_reading_goes_on_as_ever(whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path, text: str) -> None:
    """A guard that is in the way of reading would be switched off."""
    result, said = attempt(whole, restraint, text, tmp_path)
    assert (result.exit_code, said) == (0, ""), result.stderr


def test_the_certificate_seen_is_the_real_one(whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path) -> None:
    """Serial number and dates are those of nginx, although the guard ends the TLS."""
    look = (
        'python3 -c \'import os, ssl, socket, urllib.parse as u; p = u.urlsplit(os.environ["API_BASE_URL"]);'
        " c = ssl.create_default_context().wrap_socket(socket.create_connection((p.hostname, p.port)),"
        ' server_hostname=p.hostname); d = c.getpeercert(); print(d["serialNumber"], d["notAfter"])\''
    )
    held, _ = attempt(whole, restraint, look, tmp_path)
    free = run_command(Command(look, "bash", "look", Position("t", 1), 30.0), whole.environment(), tmp_path)
    assert held.stdout == free.stdout != ""


def test_sql_that_is_one_long_statement_passes(whole: EmbeddedTarget, restraint: Restraint, tmp_path: Path) -> None:
    """A megabyte of SQL is followed across many packets."""
    with contextlib.suppress(OSError):
        (tmp_path / "big.sql").write_text("select length('" + "x" * 1_000_000 + "');\n", "utf-8")
    result, said = attempt(whole, restraint, "psql -At -f big.sql", tmp_path)
    assert (result.stdout, said) == ("1000000\n", "")
