"""The services are set up as production's are, where a runbook can see it."""

from __future__ import annotations

import json
import re

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Eventually, Shell


def one(target: EmbeddedTarget, sql: str) -> object:
    """The first value of the first row."""
    with psycopg.connect(target.environment()["DATABASE_URL"]) as connection:
        row = connection.execute(sql.encode()).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT current_setting('server_version_num')::int / 10000", 18),
        ("SHOW timezone", "Asia/Amman"),
        ("SHOW password_encryption", "scram-sha-256"),
        ("SHOW shared_preload_libraries", "pg_stat_statements"),
        ("SELECT count(*) FROM pg_extension WHERE extname IN ('pg_stat_statements', 'pg_trgm', 'btree_gist')", 3),
        ("SELECT current_user::text", "beautycort"),
        ("SELECT count(*) >= 300 FROM users", True),
    ],
)
def test_the_database_is_as_in_production(embedded: EmbeddedTarget, sql: str, expected: object) -> None:
    """Version, zone, extensions, data."""
    embedded.start({"postgres"})

    assert expected == one(embedded, sql)


def test_the_database_wants_its_password(embedded: EmbeddedTarget, shell: Shell) -> None:
    """No trust for whoever is on this machine."""
    embedded.start({"postgres"})

    done = shell("psql -Atc 'SELECT 1'", PGPASSWORD="wrong")

    assert done.returncode == 2
    assert "password authentication failed" in done.stderr


def test_the_password_is_in_no_statement(embedded: EmbeddedTarget) -> None:
    """Statistics and the server's log never hold it."""
    embedded.start({"postgres"})
    secret = embedded.layout.secrets.postgres

    statements = str(one(embedded, "SELECT string_agg(query, ' ') FROM pg_stat_statements"))

    assert secret not in statements
    assert "SCRAM-SHA-256" not in statements
    assert secret not in embedded.layout.service_log("postgres").read_text()


def test_redis_is_bounded_and_evicts_nothing(embedded: EmbeddedTarget) -> None:
    """An evicted blacklist entry would make a revoked token valid again."""
    embedded.start({"redis"})
    client = redis.Redis.from_url(embedded.environment()["REDIS_URL"], decode_responses=True)
    try:
        config = client.config_get("maxmemory", "maxmemory-policy", "appendonly", "save")
    finally:
        client.close()

    assert config == {
        "maxmemory": str(64 * 1024 * 1024),
        "maxmemory-policy": "noeviction",
        "appendonly": "no",
        "save": "",
    }


def test_redis_wants_its_password(embedded: EmbeddedTarget) -> None:
    """As production's does."""
    embedded.start({"redis"})
    client = redis.Redis(port=embedded.layout.ports["redis"], retry=Retry(NoBackoff(), 0))
    try:
        with pytest.raises(redis.AuthenticationError):
            client.ping()
    finally:
        client.close()


def test_the_proxy_keeps_security_headers_and_compresses(whole: EmbeddedTarget, shell: Shell) -> None:
    """What the API says about security reaches the client; JSON is gzipped."""
    head = shell(
        "curl -fsS -D - -o /dev/null -H 'Accept-Encoding: gzip'"
        ' "$API_BASE_URL/api/providers?lat=31.95&lng=35.93&radius_km=30&limit=50"'
    ).stdout.lower()

    for header in ("strict-transport-security:", "x-content-type-options: nosniff", "content-encoding: gzip"):
        assert header in head
    assert whole.layout.api_base_url.startswith("https://localhost:")


def test_the_certificate_is_of_the_private_authority(whole: EmbeddedTarget, shell: Shell) -> None:
    """With the bundle the proxy is trusted, without it is not."""
    assert whole.layout.ca_bundle.exists()
    line = 'curl -sS -o /dev/null -w "%{http_code}" "$API_BASE_URL/api/health"'

    assert shell(line).stdout == "200"
    assert shell(line, CURL_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt").returncode in (60, 77)


def test_the_access_log_tells_times_and_slots(whole: EmbeddedTarget, shell: Shell, eventually: Eventually) -> None:
    """Request time, upstream and its time are on every line, after the combined format."""
    shell('curl -fsS "$API_BASE_URL/api/version?marker=17"')
    log = whole.layout.nginx / "logs" / "access.log"
    eventually(lambda: [each for each in log.read_text().split("\n")[:-1] if "marker=17" in each])  # behind its answer
    line = next(line for line in reversed(log.read_text().splitlines()) if "marker=17" in line)

    assert re.search(r'" 200 \d+ ".*" ".*" rt=[\d.]+ uct="[\d.]+" urt="[\d.]+" ua="127\.0\.0\.1:\d+"', line)


def test_an_address_can_be_blocked(whole: EmbeddedTarget, shell: Shell, eventually: Eventually) -> None:
    """A `deny` line and a reload: that client gets 403, others are served."""
    rules = whole.layout.nginx / "blocked.d" / "blocked.conf"
    before = rules.read_text()
    get = 'curl -sS -o /dev/null -w "%{http_code}" -H "X-Forwarded-For: $CLIENT" "$API_BASE_URL/api/version"'
    done = shell('echo "deny 203.0.113.9;" >> "$NGINX_PREFIX/blocked.d/blocked.conf" && nginx -t && nginx -s reload')
    try:
        assert done.returncode == 0, done.stderr
        eventually(lambda: shell(get, CLIENT="203.0.113.9").stdout == "403")
        assert shell(get, CLIENT="203.0.113.10").stdout == "200"
    finally:
        rules.write_text(before)
        shell("nginx -s reload")
    eventually(lambda: shell(get, CLIENT="203.0.113.9").stdout == "200")


def test_the_request_limit_is_real(whole: EmbeddedTarget, shell: Shell, eventually: Eventually) -> None:
    """At production's 100 a minute a client that asks too often gets nginx's own 503; another is served."""
    assert "rate=100r/m" in (whole.layout.nginx / "limits.d" / "api.conf").read_text()
    get = 'curl -sS -o /dev/null -w "%{http_code} " -H "X-Forwarded-For: $CLIENT" "$API_BASE_URL/api/version'
    codes = shell(f'{get}?[1-60]"', CLIENT="203.0.113.20").stdout.split()
    assert codes[:20] == ["200"] * 20
    assert "503" in codes
    assert shell(f'{get}"', CLIENT="203.0.113.21").stdout == "200 "
    eventually(lambda: shell(f'{get}"', CLIENT="203.0.113.20").stdout == "200 ")


def test_aws_holds_what_production_holds(whole: EmbeddedTarget, shell: Shell) -> None:
    """Bucket, load balancer with its targets, alarms: through the real `aws` command."""
    assert "beautycort-backups" in shell("aws s3 ls").stdout
    balancers = json.loads(shell('aws elbv2 describe-load-balancers --names "$ALB_NAME"').stdout)
    assert [item["LoadBalancerName"] for item in balancers["LoadBalancers"]] == ["beautycort-alb"]
    group = json.loads(shell('aws elbv2 describe-target-groups --target-group-arns "$ALB_TARGET_GROUP_ARN"').stdout)[
        "TargetGroups"
    ][0]
    assert (group["Port"], group["HealthCheckPath"]) == (3000, "/api/health")
    alarms = json.loads(shell("aws cloudwatch describe-alarms").stdout)["MetricAlarms"]
    assert {alarm["StateValue"] for alarm in alarms} == {"OK"}
    names = {alarm["AlarmName"] for alarm in alarms}
    assert len(names) == 6
    assert "beautycort-security-findings" in names
    assert whole.environment()["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")


def test_the_load_balancer_tells_the_truth(whole: EmbeddedTarget, shell: Shell) -> None:
    """A stopped slot is unhealthy, with a reason; started again it is healthy."""
    line = 'aws elbv2 describe-target-health --target-group-arn "$ALB_TARGET_GROUP_ARN"'

    def states() -> list[str]:
        told = json.loads(shell(line).stdout)["TargetHealthDescriptions"]
        return [item["TargetHealth"]["State"] for item in sorted(told, key=lambda item: item["Target"]["Id"])]

    assert states() == ["healthy", "healthy"]
    whole.control.stop("api_2")
    try:
        assert states() == ["healthy", "unhealthy"]
    finally:
        whole.control.start("api_2")
    assert states() == ["healthy", "healthy"]
