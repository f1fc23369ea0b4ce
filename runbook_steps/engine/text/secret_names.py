"""What a variable's name says of its value: the one list of names of secrets. Pure."""

from __future__ import annotations

import re

__all__ = ["may_hold_secret", "names_secret"]

_SECRET = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|API_?KEY|ACCESS_?KEY|SERVICE_KEY|ENCRYPTION_KEY|SIGNING_KEY"
    r"|PRIVATE_KEY|WEBHOOK|PIN_CODE|(?:^|_)(?:PASS|PW|PIN|COOKIE|DSN)\d*$|(?:_|REDISCLI_)AUTH$|[A-Z]_PWD$",
    re.IGNORECASE,
)
_ABOUT_ONE = re.compile(r"(?:_FILE|_PATH|_ID|_NAME|_EXPIRES_IN|_TTL|SSH_AUTH_SOCK)$", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:DATABASE|DB|REDIS|VALKEY|POSTGRES(?:QL)?|MYSQL|MONGO(?:DB)?|AMQP|BROKER)_UR[IL]$", re.IGNORECASE
)


def names_secret(name: str) -> bool:
    """Whether the whole value is one: `SMTP_PASS`, `SENTRY_DSN`, `GPG_PASSPHRASE`; not `TOKEN_TTL`."""
    return _SECRET.search(name) is not None and _ABOUT_ONE.search(name) is None


def may_hold_secret(name: str) -> bool:
    """Whether nobody else may see the value as it is: a secret, or an address that may hold a password."""
    return names_secret(name) or _ADDRESS.search(name) is not None
