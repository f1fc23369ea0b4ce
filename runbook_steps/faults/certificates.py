"""Certificates that nginx should not serve: expiring, expired, of another host, of a CA that nobody trusts."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.broken_proxy import ProxyFile

__all__ = ["KINDS", "ServedCertificate", "reload_until", "replace", "served_serial", "what_is_served", "write_pair"]

_WAIT_S, _AGAIN_S = 15.0, 2.0
_LOOKS = 6
_WEEK, _MONTH = 7, 30
_REFUSED = {
    "expired": "expired since yesterday",
    "mismatch": "of another host",
    "issuer": "of an unknown authority",
    "self-signed": "of an unknown authority",
    "self signed": "of an unknown authority",
}
"""Words of OpenSSL's reason, and the kind that they tell of."""


@dataclass(frozen=True)
class Kind:
    """Days from now that it begins and ends, the host it is for, and whether its CA is trusted."""

    begins: float
    ends: float
    host: str = "localhost"
    trusted: bool = True


KINDS: Mapping[str, Kind] = {
    "renewed": Kind(-1, 90),
    "ending in 20 days": Kind(-70, 20),
    "ending in 5 days": Kind(-85, 5),
    "expired since yesterday": Kind(-91, -1),
    "of another host": Kind(-1, 90, host="shop.example.com"),
    "of an unknown authority": Kind(-1, 90, trusted=False),
}


class ServedCertificate:
    """nginx serves such a certificate; the right one is put back, byte for byte, by `clear`.

    The run's own CA gave its key away to nobody, so a CA of the drill signs, which is added to the bundle that
    clients trust for as long as the fault lasts.
    """

    def __init__(self, environment: Mapping[str, str], kind: str) -> None:
        self._environment = environment
        self._kind = kind
        self._before: dict[Path, bytes] = {}

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the certificate is {self._kind}"

    def arrange(self) -> None:
        """Writes the pair, trusts its CA, reloads nginx and waits until it is served."""
        bundle = Path(self._environment["SSL_CERT_FILE"])
        pair = [bundle.parent / name for name in ("server.pem", "server.key")]
        self._before = {file: file.read_bytes() for file in (*pair, bundle)}
        ca = write_pair(pair[0], pair[1], KINDS[self._kind])
        if KINDS[self._kind].trusted:
            replace(bundle, self._before[bundle] + ca)
        self._reload_until(_serial_of(pair[0].read_bytes()))

    def observe(self) -> Observation:
        """Connects as a client does, and says what is wrong with what it is shown."""
        seen, told = what_is_served(self._environment["API_BASE_URL"], self._environment.get("SSL_CERT_FILE"))
        return Observation(seen == self._kind, told)

    def clear(self) -> None:
        """Puts files and bundle back and reloads."""
        if not self._before:
            return
        for file, content in self._before.items():
            replace(file, content)
        former = next(content for file, content in self._before.items() if file.name == "server.pem")
        self._reload_until(_serial_of(former))

    def _reload_until(self, serial: int) -> None:
        if not reload_until(self._environment, serial):
            raise FaultError("nginx does not serve the new certificate")


def reload_until(environment: Mapping[str, str], serial: int) -> bool:
    """Reloads nginx and looks until that certificate is served, and no other any more. False after 15 seconds.

    A worker of before may take connections for a moment longer: one look is not enough. The reload is said again,
    because one that is under way may have read the files while they were written.
    """
    nginx, end = ProxyFile(environment, "limits.d", "none").nginx, time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        nginx("-s", "reload")
        again = time.monotonic() + _AGAIN_S
        while time.monotonic() < again:
            if all(served_serial(environment["API_BASE_URL"]) == serial for _ in range(_LOOKS)):
                return True
            time.sleep(0.02)
    return False


def _serial_of(pem: bytes) -> int:
    return x509.load_pem_x509_certificate(pem).serial_number


def what_is_served(url: str, ca_file: str | None) -> tuple[str, str]:
    """The kind of certificate that a client is shown, in the words of `KINDS`, and what was seen. Raises OSError.

    One that ends within a week is `ending in 5 days`, within a month `ending in 20 days`; a good one is `renewed`.
    """
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=ca_file)
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname=parts.hostname) as tls,
        ):
            shown = tls.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        said = error.verify_message
        return next((kind for word, kind in _REFUSED.items() if word in said), "refused"), said
    left = (ssl.cert_time_to_seconds(str(shown["notAfter"])) - time.time()) / 86400
    kind = "ending in 5 days" if left < _WEEK else "ending in 20 days" if left < _MONTH else "renewed"
    return kind, f"{left:.1f} days left"


def served_serial(url: str) -> int:
    """The serial number that the server shows, verified or not. Raises OSError."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((parts.hostname or "", parts.port or 443), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=parts.hostname) as tls,
    ):
        der = tls.getpeercert(binary_form=True)
    if der is None:
        raise ConnectionError("the server showed no certificate")
    return x509.load_der_x509_certificate(der).serial_number


def write_pair(certificate: Path, key: Path, kind: Kind) -> bytes:
    """Writes a certificate and its key (0600); gives the CA's certificate, PEM."""
    now = datetime.now(UTC)
    ca_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "BeautyCort drill CA")])
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key(), now - timedelta(days=3650), now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kind.host)])
    begin, end = now + timedelta(days=kind.begins), now + timedelta(days=kind.ends)
    leaf = (
        _builder(subject, ca_name, own_key.public_key(), begin, end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(kind.host)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    replace(certificate, leaf.public_bytes(serialization.Encoding.PEM))
    private = own_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    replace(key, private)
    return ca.public_bytes(serialization.Encoding.PEM)


def replace(file: Path, content: bytes) -> None:
    """Puts a new file, mode 0600, in the place of that one.

    nginx keeps, over a reload, what it has loaded from a file whose number and second of change are the same
    (since 1.27.4): written in place twice in one second, the second certificate would not be seen.
    """
    fresh = file.with_name(f"{file.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    fresh.replace(file)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
