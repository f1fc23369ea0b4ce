"""The Kubernetes part over HTTP: who may ask, what is kept, what becomes of the slots."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable, Iterator

import httpx
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget

DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/api"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def cluster(embedded: EmbeddedTarget) -> Iterator[httpx.Client]:
    """A client with the token; two instances afterwards."""
    embedded.start({"kubernetes"})
    layout = embedded.layout
    with httpx.Client(
        base_url=f"https://localhost:{layout.ports['kubernetes']}",
        verify=ssl.create_default_context(cafile=str(layout.kubernetes / "ca.pem")),
        headers={"Authorization": f"Bearer {layout.secrets.kubernetes}"},
        trust_env=False,
        timeout=30,
    ) as client:
        yield client
    embedded.control.scale(2)


def test_only_the_token_opens_it(embedded: EmbeddedTarget, cluster: httpx.Client) -> None:
    """The file that holds it is its owner's, the token is a secret of the target."""
    answer = cluster.get("/apis", headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
    assert stat.S_IMODE(embedded.layout.kubeconfig.stat().st_mode) == 0o600
    assert embedded.layout.secrets.kubernetes in embedded.secrets()


def test_the_scale_is_the_number_of_slots(embedded: EmbeddedTarget, cluster: httpx.Client) -> None:
    """Beyond the slots there are, pods are pending; scaled by other means, the deployment follows."""
    cluster.patch(f"{DEPLOYMENT}/scale", json={"spec": {"replicas": 7}}, headers=MERGE).raise_for_status()
    pods = cluster.get("/api/v1/namespaces/default/pods", params={"labelSelector": "app=api"}).json()["items"]

    assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 6 + ["Pending"]
    assert cluster.get(DEPLOYMENT).json()["status"]["readyReplicas"] == 6
    embedded.control.scale(3)
    assert cluster.get(f"{DEPLOYMENT}/scale").json()["spec"]["replicas"] == 3


def test_a_dry_run_keeps_nothing(cluster: httpx.Client) -> None:
    """It is checked and answered, and there is no autoscaler afterwards."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    document = {"metadata": {"name": "dry"}, "spec": {"scaleTargetRef": reference, "maxReplicas": 3}}
    answer = cluster.post(AUTOSCALERS, params={"dryRun": "All"}, json=document)

    assert (answer.status_code, answer.json()["spec"]["minReplicas"]) == (201, 1)
    assert cluster.get(f"{AUTOSCALERS}/dry").status_code == 404


def test_cpu_is_measured_unless_a_drill_says_it(cluster: httpx.Client, eventually: Callable[..., None]) -> None:
    """An autoscaler that nobody told anything sees the real CPU of the slots."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    spec = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 2}
    cluster.post(AUTOSCALERS, json={"metadata": {"name": "seen"}, "spec": spec}).raise_for_status()

    def measured() -> object:
        return cluster.get(f"{AUTOSCALERS}/seen").json().get("status", {}).get("currentMetrics")

    eventually(measured)
    assert cluster.delete(f"{AUTOSCALERS}/seen").status_code == 200
