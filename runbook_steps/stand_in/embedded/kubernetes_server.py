"""The process behind KUBECONFIG: as much of the Kubernetes API as scaling the slots takes.

`python -m runbook_steps.stand_in.embedded.kubernetes_server RUN_DIRECTORY`

Beside it, for drills: PUT /_control/cpu {"percent": 180} says what CPU the instances use together, in percent
of one instance's request; {"percent": null} has it measured again.
"""

from __future__ import annotations

import hmac
import json
import re
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import yaml

from runbook_steps.engine.errors import RunbookError
from runbook_steps.stand_in.embedded import kubernetes_objects as objects
from runbook_steps.stand_in.embedded.kubernetes_cluster import Cluster, now
from runbook_steps.stand_in.embedded.kubernetes_hpa import defaults, invalid_values, unknown_fields
from runbook_steps.stand_in.embedded.layout import read_layout
from runbook_steps.stand_in.embedded.wire import ask

__all__ = ["main"]

_RESOURCE = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[\w.]+/v\d))(?:/namespaces/(?P<namespace>[\w-]+))?"
    r"/(?P<plural>namespaces|pods|events|deployments|horizontalpodautoscalers)"
    r"(?:/(?P<name>[\w.-]+))?(?P<scale>/scale)?"
)
_KINDS = {
    "namespaces": ("Namespace", "v1"),
    "pods": ("Pod", "v1"),
    "events": ("Event", "v1"),
    "deployments": ("Deployment", "apps/v1"),
    "horizontalpodautoscalers": ("HorizontalPodAutoscaler", "autoscaling/v2"),
}
_MERGES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
_LONGEST_WATCH_S = 60.0
_WATCH_PAUSE_S = 0.1


@dataclass(eq=False)
class Refused(Exception):
    """An answer that is a Status."""

    code: int
    reason: str
    message: str


class _Api:
    """The requests, one method each; all raise Refused."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def items(self, plural: str) -> list[dict[str, Any]]:
        """All of a kind."""
        cluster = self.cluster
        if plural == "namespaces":
            return [objects.namespace(cluster.created)]
        if plural == "horizontalpodautoscalers":
            with cluster.changing:
                return [json.loads(json.dumps(each)) for _, each in sorted(cluster.autoscalers.items())]
        if plural == "events":
            return []
        states = cluster.states()
        replicas = cluster.replicas(states)
        if plural == "pods":
            return objects.pods(states, replicas, cluster.created, cluster.version)
        ready = sum(state == "running" for state in states.values())
        return [objects.deployment(replicas, ready, cluster.created, cluster.version)]

    def one(self, plural: str, name: str, *, scale: bool) -> dict[str, Any]:
        found = next((item for item in self.items(plural) if item["metadata"]["name"] == name), None)
        if found is None:
            group = _KINDS[plural][1].rpartition("/")[0]
            full = f"{plural}.{group}" if group else plural
            raise Refused(404, "NotFound", f'{full} "{name}" not found')
        if not scale:
            return found
        running = found["status"]["replicas"]
        return objects.scale(found["spec"]["replicas"], running, self.cluster.created, self.cluster.version)

    def write(self, plural: str, document: dict[str, Any], *, dry: bool) -> dict[str, Any]:
        """A new or changed object, checked; kept unless it is a dry run."""
        if plural == "horizontalpodautoscalers":
            return self._write_autoscaler(document, dry=dry)
        if plural != "deployments":
            raise Refused(405, "MethodNotAllowed", f"the emulator does not change {plural}")
        replicas = document.get("spec", {}).get("replicas")
        if not isinstance(replicas, int) or replicas < 1:
            raise Refused(422, "Invalid", f"spec.replicas: Invalid value: {replicas}: the emulator keeps one at least")
        if not dry:
            self.cluster.scale(replicas)
        return document

    def _write_autoscaler(self, document: dict[str, Any], *, dry: bool) -> dict[str, Any]:
        unknown = [f'unknown field "{path}"' for path in unknown_fields(document)]
        if unknown:
            said = "HorizontalPodAutoscaler in version v2 cannot be handled as a HorizontalPodAutoscaler"
            raise Refused(400, "BadRequest", f"{said}: strict decoding error: {', '.join(unknown)}")
        name = document.get("metadata", {}).get("name", "")
        try:
            wrong = [*invalid_values(document)]
        except (TypeError, AttributeError) as error:
            raise Refused(400, "BadRequest", f"a field has the wrong type: {error}") from error
        if wrong:
            text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
            raise Refused(422, "Invalid", f'HorizontalPodAutoscaler.autoscaling "{name}" is invalid: {text}')
        cluster = self.cluster
        with cluster.changing:
            known = cluster.autoscalers.get(name, {"metadata": {"creationTimestamp": now()}})
            version = cluster.version + 1
            metadata = {**document["metadata"], "namespace": "default", "resourceVersion": str(version)}
            metadata |= {"uid": f"hpa-{name}", "creationTimestamp": known["metadata"]["creationTimestamp"]}
            kept = defaults({**document, "kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2"})
            kept = {**kept, "metadata": metadata, "status": known.get("status", {})}
            if not dry:
                cluster.version = version
                cluster.autoscalers[name] = kept
            return kept

    def delete(self, plural: str, name: str, *, dry: bool) -> dict[str, Any]:
        self.one(plural, name, scale=False)
        if plural != "horizontalpodautoscalers":
            raise Refused(405, "MethodNotAllowed", f"the emulator does not delete {plural}")
        if not dry:
            self.cluster.remove(name)
        return objects.status(200, "", f"{name} is deleted")


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, answers with JSON."""

    api: ClassVar[_Api]
    token: ClassVar[str]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        """Nothing is logged: a header may hold the token."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        try:
            self._admit()
            code, answer = self._answer(body)
        except Refused as refused:
            code, answer = refused.code, objects.status(refused.code, refused.reason, refused.message)
        except RunbookError as error:
            code, answer = 500, objects.status(500, "InternalError", str(error))
        if answer is not None:
            self._send(code, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that the server calls

    def _admit(self) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise Refused(401, "Unauthorized", "Unauthorized")

    def _answer(self, body: bytes) -> tuple[int, dict[str, Any] | None]:
        parts = urlsplit(self.path)
        path, query = parts.path.rstrip("/"), {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if path in objects.DISCOVERY and self.command == "GET":
            return 200, objects.DISCOVERY[path]
        if path == "/_control/cpu" and self.command == "PUT":
            self.api.cluster.load_percent = json.loads(body)["percent"]
            return 200, {"percent": self.api.cluster.load_percent}
        found = _RESOURCE.fullmatch(path)
        if found is None or (found["core"] or found["group"]) != _KINDS[found["plural"]][1]:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        if found["namespace"] not in {None, "default"}:
            return 200, self._listing(found["plural"], [])
        if self.command == "GET":
            return 200, self._read(found, query)
        return self._change(found, body, dry=query.get("dryRun") == "All")

    def _read(self, found: re.Match[str], query: dict[str, str]) -> dict[str, Any] | None:
        plural, name = found["plural"], found["name"]
        if name:
            item = self.api.one(plural, name, scale=bool(found["scale"]))
            return objects.table([item], self.api.cluster.version) if self._wants_table() else item
        if query.get("watch") in {"1", "true"}:
            self._watch(plural, query)
            return None
        return self._listing(plural, _selected(self.api.items(plural), query))

    def _listing(self, plural: str, items: list[dict[str, Any]]) -> dict[str, Any]:
        version = self.api.cluster.version
        return objects.table(items, version) if self._wants_table() else objects.listed(*_KINDS[plural], items, version)

    def _wants_table(self) -> bool:
        return "as=Table" in self.headers.get("Accept", "")

    def _change(self, found: re.Match[str], body: bytes, *, dry: bool) -> tuple[int, dict[str, Any]]:
        plural, name, scale = found["plural"], found["name"] or "", bool(found["scale"])
        if self.command == "DELETE":
            return 200, self.api.delete(plural, name, dry=dry)
        document = _parsed(body)
        if self.command == "POST":
            name = document.get("metadata", {}).get("name", "")
            if any(item["metadata"]["name"] == name for item in self.api.items(plural)):
                raise Refused(409, "AlreadyExists", f'{plural} "{name}" already exists')
            return 201, self.api.write(plural, document, dry=dry)
        kept = self.api.one(plural, name, scale=scale)
        if self.command == "PATCH":
            kind = self.headers.get("Content-Type", "")
            if kind not in _MERGES:
                raise Refused(415, "UnsupportedMediaType", f"the emulator takes {' and '.join(_MERGES)}, not {kind}")
            document = objects.merged(kept, document)
        self.api.write(plural, document, dry=dry)
        return 200, document if dry else self.api.one(plural, name, scale=scale)

    def _watch(self, plural: str, query: dict[str, str]) -> None:
        """Tells every object as it is, then every change, until the client's limit or its end."""
        end = time.monotonic() + min(float(query.get("timeoutSeconds", _LONGEST_WATCH_S)), _LONGEST_WATCH_S)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        told: dict[str, dict[str, Any]] = {}
        try:
            while time.monotonic() < end:
                there = {item["metadata"]["name"]: item for item in _selected(self.api.items(plural), query)}
                events = [("MODIFIED", item) for name, item in there.items() if told.get(name) != item]
                events += [("DELETED", item) for name, item in told.items() if name not in there]
                for kind, item in events:
                    self.wfile.write(json.dumps({"type": kind, "object": item}).encode() + b"\n")
                told = there
                time.sleep(_WATCH_PAUSE_S)
        except OSError:
            return  # the client has seen enough

    def _send(self, code: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        document = yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise Refused(400, "BadRequest", "the body is neither JSON nor YAML") from error
    if not isinstance(document, dict):
        raise Refused(400, "BadRequest", "the body is no object")
    return document


def _selected(items: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    """By `fieldSelector=metadata.name=…` and `labelSelector=key=value`."""
    name = query.get("fieldSelector", "").partition("metadata.name=")[2]
    label, _, value = query.get("labelSelector", "").partition("=")
    return [
        item
        for item in items
        if (not name or item["metadata"]["name"] == name)
        and (not label or item["metadata"].get("labels", {}).get(label) == value.lstrip("="))
    ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128  # kubectl asks for every API group at once; with five waiting, the others are dropped


def main(directory: str) -> None:
    """Serves until it is stopped."""
    layout = read_layout(Path(directory))
    cluster = Cluster(partial(ask, layout.control_socket))
    threading.Thread(target=cluster.run, daemon=True).start()
    handler = type("Handler", (_Handler,), {"api": _Api(cluster), "token": layout.secrets.kubernetes})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(layout.kubernetes / "server.pem", layout.kubernetes / "server.key")
    server = _Server(("127.0.0.1", layout.ports["kubernetes"]), handler)
    # the handshake is made in the client's own thread: one who only connects holds nobody up
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
