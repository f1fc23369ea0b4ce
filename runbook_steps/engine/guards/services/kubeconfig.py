"""Reads the context of a kubeconfig, and writes one that leads to the guard and holds no credential."""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

__all__ = ["Cluster", "guarded_kubeconfig", "read_kubeconfig"]

_CANNOT = {  # what the guard would have to imitate, and does not
    "exec": "a program that fetches its credential",
    "auth-provider": "an authentication plug-in",
    "proxy-url": "a proxy before the cluster",
    "tls-server-name": "another TLS name than its server's",
}


@dataclass(frozen=True)
class Cluster:
    """Where the API server is, what it is asked with, and the namespace of the context. `path` starts its URLs."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None
    headers: tuple[tuple[str, str], ...]
    namespace: str = "default"


def read_kubeconfig(file: Path, context: str, folder: Path) -> Cluster:
    """The cluster of that context, of the current one when it is empty. `folder` is private, for a client's key.

    Raises ValueError, saying why in words without a secret, for what cannot be read or not be guarded.
    """
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
        chosen = _named(document, "contexts", context or document.get("current-context", ""), "context")
        cluster = _named(document, "clusters", chosen["cluster"], "cluster")
        user = _named(document, "users", chosen.get("user", ""), "user") if chosen.get("user") else {}
        parts = urlsplit(str(cluster["server"]))
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{file} is no kubeconfig that can be followed ({type(error).__name__})") from error
    for key, what in _CANNOT.items():
        if cluster.get(key) or user.get(key):
            raise ValueError(f"{file} names {what} (`{key}`), which the guard cannot stand in for: give a token")
    if not parts.hostname:
        raise ValueError(f"{file}: the server of the cluster is no URL")
    tls = _tls(cluster, user, file, folder) if parts.scheme == "https" else None
    return Cluster(
        parts.hostname, port, parts.path.rstrip("/"), tls, _headers(user, file), chosen.get("namespace") or "default"
    )


def guarded_kubeconfig(cluster: Cluster, port: int) -> str:
    """The same namespace at the guard's port. The token in it is a word, not a secret."""
    named = {
        "clusters": [{"name": "guard", "cluster": {"server": f"http://127.0.0.1:{port}{cluster.path}"}}],
        "contexts": [
            {"name": "guard", "context": {"cluster": "guard", "user": "guard", "namespace": cluster.namespace}}
        ],
        "users": [{"name": "guard", "user": {"token": "held-by-the-guard"}}],
    }
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "guard", **named})


def _named(document: Mapping[str, Any], part: str, name: str, key: str) -> dict[str, Any]:
    found = next((entry[key] for entry in document[part] if entry["name"] == name), None) if name else None
    if not isinstance(found, dict):
        raise KeyError(key)
    return found


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], file: Path, folder: Path) -> ssl.SSLContext:
    try:
        authority = _data(cluster, "certificate-authority", file)
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        certificate, key = _data(user, "client-certificate", file), _data(user, "client-key", file)
        if certificate and key:
            kept = folder / "kubernetes-client.pem"
            kept.touch(mode=0o600)
            kept.write_bytes(certificate.rstrip() + b"\n" + key)
            context.load_cert_chain(kept)
            kept.unlink()
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: a certificate or key in it cannot be used ({type(error).__name__})") from error
    return context


def _data(entry: Mapping[str, Any], key: str, file: Path) -> bytes:
    """From `key-data`, or from the file that `key` names, relative to the kubeconfig."""
    if data := entry.get(f"{key}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
    named = entry.get(key)
    return (file.parent / named).read_bytes() if named else b""


def _headers(user: Mapping[str, Any], file: Path) -> tuple[tuple[str, str], ...]:
    token = str(user.get("token") or "")
    if not token and (named := user.get("tokenFile")):
        try:
            token = (file.parent / named).read_text("utf-8").strip()
        except OSError as error:
            raise ValueError(f"{file}: its tokenFile cannot be read") from error
    found = [("Authorization", f"Bearer {token}")] if token else []
    if not token and user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        found.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
    if any("\r" in value or "\n" in value for _, value in found):
        raise ValueError(f"{file}: a credential in it holds a line break")
    return (*found, *((("Impersonate-User", str(user["as"])),) if user.get("as") else ()))
