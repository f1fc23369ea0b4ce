"""Reads the context of a kubeconfig, and writes one that leads to the guard and holds no credential.

`KUBECONFIG` may be a list of files (`a:b`): they are one, as kubectl merges them
(https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/): of two entries of one name
the first counts, the current context is that of the first file that has one, paths are those beside their file.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from runbook_steps.engine.guards.services.kubernetes_credentials import Credential, credential_of

__all__ = ["Cluster", "guarded_kubeconfig", "read_kubeconfig"]

_CANNOT = {  # what the guard would have to imitate, and does not
    "auth-provider": "an authentication plug-in that kubectl itself no longer has",
    "proxy-url": "a proxy before the cluster",
}


@dataclass(frozen=True)
class Cluster:
    """Where the API server is, what it is asked with, and the namespace of the context. `path` starts its URLs.

    `tls_name` is the name in its certificate, where that is another than its host.
    """

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None
    credential: Credential
    namespace: str = "default"
    tls_name: str = ""


@dataclass(frozen=True)
class _Entry:
    """A cluster or a user, and the file that it stands in."""

    said: Mapping[str, Any]
    file: Path


def read_kubeconfig(files: str, context: str, folder: Path, variables: Mapping[str, str]) -> Cluster:
    """The cluster of that context, of the current one when it is empty. `folder` is private, for a client's key.

    `variables` are what a program that fetches a credential gets beside the environment of this process. Raises
    ValueError, saying why in words without a secret, for what cannot be read or not be guarded.
    """
    named = [Path(each) for each in files.split(os.pathsep) if each]
    there = [file for file in named if file.exists()]  # as kubectl: of several, one may be missing
    if not there:
        raise ValueError(f"{files} is not there")
    documents = [(file, _document(file)) for file in there]
    try:
        wanted = context or next((str(d["current-context"]) for _, d in documents if d.get("current-context")), "")
        chosen = _named(documents, "contexts", wanted, "context")
        cluster = _named(documents, "clusters", str(chosen.said["cluster"]), "cluster")
        user = (
            _named(documents, "users", str(chosen.said["user"]), "user")
            if chosen.said.get("user")
            else _Entry({}, there[0])
        )
        parts = urlsplit(str(cluster.said["server"]))
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{files} is no kubeconfig that can be followed ({type(error).__name__})") from error
    for key, what in _CANNOT.items():
        for entry in (cluster, user):
            if entry.said.get(key):
                raise ValueError(f"{entry.file} names {what} (`{key}`), which the guard cannot stand in for")
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise ValueError(f"{cluster.file}: the server of the cluster is no URL")
    return Cluster(
        parts.hostname,
        port,
        parts.path.rstrip("/"),
        _tls(cluster, user, folder) if parts.scheme == "https" else None,
        credential_of(user.said, user.file, cluster.said, variables),
        str(chosen.said.get("namespace") or "default"),
        str(cluster.said.get("tls-server-name") or ""),
    )


def guarded_kubeconfig(cluster: Cluster | None, port: int) -> str:
    """The same namespace at the guard's port. The token in it is a word, not a secret."""
    path, namespace = (cluster.path, cluster.namespace) if cluster else ("", "default")
    named = {
        "clusters": [{"name": "guard", "cluster": {"server": f"http://127.0.0.1:{port}{path}"}}],
        "contexts": [{"name": "guard", "context": {"cluster": "guard", "user": "guard", "namespace": namespace}}],
        "users": [{"name": "guard", "user": {"token": "held-by-the-guard"}}],
    }
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "guard", **named})


def _document(file: Path) -> Mapping[str, Any]:
    try:
        read = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{file} is no kubeconfig that can be followed ({type(error).__name__})") from error
    if not isinstance(read, dict):
        raise ValueError(f"{file} is no kubeconfig that can be followed")  # noqa: TRY004 - of what it holds
    return read


def _named(documents: list[tuple[Path, Mapping[str, Any]]], part: str, name: str, key: str) -> _Entry:
    for file, document in documents:
        for entry in document.get(part) or []:
            if name and entry["name"] == name:
                if not isinstance(entry[key], dict):
                    raise TypeError(key)
                return _Entry(entry[key], file)
    raise KeyError(key)


def _tls(cluster: _Entry, user: _Entry, folder: Path) -> ssl.SSLContext:
    try:
        authority = _data(cluster, "certificate-authority")
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
        if cluster.said.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        certificate, key = _data(user, "client-certificate"), _data(user, "client-key")
        if certificate and key:
            kept = folder / "kubernetes-client.pem"
            kept.touch(mode=0o600)
            kept.write_bytes(certificate.rstrip() + b"\n" + key)
            context.load_cert_chain(kept)
            kept.unlink()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{cluster.file}: a certificate or key in it cannot be used ({type(error).__name__})"
        ) from error
    return context


def _data(entry: _Entry, key: str) -> bytes:
    """From `key-data`, or from the file that `key` names, relative to the kubeconfig."""
    if data := entry.said.get(f"{key}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
    named = entry.said.get(key)
    return (entry.file.parent / named).read_bytes() if named else b""
