"""Kubeconfigs as people have them: several files, a namespace, a program that fetches the credential."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.guards.services.http_message import CannotBeAsked
from runbook_steps.engine.guards.services.kubeconfig import Cluster, read_kubeconfig
from runbook_steps.engine.model import Risk

PROGRAM = """#!{python}
import json, os, pathlib, sys
seen = pathlib.Path({seen!r})
seen.write_text(seen.read_text() + "x" if seen.exists() else "x")
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert info["kind"] == "ExecCredential" and info["spec"]["interactive"] is False, info
print(json.dumps({{"kind": "ExecCredential", "apiVersion": info["apiVersion"], "status": {{
    "token": "fetched-" + sys.argv[1] + os.environ["OWN"] + os.environ.get("AWS_PROFILE", ""),
    "expirationTimestamp": {ends!r}}}}}))
"""


def config(*, server: str = "http://127.0.0.1:1", user: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A kubeconfig of one context."""
    name = more.get("name", "one")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, **more.get("cluster", {})}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **more.get("context", {})}}],
        "users": [{"name": name, "user": user or {"token": f"token-of-{name}"}}],
    }


def written(file: Path, document: dict[str, Any]) -> str:
    """Its name."""
    file.write_text(yaml.safe_dump(document))
    return str(file)


def read(tmp_path: Path, files: str, context: str = "", **variables: str) -> Cluster:
    """As the guard reads it."""
    return read_kubeconfig(files, context, tmp_path, variables)


def program(tmp_path: Path, *, valid: timedelta = timedelta(hours=1)) -> dict[str, Any]:
    """A user whose token a program fetches, as `aws eks get-token` does."""
    ends = (datetime.now(UTC) + valid).strftime("%Y-%m-%dT%H:%M:%SZ")
    file = tmp_path / "fetch"
    file.write_text(PROGRAM.format(python=sys.executable, seen=str(tmp_path / "seen"), ends=ends))
    file.chmod(0o700)
    version = "client.authentication.k8s.io/v1beta1"
    said = {"apiVersion": version, "command": "./fetch", "args": ["eks"], "env": [{"name": "OWN", "value": "-own"}]}
    return {"exec": said}


def test_several_files_are_one(tmp_path: Path) -> None:
    """Contexts, clusters and users of all of them; the first file that says a name, or a current context, wins."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b/token").write_text("from-the-file\n")
    first = written(tmp_path / "a", {"contexts": [{"name": "mixed", "context": {"cluster": "two", "user": "two"}}]})
    second = written(tmp_path / "b/c", config(name="two", server="http://two:8001/base/", user={"tokenFile": "token"}))
    third = written(tmp_path / "d", config(name="two", server="http://three"))
    files = os.pathsep.join([first, str(tmp_path / "missing"), second, third])
    found = read(tmp_path, files, "mixed")
    assert (found.host, found.port, found.path) == ("two", 8001, "/base")
    assert found.credential() == (("Authorization", "Bearer from-the-file"),)
    assert read(tmp_path, files).host == "two"
    (tmp_path / "b/token").write_text("renewed\n")
    assert found.credential() == (("Authorization", "Bearer renewed"),)


def test_the_namespace_of_the_context_is_kept(tmp_path: Path) -> None:
    """As kubectl takes it."""
    file = written(tmp_path / "k", config(context={"namespace": "shop"}))
    assert read(tmp_path, file).namespace == "shop"


def test_a_program_fetches_the_token(tmp_path: Path) -> None:
    """Once for as long as it is valid, with its own variables and the target's credentials of AWS."""
    found = read(tmp_path, written(tmp_path / "k", config(user=program(tmp_path))), AWS_PROFILE="-p")
    assert not (tmp_path / "seen").exists()  # not before a request needs it
    assert found.credential() == found.credential() == (("Authorization", "Bearer fetched-eks-own-p"),)
    assert (tmp_path / "seen").read_text() == "x"


def test_a_token_that_ends_is_fetched_again(tmp_path: Path) -> None:
    """A minute before it does."""
    user = program(tmp_path, valid=timedelta(seconds=30))
    found = read(tmp_path, written(tmp_path / "k", config(user=user)))
    found.credential()
    found.credential()
    assert (tmp_path / "seen").read_text() == "xx"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "ends with 3"),
        ("echo no", "gives an answer that is no credential"),
        ('echo \'{"status": {"clientCertificateData": "x"}}\'', "gives no token; certificates are not done"),
        ('echo \'{"status": {"token": "a\\\\nb"}}\'', "gives no token"),
        (None, "cannot be run (No such file or directory)"),
    ],
)
def test_a_program_that_gives_no_token_is_named(tmp_path: Path, script: str | None, said: str) -> None:
    """And nothing of what it says, which may be a credential."""
    user = program(tmp_path)
    (tmp_path / "fetch").unlink()
    if script is not None:
        (tmp_path / "fetch").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "fetch").chmod(0o700)
    found = read(tmp_path, written(tmp_path / "k", config(user=user)))
    with pytest.raises(CannotBeAsked) as caught:
        found.credential()
    assert said in str(caught.value)
    assert "`fetch`" in str(caught.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (config(user={"exec": {"apiVersion": "client.authentication.k8s.io/v9", "command": "x"}}), "of a version"),
        (
            config(user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "x",
                                  "interactiveMode": "Always"}}),
            "asks a person",
        ),
        (config(user={"auth-provider": {"name": "gcp"}}), "auth-provider"),
        (config(cluster={"proxy-url": "http://p"}), "proxy-url"),
        (config(server="unix:///x"), "is no URL"),
        (config(user={"token": "a\nb"}), "line break"),
        ({"clusters": []}, "no kubeconfig that can be followed"),
        ([1], "no kubeconfig that can be followed"),
    ],
)  # fmt: skip
def test_what_cannot_be_guarded_is_said(tmp_path: Path, document: Any, said: str) -> None:
    """With the file, and without a secret."""
    with pytest.raises(ValueError, match=said):
        read(tmp_path, written(tmp_path / "k", document))


class _Server(BaseHTTPRequestHandler):
    """Stands for a cluster: keeps what arrives."""

    arrived: list[tuple[str, str]]

    def do_GET(self) -> None:
        """Any request."""
        self.arrived.append((f"{self.command} {self.path}", self.headers.get("Authorization", "")))
        answer = json.dumps({"gitVersion": "v1.30.0"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_DELETE = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Its URL, and what arrived."""
    arrived: list[tuple[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Server,), {"arrived": arrived}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def guarded(tmp_path: Path, files: str, risk: Risk = Risk.MUTATING) -> Iterator[tuple[str, Guard, str]]:
    """The server that a guarded command sees, the guard, and its kubeconfig."""
    folder = tmp_path / "guard"
    folder.mkdir()
    guard = Guard(risk, folder)
    try:
        file = guard.environment({"KUBECONFIG": files})["KUBECONFIG"]
        yield yaml.safe_load(Path(file).read_text())["clusters"][0]["cluster"]["server"], guard, file
    finally:
        guard.close()


@pytest.mark.parametrize("shape", ["{0}:{1}", "{1}:{0}", "{0}::{1}:", "{0}:/nowhere:{1}", "{0}:{0}"])
def test_a_list_of_files_is_guarded_like_one(tmp_path: Path, shape: str) -> None:
    """At `mutating`, the namespace stays, in each spelling of the list."""
    with served() as (url, arrived):
        one = written(tmp_path / "one", config(server=url))
        two = written(tmp_path / "two", config(server=url, name="two"))
        with guarded(tmp_path, shape.format(one, two)) as (at, guard, _):
            refused = httpx.delete(f"{at}/api/v1/namespaces/shop", trust_env=False)
            httpx.get(f"{at}/version", trust_env=False)
            assert [str(each) for each in guard.take_refusals()] == ["Kubernetes: DELETE /api/v1/namespaces/shop"]
    assert (refused.status_code, refused.json()["kind"]) == (403, "Status")
    assert [what for what, _ in arrived] == ["GET /version"]
    assert arrived[0][1].startswith("Bearer token-of-")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_is_told_why_a_cluster_cannot_be_asked(tmp_path: Path) -> None:
    """And, with a program that works, is answered: it holds no credential itself."""
    with served() as (url, arrived):
        good = written(tmp_path / "k", config(server=url, user=program(tmp_path)))
        bad = written(tmp_path / "bad", config(server=url, user={"auth-provider": {"name": "gcp"}}))
        for name, files, said in (("a", good, "v1.30.0"), ("b", bad, "auth-provider"), ("c", "/nowhere", "not there")):
            (tmp_path / name).mkdir()
            with guarded(tmp_path / name, files) as (_, _, file):
                kubectl = ["kubectl", "--kubeconfig", file, "get", "--raw", "/version"]
                done = subprocess.run(kubectl, capture_output=True, text=True, timeout=60, check=False)
                assert said in done.stdout + done.stderr
                assert "fetched" not in Path(file).read_text()
    assert ("GET /version", "Bearer fetched-eks-own") in arrived
