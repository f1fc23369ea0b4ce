"""What a live target hides only for want of knowledge, and what the pages themselves say is none of that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.model import Risk
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.live.target import PlatformTarget

SAID = {
    "SHARD": "bookings",  # a word of a scenario's name
    "OWNER_TEAM": "payments",
    "MYSTERY": "hunter2-very-secret",
    "HALF": "ookings",  # stands in a page only as a part of its words
    "SHOUTED": "BOOKINGS",
    "SMTP_PASSWORD": "bookings-nightly",
    "APP_SECRET": "customers",  # a secret by its name, whatever its word
}


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlatformTarget:
    """With those variables, and a page and a feature beside it."""
    for folder, text in (
        ("docs", "Who owns payments?"),
        ("features", "Scenario: Bring back newer bookings of customers"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text(text)
    monkeypatch.setenv("STAGING_API_BASE_URL", "http://127.0.0.1:9")
    for name, value in SAID.items():
        monkeypatch.setenv(f"STAGING_{name}", value)
    settings = replace(load_settings(find_root(Path(__file__))), root=tmp_path)
    return PlatformTarget.make("staging", settings, Risk.READONLY)


def test_a_word_of_the_pages_is_not_hidden(target: PlatformTarget) -> None:
    """It stands in names of scenarios: hidden there, nobody could read the evidence, and found there, it was red."""
    assert target.guesses() == {"hunter2-very-secret", "ookings", "BOOKINGS"}


def test_what_is_known_to_be_a_secret_stays_one(target: PlatformTarget) -> None:
    """Also where a page says its word."""
    assert target.secrets() == {"hunter2-very-secret", "ookings", "BOOKINGS", "bookings-nightly", "customers"}
