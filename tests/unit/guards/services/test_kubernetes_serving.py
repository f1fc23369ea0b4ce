"""What the policy of Kubernetes leaves to serve at `mutating`: the numbers that are sent, and those that are seen."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.kubernetes_policy import KUBERNETES, refused_kubernetes
from runbook_steps.engine.guards.services.looks import Answer
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.model import Risk

CORE, APPS = "/api/v1/namespaces/default", "/apis/apps/v1/namespaces/default"
POD, SCALE = f"{CORE}/pods/p-1", f"{APPS}/deployments/api/scale"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
STEPS = '[{"op": "replace", "path": "/spec/replicas", "value": 0}]'
IN_STEPS, APPLIED = "application/json-patch+json", "application/apply-patch+yaml"
RESTART = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026"}}}}}
KINDS = {"PATCH": "application/merge-patch+json"}


def asked(method: str, target: str, said: Any = None, kind: str = "") -> tuple[RequestHead, bytes]:
    """A request with that body, JSON unless it is text."""
    body = b"" if said is None else said.encode() if isinstance(said, str) else json.dumps(said).encode()
    of = {"content-type": kind or KINDS.get(method, "application/json"), "content-length": str(len(body))}
    return RequestHead(method, target, of if body else {}), body


def judged(method: str, target: str, said: Any = None, kind: str = "") -> str | None:
    """What is refused at `mutating`, a word for what cannot be read; None when it passes."""
    head, body = asked(method, target, said, kind)
    with suppress(Unreadable):
        return refused_kubernetes(head, body, Risk.MUTATING)
    return "unreadable"


def spec(**said: Any) -> dict[str, Any]:
    """An object of which that is said."""
    return {"spec": said}


NONE_LEFT: dict[str, tuple[Any, ...]] = {
    "none": ("PATCH", SCALE, spec(replicas=0)),
    "none, put": ("PUT", SCALE, {"kind": "Scale", "apiVersion": "autoscaling/v1", **spec(replicas=0)}),
    "none, by a fraction": ("PATCH", SCALE, '{"spec": {"replicas": 0.0}}'),
    "fewer than none": ("PATCH", SCALE, spec(replicas=-1)),
    "by no number": ("PATCH", SCALE, spec(replicas=None)),
    "by a text": ("PATCH", SCALE, spec(replicas="0")),
    "by a word": ("PATCH", SCALE, spec(replicas=True)),
    "by leaving it out": ("PUT", SCALE, spec()),
    "by another spelling": ("PATCH", SCALE, '{"spec": {"replicas": 1, "Replicas": 0}}'),
    "said twice": ("PATCH", SCALE, '{"spec": {"replicas": 1, "replicas": 0}}'),
    "in another place": ("PATCH", SCALE, {"spec": {"replicas": 1}, "Spec": {"replicas": 0}}),
    "by steps": ("PATCH", SCALE, STEPS, IN_STEPS),
    "by steps that are called a merge": ("PATCH", SCALE, STEPS),
    "as YAML": ("PATCH", SCALE, "spec: {replicas: 0}", APPLIED),
    "as YAML that is JSON": ("PATCH", SCALE, spec(replicas=3), APPLIED),
    "in Protobuf": ("PUT", SCALE, "k8s", "application/vnd.kubernetes.protobuf"),
    "more than there is room for": ("PATCH", SCALE, spec(replicas=100_000)),
    "of a set": ("PATCH", f"{APPS}/statefulsets/db/scale", spec(replicas=0)),
    "of a set of replicas": ("PATCH", f"{APPS}/replicasets/r/scale", spec(replicas=0)),
    "by the deployment": ("PATCH", f"{APPS}/deployments/api", spec(replicas=0)),
    "paused": ("PATCH", f"{APPS}/deployments/api", spec(paused=True)),
    "a least of none": ("PATCH", f"{AUTOSCALERS}/h", spec(minReplicas=0)),
    "a most of none": ("PATCH", f"{AUTOSCALERS}/h", spec(minReplicas=1, maxReplicas=0)),
    "a most of nothing": ("PATCH", f"{AUTOSCALERS}/h", spec(maxReplicas=None)),
    "a least in other letters": ("PATCH", f"{AUTOSCALERS}/h", spec(MinReplicas=0)),
    "a new one with a least of none": ("POST", AUTOSCALERS, spec(minReplicas=0, maxReplicas=1)),
    "one put with a least of none": ("PUT", f"{AUTOSCALERS}/h", spec(minReplicas=0, maxReplicas=1)),
    "one of a set with data": ("POST", AUTOSCALERS, spec(maxReplicas=1, scaleTargetRef={"kind": "StatefulSet"})),
    "one by another interface": (
        "PATCH", "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h", spec(minReplicas=0)),
    "one with an owner that is not there": (
        "PATCH", f"{AUTOSCALERS}/h", {"metadata": {"ownerReferences": [{"uid": "x"}]}}),
    "one that is marked": ("PATCH", f"{AUTOSCALERS}/h", {"metadata": {"finalizers": []}}),
    "one replaced as a whole": ("PATCH", f"{AUTOSCALERS}/h", spec(**{"$patch": "delete"}, minReplicas=1)),
    "one in steps": ("PATCH", f"{AUTOSCALERS}/h", [{"op": "remove", "path": "/spec"}], IN_STEPS),
    "one applied": ("PATCH", f"{AUTOSCALERS}/h", spec(minReplicas=1), APPLIED),
    "one of nothing": ("PATCH", f"{AUTOSCALERS}/h", spec() | {"spec": None}),
    "all autoscalers": ("DELETE", AUTOSCALERS),
    "all pods": ("DELETE", f"{CORE}/pods"),
    "pods by a label": ("DELETE", f"{CORE}/pods?labelSelector=app%3Dapi"),
    "pods of everybody": ("DELETE", "/api/v1/pods"),
    "a pod at once": ("DELETE", f"{POD}?gracePeriodSeconds=0"),
    "a pod at once, with a sign": ("DELETE", f"{POD}?gracePeriodSeconds=%2B0"),
    "a pod at once, as a hexadecimal": ("DELETE", f"{POD}?gracePeriodSeconds=0x0"),
    "a pod before its time, in the query": ("DELETE", f"{POD}?gracePeriodSeconds=-1"),
    "a pod at no time": ("DELETE", f"{POD}?gracePeriodSeconds="),
    "a pod at once, in the body": ("DELETE", POD, {"gracePeriodSeconds": 0}),
    "a pod at once, by a text": ("DELETE", POD, {"gracePeriodSeconds": "0"}),
    "a pod before its time": ("DELETE", POD, {"gracePeriodSeconds": -1}),
    "a pod with an unknown word": ("DELETE", f"{POD}?ignoreStoreReadErrorWithClusterBreakingPotential=true"),
    "a pod with an unknown word in the body": ("DELETE", POD, {"orphanDependents": True}),
    "a pod evicted at once": ("POST", f"{POD}/eviction", {"deleteOptions": {"gracePeriodSeconds": 0}}),
    "a pod evicted as YAML": ("POST", f"{POD}/eviction", "{}", "application/yaml"),
    "a node that takes none": ("PATCH", "/api/v1/nodes/n", spec(unschedulable=True)),
}  # fmt: skip


@pytest.mark.parametrize("case", NONE_LEFT)
def test_somebody_is_left_to_serve(case: str) -> None:
    """In every spelling; what cannot be read is refused as well."""
    assert judged(*NONE_LEFT[case]) is not None


PASSES: dict[str, tuple[Any, ...]] = {
    "one more": ("PATCH", SCALE, spec(replicas=3)),
    "one": ("PATCH", SCALE, spec(replicas=1)),
    "put": ("PUT", SCALE, {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "api"},
                           "status": {"replicas": 2}, **spec(replicas=3)}),
    "a least": ("PATCH", f"{AUTOSCALERS}/h", spec(minReplicas=2), "application/strategic-merge-patch+json"),
    "a least that is left out": ("PATCH", f"{AUTOSCALERS}/h", spec(minReplicas=None)),
    "what the server itself refuses": ("POST", AUTOSCALERS, {"metadata": {"name": "h"}, **spec(minReplica=2)}),
    "another name": ("PATCH", f"{AUTOSCALERS}/h", spec(scaleTargetRef={"name": "api"})),
    "as it is applied": ("POST", AUTOSCALERS, {
        "kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2",
        "metadata": {"name": "h", "namespace": "default", "annotations": {"a": "b"}},
        **spec(minReplicas=2, maxReplicas=10, scaleTargetRef={"kind": "Deployment", "name": "api"}),
    }),
    "a pod": ("DELETE", POD, {"propagationPolicy": "Background"}),
    "a pod with its time": ("DELETE", f"{POD}?gracePeriodSeconds=30"),
    "a pod evicted": ("POST", f"{POD}/eviction", {"kind": "Eviction", "metadata": {"name": "p-1"}}),
}  # fmt: skip


@pytest.mark.parametrize("case", PASSES)
def test_what_leaves_somebody_passes(case: str) -> None:
    """And nothing of it at `readonly`."""
    assert judged(*PASSES[case]) is None
    assert refused_kubernetes(*asked(*PASSES[case]), Risk.READONLY) is not None
    assert KUBERNETES.needs_body(asked(*PASSES[case])[0])


def pod(name: str, ready: bool = True, owner: str = "ReplicaSet", *, going: bool = False) -> dict[str, Any]:
    """As the API server lists one."""
    reference = {"apiVersion": "apps/v1", "kind": owner, "name": "api-7", "uid": "u", "controller": True}
    return {
        "metadata": {"name": name, "ownerReferences": [reference] if owner else [],
                     **({"deletionTimestamp": "2026"} if going else {})},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }  # fmt: skip


def seen(request: tuple[RequestHead, bytes], there: dict[str, Any]) -> str | None:
    """What is refused after a look at a cluster in which that is there, by path."""
    look = KUBERNETES.looked(*request, Risk.MUTATING)
    if look is None:
        return None
    try:
        question = next(look)
        while True:
            assert question.head.method == "GET"
            found = there.get(question.head.target)
            question = look.send(Answer(404 if found is None else 200, json.dumps(found).encode()))
    except StopIteration as end:
        return None if end.value is None else str(end.value)


def of(*pods: dict[str, Any], wanted: int) -> dict[str, Any]:
    """A cluster with those pods."""
    return {f"{CORE}/pods": {"items": [*pods]}, f"{APPS}/replicasets/api-7": spec(replicas=wanted)}


ONE, TWO = pod("p-1"), pod("p-2")
CLUSTERS: dict[str, tuple[dict[str, Any], str]] = {
    "another serves": (of(ONE, TWO, wanted=2), ""),
    "it does not serve": (of(pod("p-1", ready=False), TWO, wanted=2), ""),
    "it goes already": (of(pod("p-1", going=True), TWO, wanted=2), ""),
    "it is not there": (of(TWO, wanted=2), ""),
    "the only one": (of(ONE, wanted=1), "the only one of api-7"),
    "another does not serve": (of(ONE, pod("p-2", ready=False), wanted=2), "1 of 2 of api-7 serve"),
    "another goes": (of(ONE, pod("p-2", going=True), pod("p-3"), wanted=3), "2 of 3 of api-7 serve"),
    "another is gone": (of(ONE, TWO, wanted=3), "2 of 3 of api-7 serve"),
    "nobody's": (of(pod("p-1", owner=""), TWO, wanted=2), "which nobody makes again"),
    "a job's": (of(pod("p-1", owner="Job"), TWO, wanted=2), "which nobody makes again"),
    "nobody's, and does not serve": (of(pod("p-1", ready=False, owner=""), wanted=2), "which nobody makes again"),
    "no controller is seen": ({f"{CORE}/pods": {"items": [ONE, TWO]}}, "could not be looked at"),
    "no pods are seen": ({}, "could not be looked at"),
}


@pytest.mark.parametrize("case", CLUSTERS)
@pytest.mark.parametrize("way", [("DELETE", POD), ("POST", f"{POD}/eviction", {"kind": "Eviction"})])
def test_a_pod_goes_while_others_serve(case: str, way: tuple[Any, ...]) -> None:
    """One after the other, as a disruption budget has it; what nobody makes again stays."""
    there, said = CLUSTERS[case]
    found = seen(asked(*way), there)
    assert found is None if not said else found is not None and said in found


@pytest.mark.parametrize("case", ["with a query", "a namespace of another name"])
def test_a_look_asks_for_names_alone(case: str) -> None:
    """What is put into its path leads nowhere else."""
    paths = {"with a query": f"{CORE}/pods/p%3Fx", "a namespace of another name": "/api/v1/namespaces/a?b/pods/p"}
    target = paths[case].replace("a?b", "a%3Fb")
    assert "could not be looked at" in str(seen(asked("DELETE", target), {}))


@pytest.mark.parametrize("way", [
    ("DELETE", f"{POD}?dryRun=All", {"gracePeriodSeconds": 30}),
    ("DELETE", f"{POD}?dryRun=All", {"dryRun": []}),
    ("POST", f"{POD}/eviction?dryRun=All", {"kind": "Eviction"}),
    ("POST", f"{POD}/eviction?dryRun=All", {"deleteOptions": {"dryRun": ["All"]}}),
])  # fmt: skip
def test_a_trial_with_a_body_is_looked_at(way: tuple[Any, ...]) -> None:
    """Options in a body outrank those of the query."""
    assert "the only one of api-7" in str(seen(asked(*way), of(ONE, wanted=1)))
    assert KUBERNETES.looked(*asked("DELETE", f"{POD}?dryRun=All"), Risk.MUTATING) is None


@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
@pytest.mark.parametrize(
    ("method", "target"), [("DELETE", POD), ("DELETE", f"{POD}?dryRun=All"), ("POST", f"{POD}/eviction")]
)
def test_a_body_without_a_length_is_refused_by_its_name(method: str, target: str, risk: Risk) -> None:
    """It is not read, and so not believed."""
    head = RequestHead(method, target, {"transfer-encoding": "chunked", "content-type": "application/json"})
    assert not KUBERNETES.needs_body(head)
    assert refused_kubernetes(head, b"", risk) == f"{method} {head.path}"


RESTARTS: list[tuple[str, dict[str, Any], bool]] = [
    ("deployments", spec(replicas=3), True),
    ("deployments", spec(replicas=1), True),  # a new one comes first
    ("deployments", spec(replicas=3, strategy={"type": "Recreate"}), False),
    ("deployments", spec(replicas=3, strategy={"rollingUpdate": {"maxUnavailable": "100%"}}), False),
    ("deployments", spec(replicas=3, strategy={"rollingUpdate": {"maxUnavailable": 3}}), False),
    ("deployments", spec(replicas=3, strategy={"rollingUpdate": {"maxUnavailable": "25%"}}), True),
    ("deployments", spec(replicas=1, strategy={"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}), False),
    ("statefulsets", spec(replicas=3, updateStrategy={"type": "RollingUpdate"}), True),
    ("statefulsets", spec(replicas=1, updateStrategy={"type": "RollingUpdate"}), False),
    ("statefulsets", spec(replicas=1, updateStrategy={"type": "OnDelete"}), True),
    ("daemonsets", spec(updateStrategy={"rollingUpdate": {"maxUnavailable": 1}}) | {
        "status": {"desiredNumberScheduled": 3}}, True),
    ("daemonsets", spec(updateStrategy={"rollingUpdate": {"maxUnavailable": 3}}) | {
        "status": {"desiredNumberScheduled": 3}}, False),
]  # fmt: skip


@pytest.mark.parametrize(("plural", "there", "passes"), RESTARTS)
def test_a_restart_is_one_after_the_other(plural: str, there: dict[str, Any], passes: bool) -> None:
    """By how the object says that it is done."""
    path = f"{APPS}/{plural}/api"
    assert (seen(asked("PATCH", path, RESTART), {path: there}) is None) is passes


@pytest.mark.parametrize(("now", "then", "passes"), [(3, 3, True), (3, 4, True), (3, 2, False), (0, 1, True)])
def test_a_set_with_data_only_grows(now: int, then: int, passes: bool) -> None:
    """Its members hold data, which may go with them."""
    path = f"{APPS}/statefulsets/db/scale"
    assert (seen(asked("PATCH", path, spec(replicas=then)), {path: spec(replicas=now)}) is None) is passes


@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.DESTRUCTIVE])
def test_nothing_is_looked_at_elsewhere(risk: Risk) -> None:
    """What is refused needs no look, and what is destructive passes."""
    assert KUBERNETES.looked(*asked("DELETE", POD), risk) is None
