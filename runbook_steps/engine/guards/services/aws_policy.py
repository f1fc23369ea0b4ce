"""Which requests to AWS a risk permits: what it asks for is found in AWS' own models, and looked up in the allowlist.

The service is the one that the request is signed for; its model says which protocol it speaks, and so where the
operation is named: in the method, path and query, in a form, in a header, or in the path of Smithy's RPC. An
operation that is named anywhere else as well is refused: which of them a server takes cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from urllib.parse import urlencode

from runbook_steps.engine.guards.services.aws_models import KNOWN, Operation, Service, service_of
from runbook_steps.engine.guards.services.aws_opening import (
    MAKES_DATABASES,
    RESTORES,
    SHOWS_LOGS,
    opens,
    restores_beyond,
)
from runbook_steps.engine.guards.services.aws_permitted import COUNTED, MAKES_NEW, REMOVES, permitted
from runbook_steps.engine.guards.services.aws_serving import FORM, acts_beyond, look_at_targets, parameters_of
from runbook_steps.engine.guards.services.http_message import RequestHead, decoded, json_of, pairs_of
from runbook_steps.engine.guards.services.http_policy import Policy
from runbook_steps.engine.guards.services.looks import Look
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.model import Risk

__all__ = ["AWS", "Scope", "aws_policy", "refused_aws", "scope_of"]

_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/,\s]+/\d{8}/(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request,\s*SignedHeaders=[a-z0-9;-]+,\s*Signature=[0-9a-f]+"
)
_JSON = re.compile(r"application/x-amz-json-1\.[01]", re.IGNORECASE)
_SMITHY = re.compile(r"/service/(?P<target>[^/]+)/operation/(?P<operation>[A-Za-z0-9]+)")
_CONTROL_API = "v20180820"  # not a bucket: S3 has another interface below this path
_SPLIT = re.compile(r"//|/\.\.?(?:/|\Z)")
_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
_ELSEWHERE = ("x-amz-target", "smithy-protocol", "x-amz-api-version")


@dataclass(frozen=True)
class Scope:
    """What a request was signed for, and therefore where it goes."""

    service: str
    region: str

    @property
    def host(self) -> str:
        """As AWS names its regional endpoints: https://docs.aws.amazon.com/general/latest/gr/rande.html."""
        return f"{self.service}.{self.region}.amazonaws.com{'.cn' if self.region.startswith('cn-') else ''}"


def scope_of(head: RequestHead) -> Scope:
    """Raises Unreadable for a request that is not signed, or for a service whose address is not known here."""
    found = _SCOPE.fullmatch(head.headers.get("authorization", ""))
    if found is None:
        raise Unreadable("it is not signed for AWS")
    if found["service"] not in KNOWN:
        raise Unreadable(f"the AWS service {found['service']} is not known to the guard")
    return Scope(found["service"], found["region"])


def aws_policy(marks: Sequence[str]) -> Policy:
    """For a project whose `marks`, patterns of keys, may be overwritten and removed at `mutating`."""
    return Policy(partial(refused_aws, marks=marks), _needs_body, _written, partial(_as_new, marks=marks), _looked)


def refused_aws(head: RequestHead, body: bytes, risk: Risk, marks: Sequence[str] = ()) -> str | None:
    """What goes beyond the risk, `DELETE /bucket/key` or `DeleteAlarms`; None when it may pass.

    Raises Unreadable, whatever the risk, for a request whose operation cannot be told.
    """
    if head.chunked:
        raise Unreadable("its body is chunked")
    service = service_of(scope_of(head).service)
    if service.rest:
        return _refused_rest(service, head, body, risk, marks)
    operation = _operation(service, head, body)
    if not permitted(service.name, operation, head.method, risk, rest=False):
        return operation
    if operation in MAKES_DATABASES | SHOWS_LOGS:
        return opens(operation, parameters_of(head, body), risk)
    return acts_beyond(operation, parameters_of(head, body)) if _is_counted(operation, risk) else None


def _is_counted(operation: str, risk: Risk) -> bool:
    return risk is Risk.MUTATING and operation in COUNTED


def _looked(head: RequestHead, body: bytes, risk: Risk) -> Look | None:
    """What has to be seen first of a request that may pass by what it says."""
    service = service_of(scope_of(head).service)
    if service.rest or risk is not Risk.MUTATING:
        return None
    operation = _operation(service, head, body)
    return look_at_targets(head, operation, parameters_of(head, body)) if _is_counted(operation, risk) else None


def _refused_rest(service: Service, head: RequestHead, body: bytes, risk: Risk, marks: Sequence[str]) -> str | None:
    query = _once(pairs_of(head.query))
    elsewhere = [name for name in _ELSEWHERE if name in head.headers] + [name for name in query if name == "Action"]
    shown = f"{head.method} {head.path}"
    if elsewhere:
        raise Unreadable(f"{shown} names an action in another place, {elsewhere[0]}")
    _refuse_disguised(head.path)
    operations = _operations(service, head, query)
    if not operations:
        raise Unreadable(f"{shown} is no operation of {service.name}")
    if head.method in {"GET", "HEAD", "DELETE"} and head.has_body:
        raise Unreadable(f"{shown} with a body")
    allowed = all(permitted(service.name, each.name, head.method, risk, rest=True) for each in operations)
    if risk is Risk.MUTATING and any(each.name == REMOVES for each in operations) and not _is_mark(head, marks):
        return shown
    if risk is Risk.MUTATING and any(each.name == RESTORES for each in operations):
        plain = head.headers.get("content-encoding", "identity") == "identity"
        if not plain or restores_beyond(body):
            return f"{shown} that does more than fetch it for some days"
    return _refused_besides(head, query, shown, risk) if allowed else shown


def _operations(service: Service, head: RequestHead, query: Mapping[str, str]) -> list[Operation]:
    return [each for each in service.rest if each.matches(head.method, head.path, query, head.headers)]


def _is_mark(head: RequestHead, marks: Sequence[str]) -> bool:
    """Whether the object is one that is made again from what is there."""
    key = decoded(head.path).lstrip("/").partition("/")[2]
    return any(fnmatchcase(key, each) for each in marks)


def _as_new(head: RequestHead, risk: Risk, *, marks: Sequence[str]) -> bool:
    """Whether the object may only be written where there is none of its name yet."""
    service = service_of(scope_of(head).service)
    if risk is not Risk.MUTATING or not service.rest or _is_mark(head, marks):
        return False
    return any(each.name in MAKES_NEW for each in _operations(service, head, dict(pairs_of(head.query))))


def _refused_besides(head: RequestHead, query: Mapping[str, str], shown: str, risk: Risk) -> str | None:
    """What makes another operation of one that may change something.

    A version that is deleted for good, rights that come with an upload, a key by which nobody else can read it.
    """
    if risk is not Risk.MUTATING or head.method in {"GET", "HEAD"}:
        return None
    if head.method == "DELETE" and "versionId" in query:
        return f"{shown}?versionId, which no version is left of"
    said = {name.removeprefix("x-amz-"): value for name, value in head.headers.items() if name.startswith("x-amz-")}
    found = next((name for name, value in said.items() if not _goes_along(name, value)), None)
    return f"{shown} with x-amz-{found}" if found else None


def _goes_along(name: str, value: str) -> bool:
    return value in _VALUES[name] if name in _VALUES else _BESIDES.fullmatch(name) is not None


_BESIDES = re.compile(
    r"date|content-sha256|security-token|user-agent|checksum-[a-z0-9-]+|sdk-[a-z0-9-]+|meta-[a-z0-9-]+|tagging"
    r"|copy-source(-[a-z0-9-]+)?|(metadata|tagging)-directive|(source-)?expected-bucket-owner|request-payer"
    r"|server-side-encryption-bucket-key-enabled|mp-object-size"
)
_VALUES: Mapping[str, frozenset[str]] = {
    "acl": frozenset({"private", "bucket-owner-read", "bucket-owner-full-control"}),
    "storage-class": frozenset({"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING"}),  # not what is read hours later
    "server-side-encryption": frozenset({"AES256", "aws:kms", "aws:kms:dsse"}),
}


def _refuse_disguised(path: str) -> None:
    """What one server takes for a path and another for a name."""
    read = decoded(path)
    if _SPLIT.search(read) or "%2f" in path.lower() or _ODD.search(read):
        raise Unreadable("a path that servers read differently")
    if path.split("/")[1] == _CONTROL_API:
        raise Unreadable("another interface of S3")


_DECISIVE = ("Action", "Version")


def _operation(service: Service, head: RequestHead, body: bytes) -> str:
    """The name of the operation, of a service whose requests all are POST. Raises Unreadable."""
    target, kind = head.headers.get("x-amz-target"), head.headers.get("content-type", "")
    if head.method != "POST" and head.has_body:
        raise Unreadable(f"{head.method} with a body")
    if head.method != "POST" or "?" in head.target:
        raise Unreadable(f"{head.method} {head.path} is no operation of {service.name}")
    if smithy := _SMITHY.fullmatch(head.path):
        if target is not None or kind not in {"", "application/cbor"} or "smithy-rpc-v2-cbor" not in service.protocols:
            raise Unreadable("it names an action in more than one place")
        return _known(service.targets.get(smithy["target"], frozenset()), smithy["operation"])
    if head.path != "/" or "smithy-protocol" in head.headers:
        raise Unreadable(f"POST {head.path} is no operation of {service.name}")
    if target is not None:
        if not _JSON.fullmatch(kind):
            raise Unreadable("it names an action in a header, and is not JSON of AWS")
        prefix, _, name = target.rpartition(".")
        _refuse_no_object(body)
        return _known(service.targets.get(prefix, frozenset()), name)
    if not FORM.fullmatch(kind) or not service.protocols & {"query", "ec2"}:
        raise Unreadable("its Content-Type is not one that AWS is asked with")
    fields = _once(pairs_of(_text(body)))
    if any(name not in _DECISIVE and name.strip().title() in _DECISIVE for name in fields):
        raise Unreadable("it names an action in more than one place")
    return _known(service.actions.get(fields.get("Version", ""), frozenset()), fields.get("Action", ""))


def _known(names: frozenset[str], name: str) -> str:
    if name not in names:
        raise Unreadable("it names no operation that is known")
    return name


def _once(pairs: list[tuple[str, str]]) -> Mapping[str, str]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a parameter that is said twice")
    return found


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as error:
        raise Unreadable("a form that is not percent-encoded") from error


def _refuse_no_object(body: bytes) -> None:
    if not isinstance(json_of(body), dict):
        raise Unreadable("a body that is no JSON object")


def _needs_body(head: RequestHead) -> bool:
    restores = "restore" in (part.partition("=")[0] for part in head.query.split("&"))
    return head.method == "POST" and (restores or head.path == "/" or _SMITHY.fullmatch(head.path) is not None)


def _written(head: RequestHead, body: bytes) -> bytes:
    """A form as it was read; other bodies have no action in them."""
    if head.method == "POST" and head.path == "/" and FORM.fullmatch(head.headers.get("content-type", "")):
        return urlencode(pairs_of(_text(body))).encode()
    return body


AWS = aws_policy(())
