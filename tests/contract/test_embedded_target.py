"""The embedded target as a Target: parts, environment, facts, and how it ends."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil
import psycopg
import pytest

from runbook_steps.engine.errors import ConfigurationError, TargetError
from runbook_steps.engine.model import Risk
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.stand_in.embedded import EmbeddedTarget

VOCABULARY = {
    "API_BASE_URL", "API_SLOTS", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "DATABASE_URL",
    "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGCONNECT_TIMEOUT", "ADMIN_USER", "ADMIN_PASSWORD",
    "REDIS_URL", "REDIS_HOST",
    "REDIS_PORT", "REDISCLI_AUTH", "POINT_IN_TIME_ARCHIVE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BACKUP_BUCKET", "BACKUP_PROVIDER",
    "BACKUP_RETENTION_DAYS", "BACKUP_COMPRESSION", "BACKUP_ENCRYPTION", "BACKUP_ENCRYPTION_KEY", "ALB_NAME",
    "ALB_TARGET_GROUP_ARN", "JWT_SECRET", "JWT_EXPIRES_IN", "NODE_ENV", "SUPABASE_URL",
    "SUPABASE_SERVICE_KEY", "TAP_API_URL", "TWILIO_API_URL", "EXPO_API_URL", "CDN_URL", "SLACK_WEBHOOK_URL",
    "API_ENV_FILE", "API_RELEASE", "API_RELEASES", "GITHUB_API_URL", "GITHUB_REPOSITORY", "KUBECONFIG",
    "STAGING_API_URL", "SIGNED_IN_KEYS", "SMOKE_CARD", "SMOKE_CODES_URL", "SMOKE_PHONES", "SMOKE_PROVIDER_ID",
    "SLACK_WEBHOOK_ALERTS_CRITICAL", "SLACK_WEBHOOK_ALERTS_WARNINGS", "SLACK_WEBHOOK_BACKUP_ALERTS",
    "SLACK_WEBHOOK_DEPLOYMENTS", "SLACK_WEBHOOK_ENGINEERING_ALERTS",
    "HEALTH_CHECK_TIMEOUT", "LOG_DIR", "NGINX_PREFIX", "NGINX_CONF", "NGINX_ACCESS_LOG", "NGINX_ERROR_LOG",
    "RUNBOOKS_TARGET", "PATH", "HOME", "TMPDIR", "LANG", "TZ",
}  # fmt: skip


def refused(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def processes_of(directory: Path) -> list[str]:
    """Every process that works in that folder, or was told of it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if process.info["status"] != "zombie" and str(directory) in f"{words} {process.info['cwd']}":
            found.append(words)
    return found


def test_it_is_a_target(embedded: EmbeddedTarget) -> None:
    """The engine sees the interface that it asks for, a disposable system."""
    assert isinstance(embedded, Target)
    assert isinstance(embedded.control, ServiceControl)
    assert (
        embedded.name,
        embedded.facts.disposable,
        embedded.facts.allowed,
    ) == ("embedded", True, Risk.DESTRUCTIVE)


def test_it_supplies_the_whole_vocabulary(whole: EmbeddedTarget) -> None:
    """Every variable that a page may use has a value, and nothing of the runner's environment gets in."""
    environment = whole.environment()

    assert set() == VOCABULARY - environment.keys()
    assert {"AWS_PAGER"} == environment.keys() - VOCABULARY
    assert [name for name, value in environment.items() if not value and name != "AWS_PAGER"] == []
    assert environment["HOME"] != os.environ.get("HOME")


def test_facts_name_tools_and_stand_ins(embedded: EmbeddedTarget) -> None:
    """What is emulated is told beside the target's name; docker and systemctl are always stand-ins."""
    facts = embedded.facts

    assert {
        "bash",
        "psql",
        "pg_dump",
        "redis-cli",
        "curl",
        "nginx",
        "docker",
        "aws",
        "beautycort",
    } <= facts.tools
    assert {"aws", "redis", "docker", "systemctl", "third_parties"} <= facts.emulated.keys()
    assert facts.emulated["aws"].startswith("moto server ")


def test_versions_are_told_by_what_runs(whole: EmbeddedTarget) -> None:
    """Each running part tells its version."""
    versions = whole.versions()

    assert {"postgres", "redis", "nginx", "aws", "api"} == versions.keys()
    assert versions["postgres"].startswith("18.")


def test_starting_again_changes_nothing(whole: EmbeddedTarget) -> None:
    """What runs is left alone."""
    before = {name: state["pid"] for name, state in whole.control.status().items()}

    whole.start({"nginx", "aws"})

    assert before == {name: state["pid"] for name, state in whole.control.status().items()}


def test_only_what_is_asked_for_starts() -> None:
    """A scenario that needs Redis pays for Redis; the unknown part is named."""
    with EmbeddedTarget.create() as target:
        target.start({"redis"})

        assert [name for name, state in target.control.status().items() if state["pid"]] == ["redis"]
        assert {"redis"} == target.start_timings.keys()
        with pytest.raises(TargetError, match="no part 'mongodb'; it has postgres"):
            target.start({"mongodb"})


def test_two_at_once_do_not_collide() -> None:
    """Each has its folder, ports, secrets and data."""
    with EmbeddedTarget.create() as one, EmbeddedTarget.create() as two:
        one.start({"redis", "postgres"})
        two.start({"redis", "postgres"})
        with psycopg.connect(one.environment()["DATABASE_URL"]) as connection:
            connection.execute("DROP TABLE payments")
        with psycopg.connect(two.environment()["DATABASE_URL"]) as connection:
            row = connection.execute("SELECT to_regclass('payments') IS NOT NULL").fetchone()

        assert row == (True,)
        assert set() == set(one.layout.ports.values()) & set(two.layout.ports.values())
        assert set() == one.secrets() & two.secrets()


def test_closing_leaves_nothing() -> None:
    """When it returns no process, no port, no folder is left; closing again does nothing."""
    target = EmbeddedTarget.create()
    target.start({"nginx"})
    layout = target.layout

    target.close()
    target.close()

    assert not layout.directory.exists()
    assert processes_of(layout.directory) == []
    assert [name for name, port in layout.ports.items() if not refused(port)] == []


def test_a_closed_target_says_so() -> None:
    """Nothing starts behind one's back."""
    target = EmbeddedTarget.create()
    target.close()

    with pytest.raises(TargetError, match="closed: create another"):
        target.environment()


def test_secrets_are_in_no_argument_list(whole: EmbeddedTarget) -> None:
    """Passwords travel in files and environments, never where `ps` shows them."""
    words = "\n".join(" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))

    assert [secret for secret in whole.secrets() if secret in words] == []


def test_the_folder_is_closed_to_others(whole: EmbeddedTarget) -> None:
    """Others may at most pass through the folder; files with secrets are the runner's alone."""
    directory = whole.layout.directory

    assert directory.stat().st_mode & 0o067 == 0
    for name in ("run.json", "redis/redis.conf", "tls/server.key", "control.sock"):
        assert (directory / name).stat().st_mode & 0o077 == 0, name


def test_secrets_can_be_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that a test looks for afterwards is in every secret that can hold it, and never printed."""
    monkeypatch.setenv("RUNBOOKS_EMBEDDED_PASSWORD", "S3cr3t-in-URL")
    with EmbeddedTarget.create() as target:
        target.start({"redis", "postgres"})
        environment = target.environment()
        files = [file for file in target.layout.output.iterdir() if b"S3cr3t-in-URL" in file.read_bytes()]

        for name in ("REDIS_URL", "DATABASE_URL", "JWT_SECRET", "PGPASSWORD", "REDISCLI_AUTH"):
            assert "S3cr3t-in-URL" in environment[name], name
        assert len(bytes.fromhex(environment["BACKUP_ENCRYPTION_KEY"])) * 2 == 64
        assert files == []


def test_a_start_that_fails_shows_the_last_lines() -> None:
    """What the server said is in the message, and the next start works."""
    with EmbeddedTarget.create() as target:
        target.start({"redis"})
        target.control.stop("redis")
        config = target.layout.directory / "redis" / "redis.conf"
        good = config.read_text()
        config.write_text(good + "no-such-directive yes\n")

        with pytest.raises(TargetError, match=r"redis did not start(.|\n)*no-such-directive"):
            target.control.start("redis")
        config.write_text(good)
        target.control.start("redis")

        assert target.control.pid("redis")


@pytest.mark.parametrize("text", ["0", "many", "-1"])
def test_a_wrong_rate_limit_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Before anything starts."""
    monkeypatch.setenv("RUNBOOKS_EMBEDDED_RATE_LIMIT", text)

    with pytest.raises(ConfigurationError, match="RUNBOOKS_EMBEDDED_RATE_LIMIT"):
        EmbeddedTarget.create()
