"""One list says which variables hold secrets; what shows and what checks both ask it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.targets.live_settings import LiveSettings, guessed_words, load_live_settings, secret_words
from runbook_steps.engine.text.redact import secret_values
from runbook_steps.engine.text.secret_names import known_harmless, may_hold_secret, names_secret
from runbook_steps.live.target import PlatformTarget

ROOT = Path(__file__).parents[3]
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_REPOSITORY", "shop-backend"),
        ("APP_FOLDER", "/srv/shop/current"),
        ("LIMIT", "250"),
        ("PATIENCE", "30s"),
        ("ROLE", "production"),
        ("HEALTH", "https://shop.example/api/v1/health"),
        ("METRICS", "metrics.shop.example:9090"),
        ("CERTIFICATE_FILE", "whatever it is"),
        ("PGDATABASE", "salonworld"),  # were it a secret, its word would be taken out of every path and message
        ("PGUSER", "salonworld"),
        ("SIGNED_IN_KEYS", "session: token:"),
    ],
)
def test_what_is_known_to_be_harmless_is_shown(name: str, value: str) -> None:
    """By what the name says, or by what the value is."""
    assert known_harmless(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP", "hunter-two"),
        ("MERCHANT", "4f9a0c31de"),
        ("HOOK", "https://chat.example/T0001/B0002/aZ3kLq9xTtRr81"),
        ("UPSTREAM", "https://shop.example/?key=abcdefgh"),
        ("UPSTREAM", "https://user@shop.example/"),
        ("LICENSE", "QUJD REVG"),
        ("DB_PASS", "/srv/shop"),
        ("SIGNING", "s3cret.Value!"),
        ("BOT", "salon:hunter"),
    ],
)
def test_what_is_not_known_is_a_secret_on_a_live_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A name that no list holds hides its value too: it stands in the target's file, and is in no output."""
    monkeypatch.delenv(f"SHOP_{name}", raising=False)
    (tmp_path / ".env.shop").write_text(f"SHOP_{name}='{value}'\nSHOP_REGION=eu-central-1\n", encoding="utf-8")
    settings = load_live_settings(LiveSettings, "shop", {}, tmp_path)
    assert not known_harmless(name, value)
    assert secret_words(settings) | guessed_words(settings) == {value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IDLE_FOR", "5 minutes"),
        ("SIGNED_IN_KEYS", "session:*"),
        ("APPLICATION_ROLE", "beautycort"),  # a parameter of a page
        ("INCIDENT_SUMMARY", "paying fails since 09:12; next word at 09:30"),
    ],
)
def test_what_the_pages_explain_is_hidden_only_when_it_looks_like_a_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Names that the pages explain, with what a person sets them to; a token in one of them is hidden all the same."""
    monkeypatch.setenv("STAGING_API_BASE_URL", "https://shop.example")
    for said, secrets in (
        (value, set()),
        ("ghp_abcdefghijklmnopqrst", {"ghp_abcdefghijklmnopqrst"}),
        ("x://a:s3cr3t!@b", {"s3cr3t!", "s3cr3t%21"}),
    ):
        monkeypatch.setenv(f"STAGING_{name}", said)
        target = PlatformTarget.make("staging", load_settings(ROOT), None)
        assert target.secrets() == secrets
        assert not target.guesses()
    monkeypatch.setenv(f"STAGING_{name}", value)
    monkeypatch.setenv("STAGING_NOBODY_KNOWS", "what-it-is")
    monkeypatch.setenv("STAGING_SMTP_PASS", "backend")
    target = PlatformTarget.make("staging", load_settings(ROOT), None)
    assert target.secrets() == {"what-it-is", "backend"}
    assert target.guesses() == {"what-it-is"}


def test_the_password_of_any_address_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an address usually has none: of several, and as a proxy is told of it."""
    monkeypatch.setenv("STAGING_API_BASE_URL", "https://team:w%40rd@shop.example/salon")
    monkeypatch.setenv("STAGING_API_SLOTS", "http://a:one-word@h:1 http://h:2")
    monkeypatch.setenv("STAGING_REDIS_URL", "redis://:two words@h")
    target = PlatformTarget.make("staging", load_settings(ROOT), None)
    assert target.secrets() == {
        "w@rd", "w%40rd", "one-word", "two words", "two%20words",
        *(base64.b64encode(text.encode()).decode() for text in ("team:w@rd", "a:one-word")),
    }  # fmt: skip
