"""What the policy of Kubernetes refuses: by verb and resource, as the API server reads a path."""

from __future__ import annotations

from contextlib import suppress

import pytest

from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.kubernetes_policy import refused_kubernetes
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.model import Risk

NAMESPACE = "/api/v1/namespaces/default"
POD = f"{NAMESPACE}/pods/p"
ASKING = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
AUTOSCALER = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h"
BODY = {"content-length": "2"}


def judged(method: str, target: str, risk: Risk, headers: dict[str, str] | None = None) -> str | None:
    """What is refused, a word for what cannot be read; None when it passes."""
    with suppress(Unreadable):
        return refused_kubernetes(RequestHead(method, target, headers or {}), b"", risk)
    return "unreadable"


@pytest.mark.parametrize("risk", list(Risk))
@pytest.mark.parametrize(
    ("method", "target", "named"),
    [
        ("GET", f"{POD}/%65xec?command=id", f"GET {POD}/exec"),
        ("POST", f"{POD}/exec?command=sh", f"POST {POD}/exec"),
        ("GET", f"{POD}/EXEC", f"GET {POD}/EXEC"),
        ("GET", f"{POD}/attach?stdin=true", f"GET {POD}/attach"),
        ("POST", f"{POD}/portforward", f"POST {POD}/portforward"),
        ("GET", f"{NAMESPACE}/services/s/%70roxy/x", f"GET {NAMESPACE}/services/s/proxy/x"),
        ("DELETE", f"{NAMESPACE}/services/https:s:443/proxy/x", f"DELETE {NAMESPACE}/services/https:s:443/proxy/x"),
        ("GET", "/api/v1/nodes/n/proxy/run", "GET /api/v1/nodes/n/proxy/run"),
        ("GET", "/api/v1/proxy/nodes/n/run", "GET /api/v1/proxy/nodes/n/run"),
        ("POST", f"{ASKING}/../../../../api/v1/pods", f"POST {ASKING}/../../../../api/v1/pods"),
        ("POST", f"{ASKING}/%2e%2e/x", f"POST {ASKING}/../x"),
        ("GET", "//api/v1/pods", "GET //api/v1/pods"),
        ("GET", "/logs/", "GET /logs/"),
        ("GET", "/debug/pprof/heap", "GET /debug/pprof/heap"),
        ("GET", f"{NAMESPACE}/pods/p/other/exec2/x", f"GET {NAMESPACE}/pods/p/other/exec2/x"),
    ],
)
def test_a_way_into_a_cluster_is_refused_at_every_risk(method: str, target: str, named: str, risk: Risk) -> None:
    """In every spelling: the API server decodes it."""
    assert judged(method, target, risk) == named


@pytest.mark.parametrize("risk", list(Risk))
@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", f"{NAMESPACE}/pods/p%2Fexec", {}),
        ("GET", f"{NAMESPACE}/pods/p%252Fexec", {}),
        ("GET", f"{NAMESPACE}/pods/%ff", {}),
        ("GET", f"{NAMESPACE}/pods/a%5Cb", {}),
        ("GET", f"{NAMESPACE}/pods/a%0Ab", {}),
        ("GET", POD, {"x-http-method-override": "DELETE"}),
        ("DELETE", f"{POD}?dryRun=All&dryRun=x", {}),
        ("DELETE", f"{POD}?dryrun=All&dryRun=", {}),
        ("DELETE", f"{POD}?a=1;dryRun=All", {}),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(method: str, target: str, headers: dict[str, str], risk: Risk) -> None:
    """Whatever the risk."""
    assert judged(method, target, risk, headers) is not None


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("DELETE", f"{POD}?dryRun=All", BODY),  # options in the body outrank those of the query
        ("DELETE", f"{POD}?dryRun=All", {"transfer-encoding": "chunked"}),
        ("DELETE", f"{NAMESPACE}?dryRun=All", BODY),
        ("POST", f"{DEPLOYMENTS}?dryRun=All", BODY),
        ("PATCH", f"{DEPLOYMENTS}/d?dryRun=All", BODY),
        ("DELETE", f"{POD}?dryRun=all", {}),
        ("DELETE", f"{POD}?dryRun=", {}),
        ("DELETE", f"{POD}?DRYRUN=All", {}),
        ("POST", f"{POD}/eviction?dryRun=All", {}),
        ("POST", f"{NAMESPACE}/pods/p/binding?dryRun=All", {}),
        ("POST", f"{NAMESPACE}/serviceaccounts/s/token?dryRun=All", {}),
        ("PUT", f"{NAMESPACE}/finalize?dryRun=All", {}),
        ("DELETE", "/apis/example.com/v1/namespaces/default/things/t?dryRun=All", {}),
        ("POST", "/version?dryRun=All", {}),
        ("POST", "/apis?dryRun=All", {}),
        ("DELETE", "/anything?dryRun=All", {}),
    ],
)
def test_trying_out_is_only_believed_where_the_server_does(method: str, target: str, headers: dict[str, str]) -> None:
    """H6: never with a body, never on another path than that of a stored object."""
    assert judged(method, target, Risk.READONLY, headers) is not None


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/api?timeout=32s", {}),
        ("GET", "/apis", {}),
        ("GET", "/api/v1", {}),
        ("GET", "/apis/apps/v1", {}),
        ("GET", "/openapi/v3", {}),
        ("GET", "/openapi/v3/apis/apps/v1?hash=A", {}),
        ("GET", "/version", {}),
        ("GET", "/livez/etcd", {}),
        ("GET", "/api/v1/namespaces", {}),
        ("GET", NAMESPACE, {}),
        ("GET", "/api/v1/nodes/n", {}),
        ("GET", "/api/v1/pods?limit=500&watch=true", {}),
        ("GET", f"{POD}/log?tailLines=5", {}),
        ("GET", f"{DEPLOYMENTS}/d/scale", {}),
        ("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods", {}),
        ("POST", ASKING, BODY),
        ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", BODY),
        ("DELETE", f"{POD}?dryRun=All", {}),
    ],
)
def test_reading_passes(method: str, target: str, headers: dict[str, str]) -> None:
    """What kubectl asks before it does anything included."""
    assert [judged(method, target, risk, headers) for risk in Risk] == [None] * len(Risk)


@pytest.mark.parametrize(
    "target", [f"{NAMESPACE}/secrets", f"{NAMESPACE}/secrets/s", "/api/v1/secrets", "/api/v1/watch/pods"]
)
def test_secrets_are_not_read_at_readonly(target: str) -> None:
    """They would stand in the evidence, in base64."""
    assert judged("GET", target, Risk.READONLY) == f"GET {target}"


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("PATCH", f"{DEPLOYMENTS}/api/scale", f"PATCH {DEPLOYMENTS}/api/scale"),  # it says no number
        ("PUT", AUTOSCALER, f"PUT {AUTOSCALER}"),
        ("POST", AUTOSCALER.rpartition("/")[0], f"POST {AUTOSCALER.rpartition('/')[0]}"),
        ("DELETE", POD, None),  # its controller makes another
        ("DELETE", AUTOSCALER, f"DELETE {AUTOSCALER}"),
        ("POST", f"{DEPLOYMENTS}", f"POST {DEPLOYMENTS}"),  # what runs in a pod is judged by nobody
        ("POST", f"{NAMESPACE}/pods", f"POST {NAMESPACE}/pods"),
        ("PATCH", POD, f"PATCH {POD}"),
        ("PUT", f"{DEPLOYMENTS}/api", f"PUT {DEPLOYMENTS}/api"),
        ("PATCH", f"{DEPLOYMENTS}/api", f"PATCH {DEPLOYMENTS}/api"),
        ("DELETE", f"{DEPLOYMENTS}/api", f"DELETE {DEPLOYMENTS}/api"),
        ("DELETE", f"{DEPLOYMENTS}/api/scale", f"DELETE {DEPLOYMENTS}/api/scale"),
        ("PATCH", f"{NAMESPACE}/configmaps/c", f"PATCH {NAMESPACE}/configmaps/c"),
        ("PATCH", f"{NAMESPACE}/services/s", f"PATCH {NAMESPACE}/services/s"),
        ("PATCH", "/api/v1/nodes/n", "PATCH /api/v1/nodes/n"),
        ("PATCH", f"{POD}/status", f"PATCH {POD}/status"),
        ("PATCH", f"{AUTOSCALER}/status", f"PATCH {AUTOSCALER}/status"),
        ("POST", f"{POD}/eviction", f"POST {POD}/eviction"),
        ("DELETE", DEPLOYMENTS, f"DELETE {DEPLOYMENTS}"),  # all of them
        ("DELETE", NAMESPACE, f"DELETE {NAMESPACE}"),
        ("DELETE", "/api/v1/%6eamespaces/default", f"DELETE {NAMESPACE}"),
        ("DELETE", f"{NAMESPACE}/", f"DELETE {NAMESPACE}/"),
        ("DELETE", f"{NAMESPACE}/secrets/s", f"DELETE {NAMESPACE}/secrets/s"),
        ("DELETE", f"{NAMESPACE}/persistentvolumeclaims/c", f"DELETE {NAMESPACE}/persistentvolumeclaims/c"),
        ("DELETE", "/api/v1/persistentvolumes/data", "DELETE /api/v1/persistentvolumes/data"),
        ("DELETE", "/apis/apps/v1/namespaces/d/statefulsets/s", "DELETE /apis/apps/v1/namespaces/d/statefulsets/s"),
        ("DELETE", "/apis/example.com/v1/things/t", "DELETE /apis/example.com/v1/things/t"),
        ("DELETE", "/apis/example.com/v1/pods/t", "DELETE /apis/example.com/v1/pods/t"),
        ("POST", f"{NAMESPACE}/serviceaccounts/s/token", f"POST {NAMESPACE}/serviceaccounts/s/token"),
        ("PATCH", f"{POD}/ephemeralcontainers", f"PATCH {POD}/ephemeralcontainers"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/roles", "POST /apis/rbac.authorization.k8s.io/v1/roles"),
    ],
)
def test_what_may_change_a_cluster_may_not_lose_what_it_holds(method: str, path: str, named: str | None) -> None:
    """At `mutating`: how many run, and a pod; never many, never data, never what runs, never more rights."""
    assert judged(method, path, Risk.MUTATING, BODY) == named


RESTART = '{"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026"}}}}}'


@pytest.mark.parametrize(
    ("body", "passes"),
    [
        (RESTART, True),
        (RESTART.replace("restartedAt", "other"), False),
        (RESTART.replace('"2026"', "null"), False),
        (RESTART.replace('"2026"', '"2026", "b": "c"'), False),
        (RESTART.replace('{"annotations"', '{"labels": {"app": "x"}, "annotations"'), False),
        (RESTART.replace('{"metadata"', '{"spec": {}, "metadata"'), False),
        (RESTART.replace('{"template"', '{"replicas": 0, "template"'), False),
        (RESTART.replace('{"template"', '{"template": {"spec": {}}, "template"'), False),  # said twice
        (RESTART.replace('{"spec"', '{"metadata": {}, "spec"'), False),
        ("[]", False), ("{}", False), ("", False), ("{", False), ("null", False),
    ],
)  # fmt: skip
def test_a_restart_is_known_by_its_one_annotation(body: str, passes: bool) -> None:
    """`kubectl rollout restart` at `mutating`; with anything beside it, it changes what runs."""
    for kind, expected in (("strategic-merge-patch", passes), ("json-patch", False), ("apply-patch", False)):
        said = {"content-type": f"application/{kind}+json", "content-length": str(len(body))}
        head = RequestHead("PATCH", f"{DEPLOYMENTS}/api", said)
        with suppress(Unreadable):
            assert (refused_kubernetes(head, body.encode(), Risk.MUTATING) is None) == expected
            assert refused_kubernetes(head, body.encode(), Risk.READONLY) is not None
            continue
        assert not expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_a_restart_is_read_as_the_server_reads_it(encoding: str) -> None:
    """In UTF-8 without a mark, as the API server does; what another reader would guess is not judged."""
    body = RESTART.encode(encoding)
    said = {"content-type": "application/strategic-merge-patch+json", "content-length": str(len(body))}
    with pytest.raises(Unreadable, match="no JSON"):
        refused_kubernetes(RequestHead("PATCH", f"{DEPLOYMENTS}/api", said), body, Risk.MUTATING)


@pytest.mark.parametrize("name", ["impersonate-user", "impersonate-group", "impersonate-extra-a", "x-remote-user"])
@pytest.mark.parametrize("risk", list(Risk))
def test_nobody_asks_in_another_name(name: str, risk: Risk) -> None:
    """The guard's credential may be allowed to."""
    assert judged("GET", POD, risk, {name: "system:admin"}) == "unreadable"
