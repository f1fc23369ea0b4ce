"""Signs AWS requests again: a guarded command holds no credential, and what it signed was for the guard's address.

AWS checks a signature against the host that was asked, so that a proxy cannot stand between. The guard therefore
keeps the credentials, and signs what it lets through (Signature Version 4, by botocore).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runbook_steps.engine.guards.services.aws_policy import Scope, scope_of
from runbook_steps.engine.guards.services.http_message import Head, Unreadable
from runbook_steps.engine.guards.services.streams import Upstream

__all__ = ["HELD", "AwsKeys", "AwsSigner", "guarded_variables", "keys_of", "signed"]

HELD = "held-by-the-guard"
"""What a guarded command has in place of its credentials: a word, not a secret."""
_OWN = frozenset({"host", "authorization", "x-amz-date", "x-amz-security-token", "connection", "content-length"})
_HASH = "x-amz-content-sha256"
_CHUNK_SIGNED = "STREAMING-AWS4-"  # each chunk's signature hangs on that of the head


@dataclass(frozen=True)
class AwsKeys:
    """The credentials of a live target."""

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def keys_of(environment: Mapping[str, str]) -> AwsKeys | None:
    """The credentials in an environment that names no endpoint of its own; None when there is nothing to keep."""
    if any(name.startswith("AWS_ENDPOINT_URL") and value for name, value in environment.items()):
        return None
    access, secret = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
    return AwsKeys(access, secret, environment.get("AWS_SESSION_TOKEN", "")) if access and secret else None


def guarded_variables(port: int) -> dict[str, str]:
    """What leads a command to the guard. An IP address, so that a bucket stands in the path and not in the host."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": HELD,
        "AWS_SECRET_ACCESS_KEY": HELD,
        "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": "",
    }


class _WithGivenHash(SigV4Auth):
    """S3: the path stands as it is, and the hash of the body in a header as the client said it."""

    def _normalize_url_path(self, path: str) -> str:
        return path


def signed(head: Head, body: bytes, scope: Scope, keys: AwsKeys) -> Head:
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
    return Head(head.method, head.target, {**{n.lower(): v for n, v in request.headers.items()}, **length})


@dataclass(frozen=True)
class AwsSigner:
    """For the guard's relay: each request goes to the service that it was signed for, over TLS."""

    keys: Callable[[], AwsKeys]
    reach: Callable[[Scope], Upstream]

    def needs_body(self, head: Head) -> bool:
        """S3 says the hash of a body in a header; the other services do not."""
        return _HASH not in head.headers

    def signed(self, head: Head, body: bytes) -> tuple[Upstream, Head]:
        """Raises Unreadable for what is not signed, or not for a service that is known here."""
        scope = scope_of(head)
        return self.reach(scope), signed(head, body, scope, self.keys())
