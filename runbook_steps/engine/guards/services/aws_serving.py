"""Whether somebody is left to serve after a change in AWS at `mutating`: by what it says, and by a look. Pure.

Sources: the API references of Elastic Load Balancing (version 2015-12-01) and of CloudWatch. An alarm may end, stop or
restart machines, shrink a group of them and call functions ("AlarmActions"): here it tells somebody, by SNS. A target
is taken out only where another one that is healthy is left, which a look at the server says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.session

from runbook_steps.engine.guards.services.cbor import cbor_of
from runbook_steps.engine.guards.services.http_message import RequestHead, json_of, pairs_of
from runbook_steps.engine.guards.services.looks import Look, Question
from runbook_steps.engine.guards.services.relay import Unreadable

__all__ = ["FORM", "acts_beyond", "look_at_targets", "parameters_of"]

FORM = re.compile(r"application/x-www-form-urlencoded(?:; ?charset=utf-8)?", re.IGNORECASE)
_ACTIONS = {each.lower(): each for each in ("AlarmActions", "OKActions", "InsufficientDataActions")}
_RINGS, _ENABLED = "alarmactions", "ActionsEnabled"
_TELLS = re.compile(r"arn:aws(?:-[a-z-]+)?:sns:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_.-]+")
_MEMBER = re.compile(r"([A-Za-z]+)\.member\.[0-9]+")
_TARGET = re.compile(r"Targets\.member\.([0-9]+)\.(Id|Port|AvailabilityZone)")
_DEREGISTER, _DESCRIBE = "DeregisterTargets", "DescribeTargetHealth"
_FOUND = 200
_NO_GROUP = "TargetGroupNotFound"


def parameters_of(head: RequestHead, body: bytes) -> Mapping[str, Any]:
    """What an operation is asked with, in any protocol; members of lists in a form stay apart. Raises Unreadable."""
    if head.headers.get("content-encoding", "identity") != "identity":
        raise Unreadable("a body that is packed")
    kind = head.headers.get("content-type", "")
    if FORM.fullmatch(kind):
        return dict(pairs_of(body.decode("ascii")))
    said = json_of(body) if "x-amz-target" in head.headers else cbor_of(body)
    if not isinstance(said, dict):
        raise Unreadable("a body that says no names")
    return said


def acts_beyond(operation: str, said: Mapping[str, Any]) -> str | None:
    """What an alarm would do beyond telling somebody, or that it would tell nobody."""
    if operation != "PutMetricAlarm":
        return None
    told: list[str] = []
    for name, value in said.items():
        member = _MEMBER.fullmatch(name)
        stem = member[1] if member else name
        spelled = stem.partition(".")[0].strip().lower()
        if spelled == _ENABLED.lower() and (name != _ENABLED or not (value is True or value == "true")):
            return f"{operation} that is silent"
        if spelled not in _ACTIONS:
            continue
        listed = [value] if member else value
        known = stem in _ACTIONS.values() and isinstance(listed, list)
        if not known or not all(isinstance(each, str) and _TELLS.fullmatch(each) for each in listed):
            return f"{operation} with {stem} that do more than tell somebody"
        told += listed if spelled == _RINGS else []
    return None if told else f"{operation} that tells nobody"


def look_at_targets(head: RequestHead, operation: str, said: Mapping[str, Any]) -> Look | None:
    """What is seen before targets are taken out; None for every other operation. Raises Unreadable."""
    if operation != _DEREGISTER:
        return None
    return _look_at_targets(head, str(said.get("TargetGroupArn", "")), _targets(said))


def _look_at_targets(head: RequestHead, group: str, taken: frozenset[tuple[str, str]]) -> Look:
    fields = {"Action": _DESCRIBE, "Version": "2015-12-01", "TargetGroupArn": group}
    kept = {name: value for name, value in head.headers.items() if name in {"authorization", "x-amz-date", "accept"}}
    kept["content-type"] = "application/x-www-form-urlencoded"
    answer = yield Question(RequestHead("POST", "/", kept), urlencode(fields).encode())
    read = _parsed({"status_code": answer.status, "headers": {}, "body": answer.body})
    if read.get("Error", {}).get("Code") == _NO_GROUP:
        return None  # the server says so
    if answer.status != _FOUND:
        return f"{_DEREGISTER}, which could not be looked at first"
    healthy = {
        (str(each["Target"]["Id"]), str(each["Target"]["Port"]))
        for each in read["TargetHealthDescriptions"]
        if each["TargetHealth"]["State"] == "healthy"
    }
    left = {(name, port) for name, port in healthy if (name, port) not in taken and (name, "") not in taken}
    return None if left else f"{_DEREGISTER}, after which no target is healthy"


def _targets(said: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Identity and port of each, the port empty where it is not said."""
    by_number: dict[str, dict[str, str]] = {}
    for name, value in said.items():
        if found := _TARGET.fullmatch(name):
            by_number.setdefault(found[1], {})[found[2]] = str(value)
        elif name not in {"Action", "Version", "TargetGroupArn"}:
            raise Unreadable(f"{_DEREGISTER} with a parameter that is not known")
    return frozenset((each.get("Id", ""), each.get("Port", "")) for each in by_number.values())


@lru_cache
def _model() -> Any:
    return botocore.session.Session().get_service_model("elbv2").operation_model(_DESCRIBE).output_shape


def _parsed(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return botocore.parsers.create_parser("query").parse(answer, _model())  # type: ignore[no-any-return]
