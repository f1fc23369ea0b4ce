"""What libpq's `sslmode` means, as ways to the server to be tried in turn."""

from __future__ import annotations

import ssl

from runbook_steps.engine.guards.services.postgres_session import Way

__all__ = ["ways_to"]


def ways_to(mode: str, trusted: str | None, pair: tuple[str, str] | None = None) -> tuple[Way, ...]:
    """The ways of a `sslmode`; empty is libpq's default, `prefer`. `trusted` is a file of authorities or `system`.

    `pair` is a client's certificate and key. Raises OSError, ssl.SSLError for files that cannot be read.
    """
    if mode == "disable":
        return (Way(),)
    tls = _context(mode, trusted, pair)
    if mode == "allow":
        return (Way(), Way(tls))
    if mode in {"", "prefer"}:
        return (Way(tls, offered=True), Way())
    return (Way(tls),)


def _context(mode: str, trusted: str | None, pair: tuple[str, str] | None) -> ssl.SSLContext:
    strict = mode in {"verify-ca", "verify-full"}
    file = trusted if trusted and trusted != "system" and strict else None
    context = ssl.create_default_context(cafile=file)
    context.check_hostname = mode == "verify-full"
    if not strict:
        context.verify_mode = ssl.CERT_NONE
    if pair is not None:
        context.load_cert_chain(*pair)
    return context
