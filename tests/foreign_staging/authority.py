"""A private authority, made with openssl as an administrator does, and what it signs."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["Authority"]


class Authority:
    """Its key and certificate are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "ca.pem"

    def make(self) -> None:
        """A root of its own, for a year."""
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=Salon private CA",
            "-keyout", "ca.key", "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def trusted(self) -> ssl.SSLContext:
        """For a client that trusts it, and nobody else."""
        return ssl.create_default_context(cafile=self.certificate)

    def sign(self, certificate: Path, key: Path, *, days: float, host: str = "localhost") -> None:
        """A certificate that ends in so many days: a negative number ended already. Needs openssl's `ca`."""
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", str(key),
                      "-out", "request.csr")  # fmt: skip
        begin = datetime.now(UTC) - timedelta(days=max(1.0, 1 - days))
        end = datetime.now(UTC) + timedelta(days=days)
        (self._folder / "ca.conf").write_text(_CA.format(folder=self._folder, host=host), "utf-8")
        (self._folder / "index.txt").write_text("", "utf-8")
        (self._folder / "issued").mkdir(exist_ok=True)
        self._openssl(
            "ca", "-batch", "-notext", "-config", "ca.conf", "-in", "request.csr", "-out", str(certificate),
            "-startdate", f"{begin:%y%m%d%H%M%SZ}", "-enddate", f"{end:%y%m%d%H%M%SZ}",
        )  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(
            ["openssl", *arguments], cwd=self._folder, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()[-500:]}")


_CA = """[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}/issued
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
rand_serial = yes
policy = any
unique_subject = no
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
subjectAltName = DNS:{host},IP:127.0.0.1,IP:::1
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
"""
