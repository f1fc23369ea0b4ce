"""Certificates for the guard's own TLS side that tell the same as the real server's.

A command that looks at the certificate must see the real one's names, dates and serial number, and must
fail where it would have failed: an expired one is mirrored expired, one whose chain does not verify
is signed by a CA that nobody trusts. Only the key, and with it the signature, are the guard's.
"""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Mirror"]

_EXPIRED = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


class Mirror:
    """Makes and keeps the mirrored certificates of one run. `folder` is private; files in it are mode 0600."""

    def __init__(self, folder: Path, trusted: Path | None) -> None:
        """`trusted` is the bundle of CAs that the commands trust; None for the system's."""
        self._folder = folder
        self._trusted = trusted
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._ca_key, self._ca = _authority("guard of this run")
        self._unknown_key, self._unknown = _authority("a CA that nobody trusts")
        self._contexts: dict[bytes, ssl.SSLContext] = {}
        self._making = threading.Lock()
        self.bundle = folder / "ca.pem"
        known = trusted.read_text("utf-8") if trusted else _system_bundle()
        _write(self.bundle, (known.rstrip() + "\n").encode() + self._ca.public_bytes(serialization.Encoding.PEM))

    def context(self, certificate: bytes, host: str, port: int) -> ssl.SSLContext:
        """The server side for a real certificate (DER), made once per certificate."""
        with self._making:  # the first connections come at once, each in a thread of its own
            if certificate not in self._contexts:
                self._contexts[certificate] = self._make(certificate, host, port)
            return self._contexts[certificate]

    def _make(self, der: bytes, host: str, port: int) -> ssl.SSLContext:
        real = x509.load_der_x509_certificate(der)
        trusted = self._verifies(host, port)
        key, issuer = (self._ca_key, self._ca) if trusted else (self._unknown_key, self._unknown)
        builder = (
            x509.CertificateBuilder()
            .subject_name(real.subject)
            .issuer_name(issuer.subject)
            .public_key(self._key.public_key())
            .serial_number(real.serial_number)
            .not_valid_before(real.not_valid_before_utc)
            .not_valid_after(real.not_valid_after_utc)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        builder = builder.add_extension(x509.SubjectAlternativeName(_names(real, host)), critical=False)
        certificate = builder.sign(key, hashes.SHA256())
        file = self._folder / f"mirror-{len(self._contexts)}.pem"
        _write(file, certificate.public_bytes(serialization.Encoding.PEM) + _private(self._key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _verifies(self, host: str, port: int) -> bool:
        """Whether the real server's chain leads to a trusted CA; its dates and name are mirrored as they are."""
        context = ssl.create_default_context(cafile=str(self._trusted) if self._trusted else None)
        context.check_hostname = False
        try:
            with (
                socket.create_connection((host, port), timeout=5) as raw,
                context.wrap_socket(raw, server_hostname=host),
            ):
                return True
        except ssl.SSLCertVerificationError as error:
            return error.verify_code in _EXPIRED
        except OSError:
            return False


def _names(real: x509.Certificate, host: str) -> list[x509.GeneralName]:
    """The real names, and `localhost`, where the guard listens, exactly if they are right for the real host."""
    try:
        names = list(real.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    patterns = [str(name.value) for name in names]
    if host != "localhost" and any(fnmatch(host, p) and p.count(".") == host.count(".") for p in patterns):
        names.append(x509.DNSName("localhost"))
    return names or [x509.DNSName("no-name.invalid")]


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"runbooks, {name}")])
    now = datetime.now(UTC)
    usage: dict[str, Any] = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False)  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3650))  # an old real certificate must still be inside
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _system_bundle() -> str:
    paths = ssl.get_default_verify_paths()
    return Path(paths.cafile).read_text("utf-8") if paths.cafile and Path(paths.cafile).is_file() else ""


def _write(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
