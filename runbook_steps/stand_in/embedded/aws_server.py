"""The process behind AWS_ENDPOINT_URL: moto, populated through its own front door before it listens.

`python -m runbook_steps.stand_in.embedded.aws_server RUN_DIRECTORY`
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from runbook_steps.stand_in.embedded import target_health
from runbook_steps.stand_in.embedded.layout import (
    ALB_NAME,
    API_SLOTS,
    AWS_REGION,
    BUCKET,
    DEFAULT_SLOTS,
    read_layout,
    target_address,
)

__all__ = ["ALARMS", "main"]

# production-interfaces.md, "Alert thresholds"; memory and CPU of the API's hosts
ALARMS = (
    ("beautycort-api-error-rate", "BeautyCort", "ErrorRate", 5.0, "Percent"),
    ("beautycort-api-response-time", "BeautyCort", "ResponseTime", 2000.0, "Milliseconds"),
    ("beautycort-database-connections", "BeautyCort", "DatabaseConnections", 80.0, "Percent"),
    ("beautycort-memory", "BeautyCort", "MemoryUtilization", 85.0, "Percent"),
    ("beautycort-cpu", "BeautyCort", "CPUUtilization", 80.0, "Percent"),
)
_SECURITY = ("beautycort-security-findings", "BeautyCort", "SecurityFindings", 0.0, "Count")  # a scanner's, of no page
_WHOM_ALARMS_TELL = "arn:aws:sns:me-south-1:123456789012:beautycort-alerts"
_API_PORT = "3000"  # production-interfaces.md, "Services": the target group's port
_VERSIONS = {
    "ec2": "2016-11-15",
    "elasticloadbalancing": "2015-12-01",
    "monitoring": "2010-08-01",
}


class _FrontDoor:
    """Speaks AWS's query protocol with the application in this process."""

    def __init__(self, application: Any) -> None:
        from werkzeug.test import Client  # noqa: PLC0415 - with moto, only in this process

        self._client = Client(application)

    def query(self, service: str, action: str, **parameters: str) -> str:
        body = {"Action": action, "Version": _VERSIONS[service], **parameters}
        response = self._client.post(
            "/",
            data=urlencode(body),
            headers={**self._signed(service), "Content-Type": "application/x-www-form-urlencoded"},
            base_url=f"http://{service}.{AWS_REGION}.amazonaws.com",
        )
        return self._text(f"{service} {action}", response)

    def put(self, path: str, body: str, headers: Mapping[str, str]) -> str:
        response = self._client.put(
            path, data=body, headers={**self._signed("s3"), **headers}, base_url="http://s3.amazonaws.com"
        )
        return self._text(f"s3 PUT {path}", response)

    @staticmethod
    def _signed(service: str) -> dict[str, str]:
        scope = f"runbooks/20250816/{AWS_REGION}/{service}/aws4_request"
        return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}

    @staticmethod
    def _text(what: str, response: Any) -> str:
        text = str(response.get_data(as_text=True))
        if response.status_code >= 300:  # noqa: PLR2004 - HTTP
            raise SystemExit(f"{what} was answered with {response.status_code}: {text}")
        return text


def _one(tag: str, text: str) -> str:
    found = re.search(f"<{tag}>([^<]+)</{tag}>", text)
    if found is None:
        raise SystemExit(f"no {tag} in {text}")
    return found.group(1)


def populate(door: _FrontDoor) -> str:
    """Makes bucket, network, load balancer with its targets, and alarms; gives the target group's ARN."""
    location = f"<LocationConstraint>{AWS_REGION}</LocationConstraint>"
    door.put(f"/{BUCKET}", f"<CreateBucketConfiguration>{location}</CreateBucketConfiguration>", {})
    vpc = _one("vpcId", door.query("ec2", "CreateVpc", CidrBlock="10.20.0.0/16"))
    subnets = [
        _one(
            "subnetId",
            door.query(
                "ec2",
                "CreateSubnet",
                VpcId=vpc,
                CidrBlock=f"10.20.{number}.0/24",
                AvailabilityZone=f"{AWS_REGION}{zone}",
            ),
        )
        for number, zone in enumerate("ab")
    ]
    balancer = _one(
        "LoadBalancerArn",
        door.query(
            "elasticloadbalancing",
            "CreateLoadBalancer",
            Name=ALB_NAME,
            Scheme="internet-facing",
            **{f"Subnets.member.{number}": subnet for number, subnet in enumerate(subnets, start=1)},
        ),
    )
    group = _target_group(door, vpc)
    door.query(
        "elasticloadbalancing",
        "CreateListener",
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port="80",
        **{"DefaultActions.member.1.Type": "forward", "DefaultActions.member.1.TargetGroupArn": group},
    )
    _alarms(door)
    return group


def _target_group(door: _FrontDoor, vpc: str) -> str:
    made = door.query(
        "elasticloadbalancing",
        "CreateTargetGroup",
        Name="beautycort-api",
        Protocol="HTTP",
        Port=_API_PORT,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckProtocol="HTTP",
        HealthCheckPath="/api/health",
        HealthCheckIntervalSeconds="10",
        HealthCheckTimeoutSeconds="5",
        **{"Matcher.HttpCode": "200"},
    )
    group = _one("TargetGroupArn", made)
    targets = {}
    for number, slot in enumerate(API_SLOTS[:DEFAULT_SLOTS], start=1):
        targets[f"Targets.member.{number}.Id"] = target_address(slot)
        targets[f"Targets.member.{number}.Port"] = _API_PORT
    door.query("elasticloadbalancing", "RegisterTargets", TargetGroupArn=group, **targets)
    return group


def _alarms(door: _FrontDoor) -> None:
    for name, namespace, metric, threshold, unit in (*ALARMS, _SECURITY):
        door.query(
            "monitoring",
            "PutMetricAlarm",
            AlarmName=name,
            Namespace=namespace,
            MetricName=metric,
            Threshold=str(threshold),
            Unit=unit,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods="3",
            Period="60",
            Statistic="Average",
            **{"AlarmActions.member.1": _WHOM_ALARMS_TELL},
        )
        door.query(
            "monitoring",
            "SetAlarmState",
            AlarmName=name,
            StateValue="OK",
            StateReason="the target has started",
        )


def main(directory: str) -> None:
    """Populates and serves until it is stopped."""
    layout = read_layout(Path(directory))
    port = layout.ports["aws"]
    os.environ["MOTO_PORT"] = str(port)
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - two seconds of imports, only in this process
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import run_simple  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    application = DomainDispatcherApplication(create_backend_app)
    target_health.install(target_health.prober(layout))
    group = populate(_FrontDoor(application))
    (layout.directory / "target-group-arn").write_text(group, "utf-8")
    run_simple("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(sys.argv[1])
