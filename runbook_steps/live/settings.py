"""What the platform's live targets are reached by, and the variables that its commands get of it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from runbook_steps.engine.postgres.address import read_address
from runbook_steps.engine.targets.live_settings import LiveSettings, live_environment, split_url

__all__ = ["PlatformSettings", "platform_environment"]


class PlatformSettings(LiveSettings):
    """Staging or production. An empty value means: this target has no such part."""

    api_base_url: str = ""
    api_slots: str = ""
    database_url: SecretStr = SecretStr("")
    readonly_database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    aws_region: str = ""
    aws_endpoint_url: str = ""
    aws_access_key_id: SecretStr = SecretStr("")
    aws_secret_access_key: SecretStr = SecretStr("")
    aws_session_token: SecretStr = SecretStr("")
    aws_profile: str = ""
    aws_role_arn: str = ""
    aws_web_identity_token_file: str = ""
    aws_credentials: str = ""
    aws_backup_bucket: str = "beautycort-backups"
    backup_provider: str = "s3"
    backup_retention_days: str = "30"
    backup_compression: str = "true"
    backup_encryption: str = "true"
    backup_encryption_key: SecretStr = SecretStr("")
    backup_scratch_database: str = ""
    prepared_database: str = ""
    alb_name: str = ""
    alb_target_group_arn: str = ""
    jwt_secret: SecretStr = SecretStr("")
    jwt_expires_in: str = "15m"
    node_env: str = ""
    supabase_url: str = ""
    supabase_service_key: SecretStr = SecretStr("")
    tap_api_url: str = ""
    twilio_api_url: str = ""
    expo_api_url: str = ""
    cdn_url: str = ""
    github_api_url: str = ""
    slack_webhook_url: SecretStr = SecretStr("")
    kubeconfig: str = ""
    kube_context: str = ""
    log_dir: str = ""
    nginx_prefix: str = ""
    nginx_conf: str = ""
    nginx_access_log: str = ""
    nginx_error_log: str = ""
    health_check_timeout: str = "10000"
    ssl_cert_file: str = ""


def platform_environment(settings: PlatformSettings) -> dict[str, str]:
    """The vocabulary of a command; PG* and REDIS_* come from the URLs."""
    found = live_environment(settings)
    if "AWS_REGION" in found:
        found |= {"AWS_DEFAULT_REGION": found["AWS_REGION"], "AWS_PAGER": ""}
    if "SSL_CERT_FILE" in found:
        found |= dict.fromkeys(("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), found["SSL_CERT_FILE"])
    if readonly := found.pop("READONLY_DATABASE_URL", ""):
        found["RUNBOOKS_READONLY_DATABASE_URL"] = readonly
    return {**found, **_pg(found.get("DATABASE_URL", "")), **_redis(found.get("REDIS_URL", ""))}


def _pg(url: str) -> dict[str, str]:
    """As psql reads them: also of a socket, and with whatever else the address says. Raises ConfigurationError."""
    if not url:
        return {}
    return {"PGPORT": "5432", "PGCONNECT_TIMEOUT": "5", **read_address(url).variables()}


def _redis(url: str) -> dict[str, str]:
    if not url:
        return {}
    local = url.startswith("unix:")  # a file is there, which the guard gives a port
    parts = urlsplit(url) if local else split_url(url, "REDIS_URL")
    asked = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    values = {
        "REDIS_HOST": unquote(parts.path) if local else parts.hostname or "",
        "REDIS_PORT": "0" if local else str(parts.port or 6379),
        "REDISCLI_AUTH": unquote(parts.password or ""),
        "REDIS_USER": unquote(parts.username or ""),
        "REDIS_DATABASE": asked.get("db", "") or ("" if local else parts.path.strip("/")),
        "REDIS_TLS": "yes" if parts.scheme == "rediss" else "",
    }
    return {name: value for name, value in values.items() if value}
