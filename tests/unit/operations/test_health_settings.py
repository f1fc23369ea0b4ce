"""The environment of the operations: what is no good is named, its value is not."""

from __future__ import annotations

import ssl

import pytest

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.health_settings import HealthSettings
from runbook_steps.operations.settings import number, required, web_url

GOOD = {
    "API_BASE_URL": "https://localhost:8443/",
    "DATABASE_URL": "postgres://u:hidden@127.0.0.1:5432/x",
    "REDIS_URL": "redis://:hidden@127.0.0.1:6379/0",
    "TAP_API_URL": "http://127.0.0.1:9/tap",
}
SECRET = "S3cr3t-in-URL"


def test_defaults_are_those_of_production() -> None:
    """Ten seconds, Twilio and Expo by their own names, no CDN; a last slash is dropped."""
    settings = HealthSettings.from_environ(GOOD)
    assert (settings.api_url, settings.deadline_s, settings.cdn_url) == ("https://localhost:8443", 10.0, "")
    assert settings.third_parties == {
        "Twilio": "https://api.twilio.com",
        "Tap": "http://127.0.0.1:9/tap",
        "Expo": "https://exp.host",
    }


def test_a_third_party_that_is_not_named_is_not_asked() -> None:
    """Neither good nor bad: its check says that it is not configured."""
    assert "Tap" not in HealthSettings.from_environ({**GOOD, "TAP_API_URL": ""}).third_parties


@pytest.mark.parametrize("name", [name for name in GOOD if name != "TAP_API_URL"])
def test_what_is_missing_is_named(name: str) -> None:
    """With how to load an environment."""
    with pytest.raises(ConfigurationError, match=f"{name} not set; load the target's environment"):
        HealthSettings.from_environ({**GOOD, name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_BASE_URL", SECRET),
        ("API_BASE_URL", f"https://{SECRET}:99999"),
        ("API_BASE_URL", f"https://{SECRET}:port"),
        ("API_BASE_URL", f"https://{SECRET}:0"),
        ("API_BASE_URL", f"http://[::1{SECRET}"),
        ("API_BASE_URL", f"https://{SECRET * 6}"),
        ("API_BASE_URL", f"https://{SECRET}\x1b[31m"),
        ("API_BASE_URL", f"https://{SECRET} x"),
        ("API_BASE_URL", f"ftp://{SECRET}"),
        ("API_BASE_URL", "https://"),
        ("TAP_API_URL", SECRET),
        ("TWILIO_API_URL", SECRET),
        ("EXPO_API_URL", SECRET),
        ("CDN_URL", f"file:///{SECRET}"),
        ("AWS_ENDPOINT_URL", SECRET),
        ("DATABASE_URL", SECRET),
        ("DATABASE_URL", f"postgres://u:{SECRET}@localhost:5/x?nonsense=1"),
        ("REDIS_URL", SECRET),
        ("REDIS_URL", f"redis://:{SECRET}@127.0.0.1:99999/0"),
        ("HEALTH_CHECK_TIMEOUT", SECRET),
        ("HEALTH_CHECK_TIMEOUT", "-1"),
        ("HEALTH_CHECK_TIMEOUT", "99"),
        ("HEALTH_CHECK_TIMEOUT", "9" * 5000),
        ("HEALTH_CHECK_TIMEOUT", "١٠٠٠"),
    ],
)
def test_what_is_no_good_is_named_without_its_value(name: str, value: str) -> None:
    """It may hold a password."""
    with pytest.raises(ConfigurationError) as told:
        HealthSettings.from_environ({**GOOD, name: value})
    assert str(told.value).startswith(f"{name} ")
    assert SECRET not in str(told.value)


def test_no_secret_is_shown_with_the_settings() -> None:
    """Neither URL with its password, nor the credentials of AWS."""
    shown = repr(HealthSettings.from_environ({**GOOD, "AWS_SECRET_ACCESS_KEY": "hidden"}))
    assert "hidden" not in shown


@pytest.mark.parametrize("file", ["/no/such/file", "/", __file__])
def test_what_is_no_bundle_is_told(file: str) -> None:
    """Missing, a folder, no certificates."""
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE is not a readable file"):
        HealthSettings.from_environ({**GOOD, "SSL_CERT_FILE": file}).tls()


def test_without_a_bundle_the_system_is_trusted() -> None:
    """Names are checked either way."""
    context = HealthSettings.from_environ(GOOD).tls()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_every_missing_variable_is_named_at_once() -> None:
    """One message, not one run for each."""
    with pytest.raises(ConfigurationError, match=r"^A, C not set"):
        required({"B": "1", "C": ""}, "A", "B", "C")


@pytest.mark.parametrize(("text", "found"), [("", 7), (" 5 ", 5), ("0005", 5), ("10", 10)])
def test_a_number_may_stand_in_spaces(text: str, found: int) -> None:
    """Empty is the default."""
    assert number({"N": text}, "N", 7, low=5, high=10) == found


@pytest.mark.parametrize("text", ["4", "11", "5.5", "5e0", "0x5", "+5", "5_0", "٥", "5 5"])
def test_a_number_outside_or_in_another_spelling_is_refused(text: str) -> None:
    """The bounds are told."""
    with pytest.raises(ConfigurationError, match=r"^N must be a whole number from 5 to 10$"):
        number({"N": text}, "N", 7, low=5, high=10)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "http://d"), (" https://a/b/ ", "https://a/b"), ("http://[::1]:80", "http://[::1]:80")],
)
def test_an_address_is_tidied(text: str, found: str) -> None:
    """Spaces around it and its last slash go; empty is the default."""
    assert web_url({"U": text}, "U", "http://d") == found
