"""Whether somebody is left to serve after a change of a cluster at `mutating`: by its numbers, and by a look. Pure.

Source: the Kubernetes API reference (Scale, HorizontalPodAutoscaler, DeleteOptions, Eviction, DeploymentStrategy).
What is sent says how many run: one at least, a hundred at most. What goes away is counted by a look at the server:
a pod goes only while all that are wanted of its controller serve, and it is not the only one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from runbook_steps.engine.guards.services.http_message import RequestHead, json_of
from runbook_steps.engine.guards.services.looks import Answer, Look, Question

__all__ = ["MERGED", "autoscaled", "gently", "look_at_pod", "look_at_restart", "look_at_scale", "scaled"]

MERGED = frozenset({"application/strategic-merge-patch+json", "application/merge-patch+json"})
_JSON = frozenset({"application/json"})
_MOST = 100
_DESCRIBES = frozenset({"kind", "apiVersion", "metadata"})
_SCALE = _DESCRIBES | {"spec", "status"}
_LEAST, _GREATEST = "minReplicas", "maxReplicas"
_REFERENCE = frozenset({"apiVersion", "kind", "name"})
_SPELLED = {each.lower(): each for each in (_LEAST, _GREATEST, "scaleTargetRef")}
_AUTOSCALED = ("Deployment", "ReplicaSet")  # members of a stateful set hold data
_METADATA = frozenset({  # an owner that is not there has the server remove an object
    "name", "namespace", "annotations", "labels", "resourceVersion", "uid", "creationTimestamp", "generation",
    "managedFields",
})  # fmt: skip
_OPTIONS = frozenset({"kind", "apiVersion", "gracePeriodSeconds", "propagationPolicy", "dryRun", "preconditions"})
_OF_QUERY = frozenset(
    {"gracePeriodSeconds", "propagationPolicy", "dryRun", "fieldManager", "fieldValidation", "pretty"}
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_CONTROLLERS = {"ReplicaSet": "replicasets", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
_PERCENT = re.compile(r"([0-9]{1,2})%")
_SECONDS = re.compile(r"[1-9][0-9]{0,6}")
_FOUND, _NOT_FOUND = 200, 404
_UNSEEN = "which could not be looked at first"


def scaled(head: RequestHead, body: bytes) -> bool:
    """Whether a change of a scale says one at least, and how many in one place. Raises Unreadable."""
    said = _said(head, body)
    if said is None or not set(said) <= _SCALE or not isinstance(said.get("spec"), dict):
        return False
    return set(said["spec"]) == {"replicas"} and _some(said["spec"]["replicas"])


def autoscaled(head: RequestHead, body: bytes) -> bool:
    """Whether an autoscaler keeps one at least, of what has no data, and is not given to another owner."""
    said = _said(head, body)
    if said is None or not set(said) <= _SCALE or any(name.startswith("$") for name in _names(said)):
        return False
    spec, metadata = said.get("spec", {}), said.get("metadata", {})
    if not isinstance(spec, dict) or not isinstance(metadata, dict) or not set(metadata) <= _METADATA:
        return False
    if any(_SPELLED.get(name.lower(), name) != name for name in spec):
        return False
    least = _LEAST not in spec or spec[_LEAST] is None or _some(spec[_LEAST])  # without one it is 1
    greatest = _GREATEST not in spec or _some(spec[_GREATEST])
    reference = spec.get("scaleTargetRef", {})
    known = isinstance(reference, dict) and set(reference) <= _REFERENCE
    return least and greatest and known and reference.get("kind", "Deployment") in _AUTOSCALED


def gently(head: RequestHead, query: Mapping[str, str], body: bytes, *, evicted: tuple[str, str] | None) -> bool:
    """Whether a pod that goes has the time to end what it does. Raises Unreadable.

    `evicted` is its namespace and name, where an eviction says them once more; None where it is deleted.
    """
    if not set(query) <= _OF_QUERY or not _SECONDS.fullmatch(query.get("gracePeriodSeconds", "1")):
        return False
    if not body:
        return evicted is None and not head.chunked
    said = json_of(body)
    if head.headers.get("content-type", "") not in _JSON or not isinstance(said, dict):
        return False
    if evicted is not None:
        if not set(said) <= _DESCRIBES | {"deleteOptions"} or not _describes(said.get("metadata"), *evicted):
            return False
        said = said.get("deleteOptions") or {}
    if not isinstance(said, dict) or not set(said) <= _OPTIONS:
        return False
    grace = said.get("gracePeriodSeconds")
    return grace is None or (type(grace) is int and grace >= 1)


def _describes(metadata: object, namespace: str, name: str) -> bool:
    """Whether the body means the pod of the path: there were servers that took the one of the body."""
    if not isinstance(metadata, dict) or not set(metadata) <= {"name", "namespace", "creationTimestamp"}:
        return False
    return metadata.get("name") == name and metadata.get("namespace", namespace) == namespace


def look_at_pod(shown: str, namespace: str, name: str) -> Look:
    """A pod that serves goes while all that are wanted serve. One that does not serve goes, when it is made again."""
    listed = yield from _asked(f"/api/v1/namespaces/{namespace}/pods") if _named(namespace, name) else _nothing()
    pods = (listed or {}).get("items")
    if not isinstance(pods, list):
        return f"{shown}, {_UNSEEN}"
    pod = next((each for each in pods if each["metadata"]["name"] == name), None)
    owner = None if pod is None else _controller(pod)
    if pod is None or (owner is not None and not _serves(pod)):
        return None  # the server says that it is not there; or nobody is served by it
    if owner is None:
        return f"{shown}, which nobody makes again"
    kept = yield from _asked(f"/apis/apps/v1/namespaces/{namespace}/{_CONTROLLERS[owner['kind']]}/{owner['name']}")
    serving = sum((_controller(each) or {}).get("uid") == owner["uid"] and _serves(each) for each in pods)
    found = _not_alone(serving, _wanted(kept or {}), str(owner["name"]))
    return f"{shown}{found}" if found else None


def _not_alone(serving: int, wanted: int | None, owner: str) -> str:
    """What speaks against one less."""
    if wanted is None:
        return f", {_UNSEEN}"
    if wanted < 2:  # noqa: PLR2004 - another one must be left
        return f", the only one of {owner}"
    return "" if serving >= wanted else f": {serving} of {wanted} of {owner} serve, and only one goes at a time"


def look_at_restart(shown: str, path: str) -> Look:
    """A restart leaves others to serve: one after the other, and there are others."""
    found = yield from _asked(path)
    if found is None:
        return f"{shown}, {_UNSEEN}"
    if not found:
        return None
    wanted, spec = _wanted(found), found.get("spec", {})
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    kind = strategy.get("type") or "RollingUpdate"
    if kind == "OnDelete":
        return None
    away = (strategy.get("rollingUpdate") or {}).get("maxUnavailable")
    if kind != "RollingUpdate" or wanted is None or not _leaves(away, wanted, surges="/deployments/" in path):
        return f"{shown}, which restarts all of them at once"
    return None


def look_at_scale(shown: str, path: str, body: bytes) -> Look:
    """The members of a stateful set hold data: only more of them."""
    found = yield from _asked(path)
    if found is None:
        return f"{shown}, {_UNSEEN}"
    now = found.get("spec", {}).get("replicas", 0) if found else 0
    return f"{shown} to fewer, whose data goes" if json_of(body)["spec"]["replicas"] < now else None


def _said(head: RequestHead, body: bytes) -> dict[str, Any] | None:
    """The object of a body that is whole, or merged into what is there; None for another kind of change."""
    kinds = MERGED if head.method == "PATCH" else _JSON
    if head.headers.get("content-type", "").partition(";")[0] not in kinds:
        return None
    said = json_of(body)
    return said if isinstance(said, dict) else None


def _names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)


def _some(number: object) -> bool:
    return type(number) is int and 1 <= number <= _MOST


def _leaves(away: object, wanted: int, *, surges: bool) -> bool:
    """Whether fewer than all may be away at once; a new one comes first where there is but one, or it does not."""
    if away is None:
        return surges or wanted > 1
    if isinstance(away, str) and (found := _PERCENT.fullmatch(away)):
        return wanted * int(found[1]) // 100 < wanted and (surges or wanted > 1)
    return type(away) is int and away < wanted


def _asked(path: str) -> Generator[Question, Answer, dict[str, Any] | None]:
    """What is there: empty when nothing is, None when it could not be seen."""
    answer = yield Question(RequestHead("GET", path, {"accept": "application/json"}))
    if answer.status == _NOT_FOUND:
        return {}
    if answer.status != _FOUND:
        return None
    found = json.loads(answer.body)
    return found if isinstance(found, dict) else None


def _nothing() -> Generator[Question, Answer, None]:
    yield from ()


def _named(*names: str) -> bool:
    return all(_NAME.fullmatch(each) for each in names)


def _controller(pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
    owners = pod["metadata"].get("ownerReferences") or ()
    found = next((each for each in owners if each.get("controller") is True), None)
    known = found is not None and found["kind"] in _CONTROLLERS and found["apiVersion"].startswith("apps/")
    return found if known else None


def _serves(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def _wanted(owner: Mapping[str, Any]) -> int | None:
    of_nodes = owner.get("status", {}).get("desiredNumberScheduled")
    found = of_nodes if of_nodes is not None else owner.get("spec", {}).get("replicas", 1 if owner else None)
    return found if type(found) is int else None
