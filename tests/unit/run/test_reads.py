"""A command that is known to read is run without typing the target's name; nothing else is."""

from __future__ import annotations

import pytest

from runbook_steps.engine.errors import Position
from runbook_steps.engine.model import Command
from runbook_steps.engine.run.reads import only_reads

READERS = ("library loans list",)


def command(text: str, kind: str = "bash") -> Command:
    """Of a page."""
    return Command(text, kind, "try", Position("a.feature", 1), 10.0)


@pytest.mark.parametrize(
    "text",
    [
        "redis-cli -h \"$REDIS_HOST\" -p \"$REDIS_PORT\" info memory | tr -d '\\r' | grep -E '^used'",
        "redis-cli -e -h localhost config get maxmemory",
        "redis-cli --scan --pattern 'cache:*' | cut -d: -f1 | sort | uniq -c",
        "nginx -t",
        "psql -X -At -v ON_ERROR_STOP=1 <<'SQL'\nSELECT count(*)\nFROM pg_stat_activity;\nSQL",
        'PGPASSWORD="${ADMIN_PASSWORD:-$PGPASSWORD}" PGUSER="${ADMIN_USER:?}" psql -X <<\'SQL\'\nSHOW work_mem;\nSQL',
        "aws elbv2 describe-target-health --target-group-arn x --output json",
        "library loans list --format json",
        "timeout 100 bash -c 'until library loans list; do sleep 5; done'",
        "systemctl status nginx --no-pager",
        "systemctl --no-pager status nginx",
        "docker compose logs --tail 100 api",
        "kubectl get pods -o wide && kubectl rollout status deployment/api",
        "curl -sS --fail-with-body --max-time 10 -H 'Accept: application/json' \"$API_BASE_URL/api/health\"",
        "tail -n 1000 \"$NGINX_ACCESS_LOG\" | cut -d' ' -f1 | sort -rn | uniq -c && uptime",
    ],
)
def test_readers_are_known(text: str) -> None:
    """The commands of diagnosis."""
    assert only_reads(command(text), READERS)


@pytest.mark.parametrize(
    "text",
    [
        "psql -X <<'SQL'\nDELETE FROM bookings;\nSQL",
        "psql -X <<'SQL'\nSELECT pg_terminate_backend(1);\nSQL",
        "psql -X <<'SQL'\nSELECT 1\nSQL\nrm x\nSQL",
        "psql -X <<'SQL' | sh\nSELECT 1\nSQL",
        "psql -X -f all.sql <<'SQL'\nSELECT 1\nSQL",
        "psql -X <<'SQL'\n\\! rm x\nSQL",
        "psql -X <<SQL\nSELECT '$(rm x)'\nSQL",
        "PGUSER=\"${A:-$(rm x)}\" psql -X <<'SQL'\nSELECT 1\nSQL",
        "systemctl restart nginx",
        "timeout 100 bash -c 'until systemctl restart nginx; do sleep 5; done'",
        "timeout 100 bash -c 'until library loans list; do sleep 5; reboot; done'",
        "timeout 100 bash -c 'until library loans list; do sleep 5; done'; reboot",
        "systemctl --now enable nginx",
        "docker compose restart api",
        "kubectl delete pod x",
        "kubectl rollout restart deployment/api",
        "curl -X POST http://localhost/",
        "curl -d x=y http://localhost/",
        "curl -sSo file http://localhost/",
        "curl -O http://localhost/",
        "curl -sST file http://localhost/",
        "curl -K file",
        "redis-cli flushall",
        "redis-cli --scan --pattern 'cache:*' | xargs redis-cli unlink",
        "redis-cli config set maxmemory 1",
        "redis-cli --eval get",
        "redis-cli -h get flushall",
        "redis-cli slowlog reset",
        "redis-cli memory purge",
        "redis-cli",
        "nginx -t && nginx -s reload",
        "grep x y > z",
        "sort -o file file",
        "sort -uo file file",
        "uniq a b",
        "library loans delete",
        "library",
        "aws elbv2 deregister-targets --targets x",
        "aws --output get-x elbv2 deregister-targets",
        "cat $(rm x)",
        "cat `rm x`",
        "cat <(rm x)",
        "ls; rm x",
        "ls & rm x",
        "ls\nrm x",
        "FOO=1 rm x",
        "grep 'unclosed",
        "",
    ],
)
def test_what_is_not_known_to_read_may_change_something(text: str) -> None:
    """Also what cannot be read itself."""
    assert not only_reads(command(text), READERS)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("SELECT count(*) FROM bookings;", True),
        ("-- who waits\n\\getenv name NAME\nSELECT pid FROM pg_stat_activity;", True),
        ("SHOW max_connections;", True),
        ("EXPLAIN SELECT 1;", True),
        ("SELECT pg_terminate_backend(1);", False),
        ("SELECT note_read('x');", False),
        ("SELECT \"note_read\"('x');", False),
        ("SELECT mine.count('x');", False),
        ("SELECT 1; DROP TABLE x;", False),
        ("SELECT 1 \\g |rm x", False),
        ("\\getenv a B \\! rm x\nSELECT 1;", False),
        ("SELECT '\n--'; DROP TABLE x; SELECT '\n';", False),
        ("WITH gone AS (DELETE FROM x RETURNING 1) SELECT * FROM gone;", False),
        ("SELECT * INTO y FROM x;", False),
        ("SELECT * FROM x FOR NO KEY UPDATE;", False),
        ("EXPLAIN (ANALYZE) DELETE FROM x;", False),
        ("EXPLAIN ANALYZE DELETE FROM x;", False),
        ("VACUUM x;", False),
        ("", False),
    ],
)
def test_sql_reads_only_with_functions_that_are_known(text: str, reads: bool) -> None:
    """A function of somebody's own may do anything."""
    assert only_reads(command(text, "sql")) is reads
