"""Where the health checks and smoke tests look. What cannot be an address is told before anything is asked."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from redis.connection import parse_url

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.settings import database_url, number, required, web_url

__all__ = ["HealthSettings"]


@dataclass(frozen=True)
class HealthSettings:
    """Where to look. `deadline_s` is the longest one check may take."""

    api_url: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    third_parties: Mapping[str, str]
    cdn_url: str
    target_group: str
    balancer: str
    ca_file: str | None
    aws: Mapping[str, str | None] = field(repr=False)
    deadline_s: float = 10.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> HealthSettings:
        """Raises ConfigurationError naming what is missing, or is no address; never a value."""
        found = required(environ, "API_BASE_URL", "DATABASE_URL", "REDIS_URL")
        _refuse_no_address(found)
        return cls(
            api_url=web_url(environ, "API_BASE_URL"),
            database_url=database_url(environ),
            redis_url=found["REDIS_URL"],
            third_parties={
                "Twilio": web_url(environ, "TWILIO_API_URL", "https://api.twilio.com"),
                **({"Tap": tap} if (tap := web_url(environ, "TAP_API_URL")) else {}),
                "Expo": web_url(environ, "EXPO_API_URL", "https://exp.host"),
            },
            cdn_url=web_url(environ, "CDN_URL"),
            target_group=environ.get("ALB_TARGET_GROUP_ARN", ""),
            balancer=environ.get("ALB_NAME", ""),
            ca_file=environ.get("SSL_CERT_FILE") or None,
            aws={
                "endpoint_url": web_url(environ, "AWS_ENDPOINT_URL") or None,
                "region_name": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "me-south-1",
                "aws_access_key_id": environ.get("AWS_ACCESS_KEY_ID") or None,
                "aws_secret_access_key": environ.get("AWS_SECRET_ACCESS_KEY") or None,
            },
            deadline_s=number(environ, "HEALTH_CHECK_TIMEOUT", 10_000, low=100, high=600_000) / 1000,
        )

    def tls(self) -> ssl.SSLContext:
        """Verifies chain and host name, with the bundle of the environment where there is one.

        Raises ConfigurationError when that is no bundle.
        """
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ConfigurationError(
                "SSL_CERT_FILE is not a readable file of certificates (PEM); unset it, or name the CA's bundle"
            ) from error


def _refuse_no_address(found: Mapping[str, str]) -> None:
    try:
        parse_url(found["REDIS_URL"])  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ConfigurationError("REDIS_URL is not a Redis URL, like redis://host:6379/0") from error
