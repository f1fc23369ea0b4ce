"""Layout → the environment of a command, and of a service. Pure, but for the reading of one ARN."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runbook_steps.operations.notifications import channel_variable
from runbook_steps.stand_in.embedded.account import where_server_binaries_are
from runbook_steps.stand_in.embedded.binaries import postgres_bin, venv_bin
from runbook_steps.stand_in.embedded.layout import (
    ALB_NAME,
    API_SLOTS,
    AWS_REGION,
    BUCKET,
    DATABASE,
    DATABASE_ADMIN,
    DATABASE_USER,
    DEFAULT_SLOTS,
    SCRATCH_DATABASE,
    Layout,
)
from runbook_steps.stand_in.reference_api.seed import TEST_PROVIDER

__all__ = ["command_environment", "search_path", "server_environment", "service_environment"]

_CHANNELS = ("alerts-critical", "alerts-warnings", "deployments", "engineering-alerts", "backup-alerts")
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def search_path(own_bin: Path | None, postgres: Path | None = None) -> str:
    """PATH of a command: the target's own commands, this environment's, PostgreSQL's, the system's."""
    folders = [str(own_bin)] if own_bin else []
    return os.pathsep.join([*folders, str(venv_bin()), str(postgres or postgres_bin()), *SYSTEM_FOLDERS])


def server_environment(layout: Layout) -> dict[str, str]:
    """What a server of others gets: no secret is in it."""
    # where the server's account can run them too: a command may need a server of its own
    postgres = where_server_binaries_are(postgres_bin(), layout.directory / "postgres", layout.account)
    return {
        "PATH": search_path(layout.bin, postgres),
        "HOME": str(layout.home),
        "TMPDIR": str(layout.tmp),
        "LANG": "C.UTF-8",
        "TZ": "Asia/Amman",
    }


def command_environment(layout: Layout) -> dict[str, str]:
    """Everything a command of a page gets; see the vocabulary in the contributing guide."""
    return {
        **server_environment(layout),
        **_api(layout),
        **_data(layout),
        **_prepared(layout),
        **_aws(layout),
        **_third_parties(layout),
        "RUNBOOKS_TARGET": "embedded",
        "HEALTH_CHECK_TIMEOUT": "10000",
        "LOG_DIR": str(layout.logs),
        "API_ENV_FILE": str(layout.api_env_file),
        "API_RELEASES": str(layout.releases),
        "API_RELEASE": str(layout.releases / "current"),
        "KUBECONFIG": str(layout.kubeconfig),
        "NGINX_PREFIX": str(layout.nginx),
        "NGINX_CONF": str(layout.nginx / "nginx.conf"),
        "NGINX_ACCESS_LOG": str(layout.nginx / "logs" / "access.log"),
        "NGINX_ERROR_LOG": str(layout.nginx / "logs" / "error.log"),
    }


def service_environment(layout: Layout) -> Mapping[str, str]:
    """What the application's processes get: as a command, and logs written as they happen."""
    return {**command_environment(layout), "PYTHONUNBUFFERED": "1"}


def target_group_arn(layout: Layout) -> str:
    """As the AWS endpoint gave it; empty until it has started."""
    try:
        return (layout.directory / "target-group-arn").read_text("utf-8")
    except OSError:
        return ""


def _api(layout: Layout) -> dict[str, str]:
    bundle = str(layout.ca_bundle)
    return {
        "API_BASE_URL": layout.api_base_url,
        "API_SLOTS": " ".join(layout.slot_url(slot) for slot in API_SLOTS[:DEFAULT_SLOTS]),
        "CURL_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "JWT_SECRET": layout.secrets.jwt,
        "JWT_EXPIRES_IN": "15m",
        "NODE_ENV": "staging",
        "SUPABASE_URL": f"{layout.third_parties_url}/supabase",
        "SUPABASE_SERVICE_KEY": layout.secrets.service_key,
    }


def _data(layout: Layout) -> dict[str, str]:
    return {
        "DATABASE_URL": layout.database_url(),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(layout.ports["postgres"]),
        "PGUSER": DATABASE_USER,
        "PGPASSWORD": layout.secrets.postgres,
        "PGDATABASE": DATABASE,
        "PGCONNECT_TIMEOUT": "5",
        "ADMIN_USER": DATABASE_ADMIN,  # `only_where_named`: a command gets it that asks for it
        "ADMIN_PASSWORD": layout.secrets.postgres_admin,
        "POINT_IN_TIME_ARCHIVE": str(layout.wal_archive),
        "REDIS_URL": layout.redis_url,
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(layout.ports["redis"]),
        "REDISCLI_AUTH": layout.secrets.redis,
        "SIGNED_IN_KEYS": "session:",
    }


def _prepared(layout: Layout) -> dict[str, str]:
    """What an owner needs that an administrator made once; a superuser makes it anew each time."""
    return {} if layout.superuser_owner else {"BACKUP_SCRATCH_DATABASE": SCRATCH_DATABASE}


def _aws(layout: Layout) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": layout.aws_url,
        "AWS_REGION": AWS_REGION,
        "AWS_DEFAULT_REGION": AWS_REGION,
        "AWS_ACCESS_KEY_ID": "runbooks-embedded",
        "AWS_SECRET_ACCESS_KEY": layout.secrets.aws_key,
        "AWS_PAGER": "",
        "AWS_BACKUP_BUCKET": BUCKET,
        "BACKUP_PROVIDER": "s3",
        "BACKUP_RETENTION_DAYS": "30",
        "BACKUP_COMPRESSION": "true",
        "BACKUP_ENCRYPTION": "true",
        "BACKUP_ENCRYPTION_KEY": layout.secrets.backup_key,
        "ALB_NAME": ALB_NAME,
        "ALB_TARGET_GROUP_ARN": target_group_arn(layout),
    }


def _third_parties(layout: Layout) -> dict[str, str]:
    base = layout.third_parties_url
    return {
        "TAP_API_URL": f"{base}/tap",
        "TWILIO_API_URL": f"{base}/twilio",
        "EXPO_API_URL": f"{base}/expo",
        "CDN_URL": f"{base}/cdn",
        "SLACK_WEBHOOK_URL": f"{base}/slack/general",
        **{channel_variable(channel): f"{base}/slack/{channel}" for channel in _CHANNELS},
        "GITHUB_API_URL": f"{base}/github",
        "GITHUB_REPOSITORY": "beautycort/beautycort-api",
        "STAGING_API_URL": f"{base}/staging",
        "SMOKE_PROVIDER_ID": str(TEST_PROVIDER[0]),
        "SMOKE_PHONES": "+962790000000-+962790009999",
        "SMOKE_CODES_URL": f"{base}/twilio/_inbox",
        "SMOKE_CARD": "src_test_card",
    }
