"""Signs AWS requests again: a guarded command holds no credential, and what it signed was for the guard's address.

AWS checks a signature against the host that was asked, so that a proxy cannot stand between. The guard therefore
keeps the credentials, and signs what it lets through (Signature Version 4, by botocore).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runbook_steps.engine.guards.services.aws_credentials import AwsKeys
from runbook_steps.engine.guards.services.aws_policy import Scope, scope_of
from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.guards.services.streams import Upstream

__all__ = ["AwsSigner", "signed"]

_OWN = frozenset({"host", "authorization", "x-amz-date", "x-amz-security-token", "connection", "content-length"})
_HASH = "x-amz-content-sha256"
_CHUNK_SIGNED = "STREAMING-AWS4-"  # each chunk's signature hangs on that of the head


class _WithGivenHash(SigV4Auth):
    """S3: the path stands as it is, and the hash of the body in a header as the client said it."""

    def _normalize_url_path(self, path: str) -> str:
        return path


def signed(head: RequestHead, body: bytes, scope: Scope, keys: AwsKeys) -> RequestHead:
    """The head for the real host, signed."""
    if head.headers.get(_HASH, "").startswith(_CHUNK_SIGNED):
        raise Unreadable("an upload whose chunks are signed one by one cannot be signed again")
    kept = {name: value for name, value in head.headers.items() if name not in _OWN}
    request = AWSRequest(head.method, f"https://{scope.host}{head.target}", {**kept, "host": scope.host}, body)
    credentials = Credentials(keys.access, keys.secret, keys.token or None)
    of_s3 = _WithGivenHash if _HASH in head.headers else S3SigV4Auth
    kind = of_s3 if scope.service == "s3" else SigV4Auth
    kind(credentials, scope.service, scope.region).add_auth(request)
    length = {name: value for name, value in head.headers.items() if name == "content-length"}
    return RequestHead(head.method, head.target, {**{n.lower(): v for n, v in request.headers.items()}, **length})


@dataclass(frozen=True)
class AwsSigner:
    """For the guard's relay: each request goes to the service that it was signed for, over TLS."""

    keys: Callable[[], AwsKeys]
    reach: Callable[[Scope], Upstream]

    def needs_body(self, head: RequestHead) -> bool:
        """S3 says the hash of a body in a header; the other services do not."""
        return _HASH not in head.headers

    def signed(self, head: RequestHead, body: bytes) -> tuple[Upstream, RequestHead]:
        """Raises Unreadable for what is not signed, or not for a service that is known here."""
        scope = scope_of(head)
        return self.reach(scope), signed(head, body, scope, self.keys())
