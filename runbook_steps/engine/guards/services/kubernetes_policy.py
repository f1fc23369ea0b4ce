"""Which requests to Kubernetes a risk permits: by verb and resource, as the API server reads them. Pure.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ (paths and verbs), the API reference (resources
and their parts). A path that is none of those is refused: what an extension of the API does with a GET is its own
affair. Opening a shell or a connection into a pod, a service or a node (`exec`, `attach`, `portforward`, `proxy`)
is refused at every risk: what is done in there is judged by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runbook_steps.engine.guards.services.http_message import RequestHead, decoded, json_of, pairs_of
from runbook_steps.engine.guards.services.http_policy import Policy
from runbook_steps.engine.guards.services.kubernetes_serving import (
    MERGED,
    autoscaled,
    gently,
    look_at_pod,
    look_at_restart,
    look_at_scale,
    scaled,
)
from runbook_steps.engine.guards.services.looks import Look
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.model import Risk

__all__ = ["KUBERNETES", "refused_kubernetes"]

_ABOUT = re.compile(  # what describes the server and its interfaces
    r"/(?:api|apis|version|openapi/v2|openapi/v3(?:/.+)?|(?:healthz|livez|readyz)(?:/[a-z0-9/-]+)?|metrics"
    r"|api/v1|apis/[a-z0-9.-]+(?:/v[a-z0-9]+)?)/?"
)
_OBJECT = re.compile(
    r"/(?:api/v1|apis/(?P<group>[a-z0-9.-]+)/v[a-z0-9]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[a-z0-9]+)(?:/(?P<name>[^/]+)(?:/(?P<part>[a-z0-9]+))?)?"
)
_OF_NAMESPACES = re.compile(r"/api/v1/namespaces(?:/(?P<name>[^/]+)(?:/(?P<part>status|finalize))?)?")
_LEADS_OUT = re.compile(r"/(exec|attach|portforward|proxy)(/|\Z)|//|/\.\.?(/|\Z)", re.IGNORECASE)
_ODD = re.compile(r"[\x00-\x20\x7f\\%]")
_ASKING = frozenset({
    ("authorization.k8s.io", "selfsubjectaccessreviews"), ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authentication.k8s.io", "selfsubjectreviews"),
})  # fmt: skip
_READABLE_PARTS = frozenset({"", "status", "scale", "log"})
_UNREADABLE = frozenset({("", "secrets"), ("", "watch"), ("", "proxy"), ("", "redirect")})
"""Secrets would stand in the evidence; the others are old paths that act, or lead elsewhere."""
_KNOWN = frozenset({  # stored objects, on which the API server honours a dry run
    ("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"), ("apps", "replicasets"),
    ("autoscaling", "horizontalpodautoscalers"), ("batch", "jobs"), ("batch", "cronjobs"),
    ("networking.k8s.io", "ingresses"), ("policy", "poddisruptionbudgets"), ("", "configmaps"), ("", "services"),
    ("", "pods"), ("", "nodes"), ("", "events"), ("events.k8s.io", "events"), ("coordination.k8s.io", "leases"),
    ("", "persistentvolumeclaims"),
})  # fmt: skip
_AUTOSCALERS = ("autoscaling", "horizontalpodautoscalers")
_SCALED = frozenset({("apps", "deployments"), ("apps", "statefulsets"), ("apps", "replicasets")})
_WITH_DATA = ("apps", "statefulsets")
_PODS = ("", "pods")
_RESTARTED = frozenset({("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets")})
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class _Asked:
    """A request on a resource: `group` is empty for the core one, `name` for all of a kind, `part` for the whole."""

    group: str
    resource: str
    name: str
    part: str
    namespace: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        return self.group, self.resource


def refused_kubernetes(head: RequestHead, body: bytes, risk: Risk) -> str | None:
    """The request that goes beyond the risk, `DELETE /api/v1/…`; None when it may pass. Raises Unreadable."""
    path = decoded(head.path)  # as the API server reads it
    shown = f"{head.method} {path}"
    if _LEADS_OUT.search(path):
        return shown
    if _ODD.search(path) or "%2f" in head.path.lower():
        raise Unreadable("a path that servers read differently")
    if any("method" in name for name in head.headers):
        raise Unreadable("a second method in its headers")
    if any(name.startswith(("impersonate-", "x-remote-")) for name in head.headers):
        raise Unreadable("another user in its headers")
    asked, query = _asked(path), _query(head)
    if head.method in {"GET", "HEAD"}:
        passes = not head.has_body and _may_read(path, asked, risk)
    else:
        passes = asked is not None and head.method in _CHANGING and _may_act(head, asked, query, risk, body)
    return None if passes else shown


def _may_act(head: RequestHead, asked: _Asked, query: Mapping[str, str], risk: Risk, body: bytes) -> bool:
    if head.method == "POST" and asked.kind in _ASKING and not asked.name:
        return True
    return (
        risk is Risk.DESTRUCTIVE
        or (risk is Risk.MUTATING and (_may_change(head, asked, query, body) or _restarts(head, asked, body)))
        or _tries_out(head, asked, query)
    )


def _may_read(path: str, asked: _Asked | None, risk: Risk) -> bool:
    if asked is None:
        return _ABOUT.fullmatch(path) is not None
    return asked.part in _READABLE_PARTS and (risk is not Risk.READONLY or asked.kind not in _UNREADABLE)


def _may_change(head: RequestHead, asked: _Asked, query: Mapping[str, str], body: bytes) -> bool:
    """At `mutating`: how many run, and one pod, which its controller makes again. Never none: see `looked`.

    Nothing else: what runs in a pod, and as whom, is written in everything that makes one, and what an object says is
    overwritten by a change of it.
    """
    if _ends_a_pod(head, asked):
        evicted = (asked.namespace, asked.name) if asked.part == "eviction" else None
        return gently(head, query, body, evicted=evicted)
    if asked.kind == _AUTOSCALERS:
        return head.method != "DELETE" and not asked.part and autoscaled(head, body)
    return asked.kind in _SCALED and asked.part == "scale" and head.method in {"PUT", "PATCH"} and scaled(head, body)


def _ends_a_pod(head: RequestHead, asked: _Asked) -> bool:
    if asked.kind != _PODS or not asked.name:
        return False
    return (head.method, asked.part) in {("POST", "eviction"), ("DELETE", "")}


def looked(head: RequestHead, body: bytes, risk: Risk) -> Look | None:
    """What has to be seen first of a request that may pass by what it says: whether somebody is left to serve."""
    path = decoded(head.path)
    asked = _asked(path)
    if risk is not Risk.MUTATING or asked is None or _tries_out(head, asked, _query(head)):
        return None
    shown = f"{head.method} {path}"
    if _ends_a_pod(head, asked):
        return look_at_pod(shown, asked.namespace, asked.name)
    if asked.kind in _SCALED and asked.part == "scale" and head.method in {"PUT", "PATCH"}:
        return look_at_scale(shown, path, body) if asked.kind == _WITH_DATA else None
    return look_at_restart(shown, path) if _restarts(head, asked, body) else None


def _restarts(head: RequestHead, asked: _Asked, body: bytes) -> bool:
    """`kubectl rollout restart`: its pods are made again one by one, as they were. By its one annotation."""
    if not (_is_patch(head) and asked.kind in _RESTARTED and asked.name and not asked.part):
        return False
    said = json_of(body)
    for name in ("spec", "template", "metadata", "annotations", _RESTARTED_AT):
        if not isinstance(said, dict) or [*said] != [name]:
            return False
        said = said[name]
    return isinstance(said, str)


def _needs_body(head: RequestHead) -> bool:
    """What is patched, and what says how many run, or how a pod ends."""
    asked = _asked(decoded(head.path))
    counted = asked is not None and (asked.kind in {_PODS, _AUTOSCALERS} or asked.part == "scale")
    return (counted and not head.chunked) or _is_patch(head)  # one without a length is refused by its name


def _is_patch(head: RequestHead) -> bool:
    return head.method == "PATCH" and head.headers.get("content-type", "") in MERGED


def _tries_out(head: RequestHead, asked: _Asked, query: Mapping[str, str]) -> bool:
    """`?dryRun=All` on a stored object, without a body: options in a body outrank those of the query."""
    dry = query.get("dryRun") == "All" and not head.has_body
    return dry and not asked.part and asked.kind in _KNOWN


def _asked(path: str) -> _Asked | None:
    if found := _OF_NAMESPACES.fullmatch(path):
        return _Asked("", "namespaces", found["name"] or "", found["part"] or "")
    if _ABOUT.fullmatch(path):
        return None
    if found := _OBJECT.fullmatch(path):
        in_it = found["namespace"] or ""
        return _Asked(found["group"] or "", found["resource"], found["name"] or "", found["part"] or "", in_it)
    return None


def _query(head: RequestHead) -> Mapping[str, str]:
    pairs = pairs_of(head.query)
    lowered = [name.lower() for name, _ in pairs]
    if lowered.count("dryrun") > 1:
        raise Unreadable("a dryRun that is said twice")
    return dict(pairs)


KUBERNETES = Policy(refused_kubernetes, _needs_body, looked=looked)
