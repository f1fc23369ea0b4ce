"""Alarms and counters that a drill takes away come back as they were, also after half of it, also twice."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx
import pytest
import redis

from runbook_steps.engine.errors import FaultError
from runbook_steps.faults.alarm import AlarmMissing
from runbook_steps.faults.day_of_traffic import DayOfTraffic
from runbook_steps.faults.third_party_down import ThirdPartyDown
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.steps.clients import from_a_customer

ALARM = "beautycort-cpu"
SAME = ("AlarmName", "Namespace", "MetricName", "Threshold", "Unit", "ComparisonOperator", "Period", "StateValue")


@pytest.fixture
def cloudwatch(whole: EmbeddedTarget) -> Any:
    """A client of the target's CloudWatch."""
    given = whole.environment()
    return boto3.client(
        "cloudwatch",
        endpoint_url=given["AWS_ENDPOINT_URL"],
        region_name=given["AWS_REGION"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture
def api(whole: EmbeddedTarget) -> Iterator[httpx.Client]:
    """A client of the target's API."""
    given = whole.environment()
    context = ssl.create_default_context(cafile=given["SSL_CERT_FILE"])
    hooks = {"request": [from_a_customer]}  # the platform limits what one customer asks for, as production does
    with httpx.Client(base_url=given["API_BASE_URL"], verify=context, trust_env=False, event_hooks=hooks) as client:
        yield client


def alarm(cloudwatch: Any) -> dict[str, Any]:
    """The alarm as CloudWatch has it."""
    found = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    return {key: found[0][key] for key in SAME} if found else {}


def test_a_missing_alarm_comes_back_as_it_was(cloudwatch: Any) -> None:
    """Threshold, metric, state; clearing twice harms nothing."""
    before, fault = alarm(cloudwatch), AlarmMissing(cloudwatch, ALARM)

    fault.arrange()
    assert {} == alarm(cloudwatch)
    fault.clear()
    fault.clear()
    assert before == alarm(cloudwatch)


def test_an_alarm_that_is_not_there_cannot_be_taken_away(cloudwatch: Any) -> None:
    """It says so, and makes none up when it clears."""
    fault = AlarmMissing(cloudwatch, "beautycort-nothing")

    with pytest.raises(FaultError, match="there is no alarm beautycort-nothing"):
        fault.arrange()
    fault.clear()
    assert fault.observe().present


def test_the_counters_of_before_come_back(whole: EmbeddedTarget, api: httpx.Client) -> None:
    """Three failures of 33 requests are counted apart; five older ones are there again, and are not the drill's."""
    given = whole.environment()
    client: Any = redis.Redis.from_url(given["REDIS_URL"], decode_responses=True, protocol=2)
    hour = f"metrics:{datetime.now(UTC):%Y%m%d%H}"
    client.hset(hour, mapping={"GET /old|requests": 7, "GET /old|errors": 5, "GET /old|ms": 7})
    fault = DayOfTraffic(api, client, ThirdPartyDown("twilio", given["TWILIO_API_URL"]), failing=3)

    fault.arrange()
    assert "3 errors in 33 requests" == fault.observe().detail
    fault.clear()
    fault.clear()
    assert ["7", "5"] == client.hmget(hour, "GET /old|requests", "GET /old|errors")
    assert not fault.observe().present
    client.hdel(hour, "GET /old|requests", "GET /old|errors", "GET /old|ms")


def test_a_third_party_that_is_healed_answers(whole: EmbeddedTarget) -> None:
    """Down, and up again."""
    fault = ThirdPartyDown("expo", whole.environment()["EXPO_API_URL"])

    fault.arrange()
    assert "expo answers 503" == fault.observe().detail
    fault.clear()
    assert "expo answers 200" == fault.observe().detail
