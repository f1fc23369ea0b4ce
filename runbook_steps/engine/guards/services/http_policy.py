"""Which HTTP requests a risk permits: to the application, to AWS, to Kubernetes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from runbook_steps.engine.model import Risk

__all__ = ["Head", "needs_body", "refused_aws", "refused_http", "refused_kubernetes"]

_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_READING_ACTION = re.compile(r"(Describe|Get|List|BatchGet|Head|Lookup|Query|Scan)[A-Za-z0-9]*")
_LOSING_ACTION = re.compile(r"(Delete|Terminate|Purge|Reset|Disable|Schedule\w*Deletion)[A-Za-z0-9]*")
_ASKING = re.compile(r"/apis/(authorization|authentication)\.k8s\.io/v1/self\w+")

_OBJECT = re.compile(
    r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+(?=/))?/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?(?:/[a-z]+)?/?$"
)
_HOLDING = frozenset({
    "customresourcedefinitions", "namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "secrets",
    "statefulsets", "volumesnapshots",
})  # fmt: skip


@dataclass(frozen=True)
class Head:
    """A request's first lines. `headers` has lower-case names; `target` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]


def refused_http(head: Head, body: bytes, risk: Risk) -> str | None:
    """The request that goes beyond the risk, `DELETE /api/bookings/7`; None when it may pass."""
    del body
    if risk is not Risk.READONLY:
        return None
    methods = [head.method, *_overrides(head)]
    return next(
        (f"{method} {urlsplit(head.target).path}" for method in methods if method not in _READING_METHODS), None
    )


def _overrides(head: Head) -> list[str]:
    """The methods that a framework may take instead: any of them, because which one it would cannot be known."""
    said = [head.headers[name] for name in _OVERRIDES if name in head.headers]
    said += parse_qs(urlsplit(head.target).query).get("_method", [])
    return [word.strip().upper() for each in said for word in each.split(",")]


def needs_body(head: Head) -> bool:
    """Whether an AWS request can only be judged with its body: the query protocol has the action there."""
    form = head.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return head.method == "POST" and form


def refused_aws(head: Head, body: bytes, risk: Risk) -> str | None:
    """The AWS action that goes beyond the risk, `s3 DELETE /bucket/key` or `DeleteAlarms`; None when it may pass."""
    if risk is Risk.DESTRUCTIVE:
        return None
    action = _aws_action(head, body)
    if risk is Risk.READONLY and head.method in _READING_METHODS and head.headers.get("content-length", "0") != "0":
        return f"{head.method} with a body"  # no client of AWS sends one, and a server may find an action in it
    if risk is Risk.MUTATING:
        if action is None:
            bucket = re.fullmatch(r"/[^/?]+/?", urlsplit(head.target).path)
            return f"DELETE {urlsplit(head.target).path}" if head.method == "DELETE" and bucket else None
        return action if any(_LOSING_ACTION.fullmatch(each) for each in action.split(" and ")) else None
    if action is not None:
        return None if all(_READING_ACTION.fullmatch(each) for each in action.split(" and ")) else action
    return None if head.method in _READING_METHODS else f"{head.method} {urlsplit(head.target).path}"


def _aws_action(head: Head, body: bytes) -> str | None:
    """The action of the query, JSON and Smithy RPC protocols; None for a REST request, which its method judges."""
    parts = urlsplit(head.target)
    actions = parse_qs(parts.query).get("Action", [])
    if target := head.headers.get("x-amz-target"):
        actions.append(target.rpartition(".")[2])
    if operation := re.fullmatch(r"/service/[^/]+/operation/([A-Za-z0-9]+)", parts.path):
        actions.append(operation[1])
    if needs_body(head):
        actions += parse_qs(body.decode("utf-8", "replace")).get("Action", [])
    # more than one: which of them the server would take cannot be known
    return " and ".join(sorted(set(actions))) if actions else None


def _loses_objects(path: str) -> bool:
    """Whether a DELETE there takes more than one object, or one that holds others or data."""
    found = _OBJECT.search(path)
    return found is None or not found["name"] or found["kind"] in _HOLDING


def refused_kubernetes(head: Head, body: bytes, risk: Risk) -> str | None:
    """The Kubernetes request that goes beyond the risk; None when it may pass.

    `--dry-run=server` changes nothing and passes; so does asking what one is allowed to do. Opening a shell
    in a pod (`exec`, `attach`, `portforward`, `proxy`) is an HTTP GET and refused all the same: what is done in
    there is judged by nobody, so that it is refused to what may change things as well.
    """
    del body
    parts = urlsplit(head.target)
    if risk is Risk.DESTRUCTIVE:
        return None
    path = unquote(parts.path)  # as the API server reads it
    if re.search(r"/(exec|attach|portforward|proxy)(/|$)", path) or re.search(r"/\.\.?(/|$)", path):
        return f"{head.method} {path}"
    if risk is Risk.MUTATING:
        return f"DELETE {path}" if head.method == "DELETE" and _loses_objects(path) else None
    dry = parse_qs(parts.query).get("dryRun") == ["All"]
    if head.method in _READING_METHODS or dry or (head.method == "POST" and _ASKING.fullmatch(path)):
        return None
    return f"{head.method} {path}"
