"""The Kubernetes part: an emulator of the API that scales the same slots, and the kubeconfig that leads to it."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.stand_in.embedded.binaries import python
from runbook_steps.stand_in.embedded.layout import Layout
from runbook_steps.stand_in.embedded.service import Service, listens, private_file
from runbook_steps.stand_in.embedded.tls import write_certificates

__all__ = ["kubernetes_service"]

_KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: embedded
clusters:
- name: embedded
  cluster: {{server: "https://localhost:{port}", certificate-authority: "{ca}"}}
contexts:
- name: embedded
  context: {{cluster: embedded, user: operator, namespace: default}}
users:
- name: operator
  user: {{token: "{token}"}}
"""


def kubernetes_service(layout: Layout, environment: Mapping[str, str]) -> Service:
    """Ready when it listens; the kubeconfig is there before."""
    return Service(
        name="kubernetes",
        argv=(python(), "-m", "runbook_steps.stand_in.embedded.kubernetes_server", str(layout.directory)),
        cwd=layout.tmp,
        environment=environment,
        prepare=lambda: _prepare(layout),
        ready=listens(layout.ports["kubernetes"]),
        needs=("api",),
    )


def _prepare(layout: Layout) -> None:
    """Certificates of its own: kubectl sends no token without TLS."""
    folder = layout.kubernetes
    if not folder.exists():
        folder.mkdir(mode=0o700)
        write_certificates(folder)
    private_file(layout.kubeconfig, kubeconfig(layout))


def kubeconfig(layout: Layout) -> str:
    """Secret: holds the token."""
    return _KUBECONFIG.format(
        port=layout.ports["kubernetes"], token=layout.secrets.kubernetes, ca=layout.kubernetes / "ca.pem"
    )
