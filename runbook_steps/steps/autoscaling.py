"""The autoscaler of Kubernetes: what it keeps, what it sees, why it cannot scale."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow
from runbook_steps.engine.model import Result
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.steps.scaling import USUAL, eventually

DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/api"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
NAME = "beautycort-api-hpa"
LARGEST = 10  # instances
LOOKS_S = 1.0  # the emulator's loop looks every 0.2 s


class Kubernetes:
    """Reads, and on a disposable target arranges, through the API that KUBECONFIG names; by its token."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text("utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        if "token" not in user:
            raise CheckFailed(f"{kubeconfig} holds no token: checks need one that may read deployments and autoscalers")
        self._client = httpx.Client(
            base_url=cluster["server"],
            headers={"Authorization": f"Bearer {user['token']}"},
            verify=ssl.create_default_context(cafile=cluster.get("certificate-authority")),
            timeout=60,
            trust_env=False,
        )

    def deployment(self) -> dict[str, Any]:
        """The deployment of the API."""
        found: dict[str, Any] = self._client.get(DEPLOYMENT).raise_for_status().json()
        return found

    def ready(self) -> tuple[int, int]:
        """How many instances are asked for, and how many are ready."""
        found = self.deployment()
        return found["spec"]["replicas"], found["status"].get("readyReplicas", 0)

    def autoscaler(self) -> dict[str, Any] | None:
        """The autoscaler; None when there is none."""
        answer = self._client.get(f"{AUTOSCALERS}/{NAME}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason of a condition; empty words as long as it is not told."""
        found = self.autoscaler() or {}
        conditions = {c["type"]: (c["status"], c["reason"]) for c in found.get("status", {}).get("conditions", [])}
        return conditions.get(kind, ("", ""))

    def scale(self, replicas: int) -> None:
        """As `kubectl scale`."""
        headers = {"Content-Type": "application/merge-patch+json"}
        patch = {"spec": {"replicas": replicas}}
        self._client.patch(f"{DEPLOYMENT}/scale", json=patch, headers=headers).raise_for_status()

    def watch_over(self, name: str, least: int, most: int) -> None:
        """Creates the autoscaler."""
        target = {"type": "Utilization", "averageUtilization": 70}
        spec = {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        }
        document = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": NAME},
            "spec": spec,
        }
        self._client.post(AUTOSCALERS, json=document).raise_for_status()

    def forget(self) -> None:
        """Removes the autoscaler, if there is one."""
        answer = self._client.delete(f"{AUTOSCALERS}/{NAME}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()

    def use_cpu(self, percent: int | None) -> None:
        """Tells the emulator what CPU the instances use together."""
        self._client.put("/_control/cpu", json={"percent": percent}).raise_for_status()

    def close(self) -> None:
        """Closes the client."""
        self._client.close()


@pytest.fixture
def kubernetes(
    target: Target, environment: Callable[[], Mapping[str, str]]
) -> Generator[Callable[[], Kubernetes], None, None]:
    """Gives the cluster; a disposable one has the usual instances and no autoscaler afterwards."""
    made: list[Kubernetes] = []

    def one() -> Kubernetes:
        if not made:
            made.append(Kubernetes(Path(environment()["KUBECONFIG"])))
        return made[0]

    yield one
    for each in made:
        if target.facts.disposable:
            each.forget()
            each.use_cpu(None)
            each.scale(USUAL)
        each.close()


@given(parsers.parse("{count:d} instances run on Kubernetes, without an autoscaler"))
def run_without_autoscaler(count: int, target: Target, kubernetes: Callable[[], Kubernetes]) -> None:
    cluster = kubernetes()
    if target.facts.disposable:
        cluster.forget()
        cluster.scale(count)
        are_ready(cluster, count)


@given(parsers.re(r"only (?P<count>\d+) instances? runs? on Kubernetes"))
def only_so_many_run(count: str, target: Target, kubernetes: Callable[[], Kubernetes]) -> None:
    if target.facts.disposable:
        kubernetes().scale(int(count))
    are_ready(kubernetes(), int(count))


@given(parsers.parse("the autoscaler is there, with a minimum of {least:d} and a maximum of {most:d}"))
def autoscaler_is_there(
    least: int, most: int, target: Target, kubernetes: Callable[[], Kubernetes], variables: dict[str, str]
) -> None:
    variables.setdefault("MAXIMUM", str(LARGEST))  # what a person decides who has read the numbers
    variables.setdefault("INSTANCES", "3")
    if target.facts.disposable:
        kubernetes().watch_over("api", least, most)
    eventually(lambda: kubernetes().condition("AbleToScale")[0] == "True", "the autoscaler can scale")


@given(parsers.parse("the autoscaler is there, with a minimum and a maximum of {count:d}"))
def autoscaler_is_tight(
    count: int, target: Target, kubernetes: Callable[[], Kubernetes], variables: dict[str, str]
) -> None:
    autoscaler_is_there(count, count, target, kubernetes, variables)


@given("the autoscaler names the deployment beautycort-api")
def autoscaler_names_another(target: Target, kubernetes: Callable[[], Kubernetes]) -> None:
    if target.facts.disposable:
        kubernetes().watch_over("beautycort-api", 2, 10)
    elif (said := kubernetes().condition("AbleToScale")[0]) != "False":
        raise NotApplicableNow(f"of AbleToScale the autoscaler says {said or 'nothing'}")
    eventually(lambda: kubernetes().condition("AbleToScale")[0] == "False", "the autoscaler cannot scale")


@given(parsers.parse("the instances use {percent:d} % CPU together"))
def instances_use_cpu(
    percent: int, target: Target, kubernetes: Callable[[], Kubernetes], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("nobody puts load on a live cluster; what its autoscaler sees is what the checks read")
        return
    kubernetes().use_cpu(percent)
    eventually(lambda: cpu_seen(kubernetes()) == percent // USUAL, f"the autoscaler sees {percent // USUAL} % CPU")


@then(parsers.parse("the autoscaler keeps {least:d} to {most:d} instances of {name} at {percent:d} % CPU"))
def autoscaler_keeps(least: int, most: int, name: str, percent: int, kubernetes: Callable[[], Kubernetes]) -> None:
    spec = (kubernetes().autoscaler() or {})["spec"]
    assert (least, most, name) == (spec["minReplicas"], spec["maxReplicas"], spec["scaleTargetRef"]["name"])
    assert percent == spec["metrics"][0]["resource"]["target"]["averageUtilization"]
    assert kubernetes().condition("AbleToScale")[0] == "True"


@then(parsers.re(r"Kubernetes has (?P<count>\d+) instances? ready"))
def kubernetes_has_ready(count: str, kubernetes: Callable[[], Kubernetes]) -> None:
    are_ready(kubernetes(), int(count))


@then("the autoscaler is limited by its maximum")
def limited_by_maximum(kubernetes: Callable[[], Kubernetes]) -> None:
    assert kubernetes().condition("ScalingLimited") == ("True", "TooManyReplicas")


@then(parsers.parse("the CPU of each is at {percent:d} %"))
def cpu_of_each(percent: int, kubernetes: Callable[[], Kubernetes]) -> None:
    eventually(lambda: cpu_seen(kubernetes()) == percent, f"{percent} % CPU", lambda: f"{cpu_seen(kubernetes())} %")


@then(parsers.parse("it cannot scale: {reason}"))
def it_cannot_scale(reason: str, kubernetes: Callable[[], Kubernetes]) -> None:
    assert kubernetes().condition("AbleToScale") == ("False", reason)


@then("the conditions that are printed are those of the autoscaler")
def conditions_are_printed(last_result: Result, kubernetes: Callable[[], Kubernetes]) -> None:
    known = (kubernetes().autoscaler() or {})["status"]["conditions"]
    printed = {tuple(line.split()[:3]) for line in last_result.stdout.splitlines()}
    assert printed == {(each["type"], each["status"], each["reason"]) for each in known}


@then("no autoscaler is there")
def no_autoscaler(kubernetes: Callable[[], Kubernetes]) -> None:
    assert kubernetes().autoscaler() is None


@then(parsers.parse("they stay {count:d} after the autoscaler has checked again"))
def they_stay(count: int, kubernetes: Callable[[], Kubernetes]) -> None:
    end = time.monotonic() + LOOKS_S
    while time.monotonic() < end:
        assert (count, count) == kubernetes().ready()
        time.sleep(0.1)


def are_ready(cluster: Kubernetes, count: int) -> None:
    """So many are asked for and ready. Raises CheckFailed after half a minute."""
    eventually(lambda: cluster.ready() == (count, count), f"{count} instances", lambda: f"there are {cluster.ready()}")


def cpu_seen(cluster: Kubernetes) -> int | None:
    """The CPU that the autoscaler sees, in percent of what an instance requests."""
    metrics = (cluster.autoscaler() or {}).get("status", {}).get("currentMetrics", [])
    return int(metrics[0]["resource"]["current"]["averageUtilization"]) if metrics else None
