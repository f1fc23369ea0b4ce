"""What the Kubernetes emulator answers with: discovery, the deployment, its pods, tables for `kubectl get`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runbook_steps.stand_in.embedded.layout import API_SLOTS, target_address

__all__ = [
    "DEPLOYMENT", "DISCOVERY", "deployment", "listed", "merged", "namespace", "pods", "scale", "status", "table",
]  # fmt: skip

DEPLOYMENT = "api"  # production-interfaces.md, "Services"
_LABELS = {"app": DEPLOYMENT}
_VERBS = {"verbs": ["create", "delete", "get", "list", "patch", "update", "watch"]}
_POD = f"{DEPLOYMENT}-6f7c9d8b5"


def _resource(name: str, kind: str, short: str = "", *, namespaced: bool = True, **more: str) -> dict[str, Any]:
    names = {"shortNames": [short]} if short else {}
    return {
        "name": name,
        "singularName": "" if "/" in name else kind.lower(),
        "namespaced": namespaced,
        "kind": kind,
        **_VERBS,
        **names,
        **more,
    }


def _resources(group_version: str, *resources: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": [*resources]}


def _group(name: str, *versions: str) -> dict[str, Any]:
    known = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": known, "preferredVersion": known[0]}


_SCALE = _resource("deployments/scale", "Scale", group="autoscaling", version="v1")
# kubectl leaves the validation to a server whose PATCH takes the parameter fieldValidation
_PATCH = {
    "operationId": "patchHorizontalPodAutoscaler",
    "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
    "responses": {},
    "x-kubernetes-group-version-kind": {
        "group": "autoscaling",
        "kind": "HorizontalPodAutoscaler",
        "version": "v2",
    },
}
_HPA = _resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa")
DISCOVERY: Mapping[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0+emulator", "platform": "emulator"},
    "/openapi/v3": {"paths": {"apis/autoscaling/v2": {"serverRelativeURL": "/openapi/v3/apis/autoscaling/v2"}}},
    "/openapi/v3/apis/autoscaling/v2": {
        "openapi": "3.0.0",
        "info": {"title": "emulator", "version": "1"},
        "paths": {
            "/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}": {"patch": _PATCH},
        },
    },
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group("apps", "v1"), _group("autoscaling", "v2")],
    },
    "/api/v1": _resources(
        "v1",
        _resource("namespaces", "Namespace", "ns", namespaced=False),
        _resource("pods", "Pod", "po"),
        _resource("events", "Event", "ev"),
    ),
    "/apis/apps/v1": _resources("apps/v1", _resource("deployments", "Deployment", "deploy"), _SCALE),
    "/apis/autoscaling/v2": _resources("autoscaling/v2", _HPA),
}
"""Path → what it answers, always."""


def status(code: int, reason: str, message: str) -> dict[str, Any]:
    """A refusal."""
    failure = "Success" if code < 400 else "Failure"  # noqa: PLR2004 - HTTP
    said = {"status": failure, "message": message, "reason": reason, "code": code}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, **said}


def listed(kind: str, api_version: str, items: Iterable[Mapping[str, Any]], version: int) -> dict[str, Any]:
    """A list of a kind."""
    metadata = {"resourceVersion": str(version)}
    return {"kind": f"{kind}List", "apiVersion": api_version, "metadata": metadata, "items": [*items]}


def _metadata(name: str, created: str, version: int, **more: Any) -> dict[str, Any]:
    known = {"name": name, "uid": f"00000000-0000-4000-8000-{abs(hash(name)) % 10**12:012}"}
    return {**known, "resourceVersion": str(version), "creationTimestamp": created, **more}


def namespace(created: str) -> dict[str, Any]:
    """The one namespace."""
    metadata = _metadata("default", created, 1)
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata, "status": {"phase": "Active"}}


def deployment(replicas: int, ready: int, created: str, version: int) -> dict[str, Any]:
    """The deployment of the API."""
    available = ready >= replicas
    container = {
        "name": "api",
        "image": "beautycort-api:latest",
        "ports": [{"containerPort": 3000}],
        "resources": {"requests": {"cpu": "1"}},
    }
    condition = {
        "type": "Available",
        "status": str(available),
        "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
    }
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": _metadata(DEPLOYMENT, created, version, namespace="default", labels=_LABELS, generation=version),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": _LABELS},
            "template": {"metadata": {"labels": _LABELS}, "spec": {"containers": [container]}},
        },
        "status": {
            "observedGeneration": version,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, replicas - ready),
            "conditions": [condition],
        },
    }


def scale(replicas: int, running: int, created: str, version: int) -> dict[str, Any]:
    """The deployment's scale."""
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": _metadata(DEPLOYMENT, created, version, namespace="default"),
        "spec": {"replicas": replicas},
        "status": {"replicas": running, "selector": f"app={DEPLOYMENT}"},
    }


def pods(states: Mapping[str, str], replicas: int, created: str, version: int) -> list[dict[str, Any]]:
    """One for each slot that is not stopped; those for which there is no slot are Pending."""
    there = [slot for slot in API_SLOTS if states.get(slot) != "stopped"]
    waiting = [f"pending_{number}" for number in range(1, replicas - len(there) + 1)]
    return [_pod(slot, states.get(slot, "pending"), created, version) for slot in there + waiting]


def _pod(slot: str, state: str, created: str, version: int) -> dict[str, Any]:
    placed = slot in API_SLOTS
    ready = {"type": "Ready", "status": str(state == "running")}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": _metadata(
            f"{_POD}-{slot.replace('_', '-')}", created, version, namespace="default", labels=_LABELS
        ),
        "spec": {"containers": [{"name": "api", "image": "beautycort-api:latest"}]},
        "status": {
            "phase": "Running" if placed else "Pending",
            "podIP": target_address(slot) if placed else "",
            "conditions": [ready],
        },
    }


def merged(document: Any, patch: Any) -> Any:
    """RFC 7396; a strategic patch is the same here, as no list of these kinds is merged by key."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def table(items: Sequence[Mapping[str, Any]], version: int) -> dict[str, Any]:
    """What `kubectl get` prints."""
    names = ["Name", *_COLUMNS.get(items[0]["kind"] if items else "", ())]
    columns = [{"name": name, "type": "string", "format": "", "description": "", "priority": 0} for name in names]
    rows = [{"cells": [item["metadata"]["name"], *_cells(item)], "object": item} for item in items]
    metadata = {"resourceVersion": str(version)}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    }


_COLUMNS = {
    "Deployment": ("Ready", "Up-to-date", "Available"),
    "Pod": ("Ready", "Status"),
    "HorizontalPodAutoscaler": ("Reference", "Targets", "MinPods", "MaxPods", "Replicas"),
}


def _cells(item: Mapping[str, Any]) -> list[str]:
    spec, seen = item.get("spec", {}), item.get("status", {})
    if item["kind"] == "Deployment":
        return [f"{seen['readyReplicas']}/{spec['replicas']}", str(seen["replicas"]), str(seen["availableReplicas"])]
    if item["kind"] == "Pod":
        return ["1/1" if seen["conditions"][0]["status"] == "True" else "0/1", seen["phase"]]
    if item["kind"] == "HorizontalPodAutoscaler":
        measured = seen.get("currentMetrics") or [{}]
        percent = measured[0].get("resource", {}).get("current", {}).get("averageUtilization", "<unknown>")
        aim = spec["metrics"][0].get("resource", {}).get("target", {}).get("averageUtilization", "")
        reference = f"{spec['scaleTargetRef']['kind']}/{spec['scaleTargetRef']['name']}"
        bounds = [str(spec["minReplicas"]), str(spec["maxReplicas"])]
        return [reference, f"cpu: {percent}%/{aim}%", *bounds, str(seen.get("currentReplicas", 0))]
    return []
