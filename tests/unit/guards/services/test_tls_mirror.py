"""The guard's mirror of a certificate, when many connections ask for it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from runbook_steps.engine.guards.services.tls_mirror import Mirror
from runbook_steps.stand_in.embedded.tls import write_certificates


def test_the_first_connections_share_one_mirror(tmp_path: Path) -> None:
    """Made once, whoever comes first: nobody is shown half a file."""
    tls = tmp_path / "tls"
    tls.mkdir()
    write_certificates(tls)
    served = [file for file in tls.glob("*.pem") if b"BEGIN CERTIFICATE" in file.read_bytes() and file.name != "ca.pem"]
    real = x509.load_pem_x509_certificate(served[0].read_bytes())
    certificate = real.public_bytes(Encoding.DER)
    mirror = Mirror(tmp_path, tls / "ca.pem")
    with ThreadPoolExecutor(16) as pool:
        contexts = list(pool.map(lambda _: mirror.context(certificate, "localhost", 1), range(32)))
    assert (len({id(context) for context in contexts}), len(list(tmp_path.glob("mirror-*.pem")))) == (1, 1)
