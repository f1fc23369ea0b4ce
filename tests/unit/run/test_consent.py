"""Who may change a live target, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.model import Risk
from runbook_steps.engine.run.consent import Consent, refuse_without_consent

AMMAN = ZoneInfo("Asia/Amman")
SUNDAY_3_AM = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)  # 03:00 in Amman
SUNDAY_6_AM = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize("window", ["Sun 02:00-05:00", "02:00-05:00"])
def test_destructive_runs_in_the_window_of_the_target(window: str) -> None:
    """In the platform's time zone, not in that of the machine."""
    consent = Consent(Risk.DESTRUCTIVE, confirm="staging")
    refuse_without_consent("staging", window, consent, SUNDAY_3_AM, AMMAN)
    with pytest.raises(RefusedError, match="not now"):
        refuse_without_consent("staging", window, consent, SUNDAY_6_AM, AMMAN)


def test_another_day_is_outside_of_the_window() -> None:
    """The day counts as well."""
    with pytest.raises(RefusedError, match=r"its window is Mon 02:00-05:00 \(Asia/Amman\); --now overrides"):
        refuse_without_consent("staging", "Mon 02:00-05:00", Consent(Risk.DESTRUCTIVE, "staging"), SUNDAY_3_AM, AMMAN)


def test_now_overrides_the_window_but_not_the_name() -> None:
    """The name must be said in any case."""
    refuse_without_consent("staging", "", Consent(Risk.DESTRUCTIVE, "staging", now=True), SUNDAY_6_AM, AMMAN)
    with pytest.raises(RefusedError, match="--confirm staging"):
        refuse_without_consent("staging", "", Consent(Risk.DESTRUCTIVE, "production", now=True), SUNDAY_6_AM, AMMAN)


@pytest.mark.parametrize("risk", [Risk.MUTATING, Risk.DESTRUCTIVE])
def test_production_is_never_changed_by_a_verification(risk: Risk) -> None:
    """Whatever was said."""
    with pytest.raises(RefusedError, match="never changes production"):
        refuse_without_consent("production", "00:00-23:59", Consent(risk, "production", now=True), SUNDAY_3_AM, AMMAN)


def test_a_person_who_is_asked_each_time_may_change_production() -> None:
    """In no window; another name than the target's is a mistake."""
    refuse_without_consent("production", "", Consent(Risk.DESTRUCTIVE, attended=True), SUNDAY_6_AM, AMMAN)
    with pytest.raises(RefusedError, match="names another target: this run would change production"):
        refuse_without_consent(
            "production", "", Consent(Risk.DESTRUCTIVE, "staging", attended=True), SUNDAY_6_AM, AMMAN
        )


def test_reading_needs_no_consent() -> None:
    """Not on production either."""
    refuse_without_consent("production", "", Consent(Risk.READONLY), SUNDAY_6_AM, AMMAN)


@pytest.mark.parametrize("window", ["sunday night", "Sun 2-5", "Sun 25:00-26:00", "Son 02:00-05:00", "02:00"])
def test_a_window_that_cannot_be_read_is_refused(window: str) -> None:
    """A typing mistake must not open it."""
    with pytest.raises(ConfigurationError, match="window"):
        refuse_without_consent("staging", window, Consent(Risk.DESTRUCTIVE, "staging"), SUNDAY_3_AM, AMMAN)
