"""Secrets leave text, in every spelling they may take; what is no secret stays."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_steps.redact import Redactor, secret_values

SECRET = "S3cr3t-in-URL"
NASTY = 'p@ss/w+rd "quoted" \\ ü'


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("REDIS_URL", f"redis://:{SECRET}@host:1/0", {SECRET}),
        ("DATABASE_URL", f"postgres://user:{SECRET}@host/db", {SECRET}),
        ("JWT_SECRET", SECRET, {SECRET}),
        ("BACKUP_ENCRYPTION_KEY", "ab" * 32, {"ab" * 32}),
        ("PGPASSWORD", SECRET, {SECRET}),
        ("JWT_EXPIRES_IN", "15m", set()),
        ("API_BASE_URL", "https://localhost:1", set()),
        ("PATH", "/usr/bin", set()),
    ],
)
def test_secrets_are_known_by_their_variable(name: str, value: str, found: set[str]) -> None:
    """A secret is told by the variable's name, or is the password of a URL."""
    assert found == secret_values({name: value})


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"redis://:{SECRET}@host",
        quote(SECRET, safe=""),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f":{SECRET}".encode()).decode(),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_spelling_is_taken_out(text: str) -> None:
    """Plain, in a URL, and in base64 at any alignment."""
    redacted = Redactor({SECRET})(f"before {text} after")
    assert (SECRET in redacted, text in redacted) == (False, False)
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


@pytest.mark.parametrize("spell", [str, json.dumps, lambda v: quote(v, safe="")])
def test_a_nasty_value_is_taken_out(spell: object) -> None:
    """Quotes, spaces and non-ASCII do not hide a secret."""
    assert callable(spell)
    assert "w+rd" not in Redactor({NASTY})(f"x {spell(NASTY)} y")
    assert "w%2Brd" not in Redactor({NASTY})(f"x {spell(NASTY)} y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:pw@h/db", "postgres://u:[redacted password, 1-8 characters]@h/db"),
        ("Authorization: Bearer abcdefghijk", "Authorization: Bearer [redacted credential, 9-16 characters]"),
        ("key AKIAABCDEFGHIJKLMNOP.", "key [redacted AWS access key, 17-32 characters]."),
        ("t eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", "t [redacted JWT, 33-64 characters]"),
        ('{"password": "hunter2222"}', '{"password": "[redacted secret, 9-16 characters]"}'),
        ("JWT_SECRET=$JWT_SECRET", "JWT_SECRET=$JWT_SECRET"),
        ("JWT_SECRET length: 64 characters", "JWT_SECRET length: 64 characters"),
        ("used_memory:1048576", "used_memory:1048576"),
        ("2 of 3 slots healthy, token blacklist kept", "2 of 3 slots healthy, token blacklist kept"),
    ],
)
def test_shapes_are_known_without_the_value(text: str, expected: str) -> None:
    """What looks like a secret goes, with its kind and length class left; ordinary output stays."""
    assert expected == Redactor()(text)


@given(st.text(min_size=6, max_size=40), st.text(), st.text())
def test_no_value_survives(secret: str, before: str, after: str) -> None:
    """Whatever the secret and its surroundings are, it is not in the result."""
    redactor = Redactor({secret})
    redacted = redactor(f"{before}{secret}{after}")
    assert not redactor.finds(redacted) or secret in "[redacted secret, 1-89-1617-3233-6465+ characters]"


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """Redaction is stable."""
    redactor = Redactor({SECRET})
    assert redactor(redactor(text)) == redactor(text)
