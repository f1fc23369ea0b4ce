"""At `mutating`, before a cluster and a balancer: whatever is sent, somebody is left to serve.

Requests as `kubectl` and a client of AWS make them, through the guard to the embedded Kubernetes and to moto.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.test_changes_elsewhere import asked, client_of

Changing = tuple[Guard, dict[str, str]]


@pytest.fixture(scope="module")
def environment(whole: EmbeddedTarget) -> dict[str, str]:
    """Of the target."""
    whole.start({"kubernetes"})
    return dict(whole.environment())


@pytest.fixture
def changing(environment: dict[str, str], tmp_path: Path) -> Iterator[Changing]:
    """The guard, and the environment behind it."""
    guard = Guard(Risk.MUTATING, tmp_path)
    yield guard, guard.environment(environment)
    guard.close()


CLUSTER = [
    "scale deployment api --replicas=0", "scale --replicas=0 deployment --all",
    "scale deploy/api --replicas=0 --timeout=1s", "scale deployment api --current-replicas=2 --replicas=0",
    "scale deployment api --replicas=5000",
    "patch deployment api --subresource=scale --type=merge -p {\"spec\":{\"replicas\":0}}",
    "patch deployment api --subresource=scale --type=json -p [{\"op\":\"remove\",\"path\":\"/spec/replicas\"}]",
    "autoscale deployment api --min=0 --max=1", "delete pods --all", "delete pods -l app=api",
    "delete pods --all --now", "delete pods --all --grace-period=0 --force", "delete pods -A --all",
    "delete --raw /api/v1/namespaces/default/pods", "rollout undo deployment api", "rollout pause deployment api",
    "set resources deployment api --limits=cpu=1m",
    "replace --raw /apis/apps/v1/namespaces/default/deployments/api/scale -f FILE",
]  # fmt: skip


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("words", CLUSTER)
def test_a_cluster_serves_on(environment: dict[str, str], changing: Changing, tmp_path: Path, words: str) -> None:
    """Refused and named, or kubectl itself found nothing to ask for."""
    guard, behind = changing
    none = tmp_path / "none.json"
    none.write_text('{"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "api"}, "spec": {}}')
    wanted = ("get", "deployment", "api", "-o", "jsonpath={.spec}")
    before = asked(environment, *wanted).stdout
    done = asked(behind, *words.replace("FILE", str(none)).split())
    refused = guard.take_refusals()
    said = done.stdout + done.stderr
    assert refused != () or "NotFound" in said or "doesn't have" in said or "error: " in said, said
    assert (done.returncode != 0, asked(environment, *wanted).stdout) == (True, before)


def healthy(target: Mapping[str, str]) -> list[dict[str, Any]]:
    """The targets that the balancer finds healthy, asked past the guard."""
    found = client_of("elbv2", target).describe_target_health(TargetGroupArn=target["ALB_TARGET_GROUP_ARN"])
    rows = found["TargetHealthDescriptions"]
    return [each["Target"] for each in rows if each["TargetHealth"]["State"] == "healthy"]


@pytest.fixture
def served(environment: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The targets, which are registered again at the end."""
    before = healthy(environment)
    assert len(before) > 1
    yield before
    group = environment["ALB_TARGET_GROUP_ARN"]
    client_of("elbv2", environment).register_targets(TargetGroupArn=group, Targets=before)


@pytest.mark.parametrize("how", ["all at once", "one by one", "all at the same time", "without their ports"])
def test_a_balancer_keeps_a_healthy_target(
    environment: dict[str, str], changing: Changing, served: list[dict[str, Any]], how: str
) -> None:
    """Whichever way they are taken out; the last one is refused and named."""
    guard, behind = changing
    balancer, group = client_of("elbv2", behind), environment["ALB_TARGET_GROUP_ARN"]

    def take(*targets: dict[str, Any]) -> None:
        with suppress(ClientError):
            balancer.deregister_targets(TargetGroupArn=group, Targets=[*targets])

    if how == "all at the same time":
        with ThreadPoolExecutor(len(served)) as several:
            list(several.map(take, served))
    elif how == "one by one":
        for each in served:
            take(each)
    else:
        take(*(served if how == "all at once" else [{"Id": each["Id"]} for each in served]))
    assert [each.operation for each in guard.take_refusals()] == ["DeregisterTargets, after which no target is healthy"]
    assert len(healthy(environment)) >= 1


def test_an_alarm_does_nothing_by_itself(environment: dict[str, str], changing: Changing) -> None:
    """It tells somebody; it ends no machine."""
    guard, behind = changing
    said = {"AlarmName": "hostile", "Namespace": "x", "MetricName": "y", "Period": 60, "EvaluationPeriods": 1,
            "Threshold": 0.0, "Statistic": "Average", "ComparisonOperator": "GreaterThanThreshold"}  # fmt: skip
    with pytest.raises(ClientError, match="do more than tell somebody"):
        client_of("cloudwatch", behind).put_metric_alarm(**said, AlarmActions=["arn:aws:automate:x:ec2:terminate"])
    assert len(guard.take_refusals()) == 1
    there = client_of("cloudwatch", environment).describe_alarms(AlarmNames=["hostile"])
    assert there["MetricAlarms"] == []
