"""What a variable's name says of its value: the one list of names of secrets. Pure."""

from __future__ import annotations

import re

__all__ = ["known_harmless", "may_hold_secret", "names_secret"]

_SECRET = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|API_?KEY|ACCESS_?KEY|SERVICE_KEY|ENCRYPTION_KEY|SIGNING_KEY"
    r"|PRIVATE_KEY|WEBHOOK|PIN_CODE|(?:^|_)(?:PASS|PW|PIN|COOKIE|DSN)\d*$|(?:_|REDISCLI_)AUTH$|[A-Z]_PWD$",
    re.IGNORECASE,
)
_ABOUT_ONE = re.compile(r"(?:_FILE|_PATH|_ID|_NAME|_EXPIRES_IN|_TTL|SSH_AUTH_SOCK)$", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:DATABASE|DB|REDIS|VALKEY|POSTGRES(?:QL)?|MYSQL|MONGO(?:DB)?|AMQP|BROKER)_UR[IL]$", re.IGNORECASE
)
_HARMLESS_NAME = re.compile(
    r"(?:^|_)(?:HOSTS?|PORT|REGION|ZONE|NAMESPACE|CLUSTER|BUCKET|PREFIX|REPOSITORY|BRANCH|FOLDER|DIR|SERVICES?|PROJECT"
    r"|DEPLOYMENT|CONTAINER|TABLE|SCHEMA|CHANNEL|USER|ENV|LEVEL|VERSION|TIMEOUT|INTERVAL)$"
    r"|^PG(?:HOST|HOSTADDR|PORT|USER|DATABASE|APPNAME|SSLMODE|TZ)$",  # libpq's own: the password has a name apart
    re.IGNORECASE,
)
_HARMLESS_VALUE = re.compile(
    r"staging|production|testing|development|default|master|enabled|disabled|debug|warning|error"  # ordinary words
    r"|.{0,4}|true|false|[\d.]+ ?(?:[smhd]|ms|[kmgt]i?b?)?"  # too short to hide anything, a number, a time, a size
    r"|(?:/[\w.-]+)+/?"  # a path
    r"|[a-z]{1,20}:(?: [a-z]{1,20}:)*"  # prefixes of keys, as Redis names them
    r"|https?://[\w.-]+(?::\d+)?(?:/(?:v?\d|[a-z-]{1,20}))*/?"  # an address without a user, a query or a long word
    r"|[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+(?::\d+)?",  # a host
    re.IGNORECASE,
)


def known_harmless(name: str, value: str) -> bool:
    """Whether anybody may see what a live target's file holds there: for sure, not for want of a reason against it."""
    if names_secret(name):
        return False
    known = _ABOUT_ONE.search(name) or _HARMLESS_NAME.search(name)
    return known is not None or _HARMLESS_VALUE.fullmatch(value) is not None


def names_secret(name: str) -> bool:
    """Whether the whole value is one: `SMTP_PASS`, `SENTRY_DSN`, `GPG_PASSPHRASE`; not `TOKEN_TTL`."""
    return _SECRET.search(name) is not None and _ABOUT_ONE.search(name) is None


def may_hold_secret(name: str) -> bool:
    """Whether nobody else may see the value as it is: a secret, or an address that may hold a password."""
    return names_secret(name) or _ADDRESS.search(name) is not None
