"""Alarms of CloudWatch: there, missing, ringing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.faults.alarm import AlarmMissing, AlarmRinging

PREFIX = "beautycort-"


@given("CloudWatch knows the alarms of the platform")
def alarms_are_known(aws: Callable[[str], Any], note: Callable[[str], None]) -> None:
    note(f"{len(known_alarms(aws))} alarms known")


@given(parsers.re(r"the alarm (?P<alarm>beautycort-[a-z-]+) is ringing"))
def an_alarm_is_ringing(
    alarm: str, situation: Situation, aws: Callable[[str], Any], note: Callable[[str], None]
) -> None:
    note(situation.arrange(AlarmRinging(aws("cloudwatch"), alarm)).detail)


@given(parsers.re(r"the alarm (?P<alarm>beautycort-[a-z-]+) is missing"))
def an_alarm_is_missing(
    alarm: str, situation: Situation, aws: Callable[[str], Any], note: Callable[[str], None]
) -> None:
    note(situation.arrange(AlarmMissing(aws("cloudwatch"), alarm)).detail)


@then("these alarms watch the platform:")
def these_alarms_watch(datatable: list[list[str]], aws: Callable[[str], Any]) -> None:
    expected = {name: (float(threshold), unit) for name, threshold, unit in datatable[1:]}
    found = {name: (alarm.get("Threshold"), alarm.get("Unit")) for name, alarm in alarms_of(aws).items()}
    assert expected == {name: found.get(name) for name in expected}


@then(parsers.re(r"the answer lists the alarm (?P<alarm>beautycort-[a-z-]+) and no other"))
def answer_lists_only(alarm: str, last_result: Result) -> None:
    assert [alarm] == [word for word in last_result.stdout.split() if word.startswith(PREFIX)]


@then(parsers.re(r"the answer does not list the alarm (?P<alarm>beautycort-[a-z-]+)"))
def answer_lacks(alarm: str, last_result: Result, aws: Callable[[str], Any]) -> None:
    listed = last_result.stdout.split()
    assert alarm not in listed
    assert sorted(alarms_of(aws)) == sorted(listed)


@then(parsers.re(r"CloudWatch says that only (?P<alarm>beautycort-[a-z-]+) is ringing"))
def only_one_rings(alarm: str, aws: Callable[[str], Any]) -> None:
    assert [alarm] == [name for name, found in alarms_of(aws).items() if found["StateValue"] == "ALARM"]


@then(
    parsers.re(
        r"the alarm (?P<alarm>beautycort-[a-z-]+) rings above (?P<limit>\d+) (?P<unit>\w+), and when there is no data"
    )
)
def alarm_rings_above(alarm: str, limit: str, unit: str, aws: Callable[[str], Any]) -> None:
    alarms = alarms_of(aws)
    found, like = alarms[alarm], alarms["beautycort-memory"]
    assert (found["Namespace"], found.get("Dimensions")) == (like["Namespace"], like.get("Dimensions"))
    assert (float(limit), unit) == (found.get("Threshold"), found.get("Unit"))
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["TreatMissingData"] == "breaching"


@then("every alarm tells somebody")
def every_alarm_tells(aws: Callable[[str], Any]) -> None:
    silent = [name for name, found in alarms_of(aws).items() if not (found["ActionsEnabled"] and found["AlarmActions"])]
    assert silent == []
    assert len({tuple(found["AlarmActions"]) for found in alarms_of(aws).values()}) == 1


def known_alarms(aws: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """The same. Raises NotRunnableHere where alarms have other names, CheckFailed where there is none at all."""
    if found := alarms_of(aws):
        return found
    others = sorted(each["AlarmName"] for each in aws("cloudwatch").describe_alarms(MaxRecords=20)["MetricAlarms"])
    if others:
        raise NotRunnableHere(
            f"no alarm is named {PREFIX}…: CloudWatch has {', '.join(others[:5])}. Instead: look at those by hand"
        )
    raise CheckFailed("CloudWatch knows no alarm: nothing would ring")


def alarms_of(aws: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """Every alarm of the platform, by name."""
    pages = aws("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=PREFIX)
    return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
