"""One list says which variables hold secrets; what shows and what checks both ask it."""

from __future__ import annotations

import pytest

from runbook_steps.engine.text.redact import secret_values
from runbook_steps.engine.text.secret_names import may_hold_secret, names_secret

SECRETS = (
    *("SMTP_PASS", "SENTRY_DSN", "GPG_PASSPHRASE", "DB_PW", "CARD_PIN", "SESSION_COOKIE", "PGPASSWORD", "MYSQL_PWD"),
    *("REDISCLI_AUTH", "SLACK_WEBHOOK_URL", "JWT_SIGNING_KEY", "smtp_pass", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"),
)
HARMLESS = (
    "PWD",
    "OLDPWD",
    "TOKEN_TTL",
    "AWS_ACCESS_KEY_ID",
    "SSH_AUTH_SOCK",
    "PASSWORD_FILE",
    "COMPASS",
    "SPIN",
    "PATH",
)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_one_everywhere(name: str) -> None:
    """It is taken out of what is shown, and may not stand in an argument list."""
    assert names_secret(name)
    assert may_hold_secret(name)
    assert secret_values({name: "h3rm3t1c"}) == {"h3rm3t1c"}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_tells_of_a_secret_is_none(name: str) -> None:
    """Its file, its age, its name."""
    assert not may_hold_secret(name)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REPORTS_DATABASE_URL", "REDIS_URL", "BROKER_URI", "DB_URL"])
def test_an_address_may_hold_one(name: str) -> None:
    """Only its password is taken out of what is shown."""
    assert may_hold_secret(name)
    assert not names_secret(name)
    assert secret_values({name: "redis://u:h3rm3t1c@localhost"}) == {"h3rm3t1c"}
