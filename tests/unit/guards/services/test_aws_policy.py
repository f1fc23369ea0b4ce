"""What the policy of AWS refuses: whatever a request says of itself, its service, method, path and action decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.awsrequest
import botocore.exceptions
import botocore.parsers
import botocore.session
import pytest

from runbook_steps.engine.guards.services.aws_models import KNOWN, service_of
from runbook_steps.engine.guards.services.aws_permitted import _MORE_READING, _MUTATING, _NOT_READING, permitted
from runbook_steps.engine.guards.services.aws_policy import AWS, aws_policy, refused_aws
from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.model import Risk

FORM = "application/x-www-form-urlencoded"
JSON = "application/x-amz-json-1.1"
ELB, ALARMS, VERSION = "elasticloadbalancing", "monitoring", "2015-12-01"
LOGS = "Logs_20140328"
CLOUDWATCH = "GraniteServiceVersion20100801"
TELLING = b"&AlarmActions.member.1=arn:aws:sns:me-south-1:123456789012:alerts"


def head(
    service: str, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> RequestHead:
    """A request that is signed for the service."""
    signed = (
        f"AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0a"
    )
    length = {"content-length": str(len(body))} if body else {}
    return RequestHead(method, target, {"authorization": signed, **length, **(headers or {})})


def judged(service: str, method: str, target: str, risk: Risk, body: bytes = b"", **headers: str) -> str | None:
    """What is refused; names of headers have `_` for `-`. Raises Unreadable."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refused_aws(head(service, method, target, named, body), body, risk)


def form(action: str, version: str = VERSION) -> bytes:
    """A query."""
    return f"Action={action}&Version={version}".encode()


# C1 and its siblings: a hint never outranks the request
HINTED: dict[str, tuple[RequestHead, bytes]] = {
    "an action in the query": (head("s3", "DELETE", "/bucket/key?Action=GetObject"), b""),
    "an action in the query, in small letters": (head("s3", "DELETE", "/bucket/key?action=GetObject"), b""),
    "an action with a version": (head("s3", "DELETE", "/bucket/key?Action=ListBuckets&Version=2006-03-01"), b""),
    "an action in a header": (head("s3", "DELETE", "/bucket/key", {"x-amz-target": "S3.GetObject"}), b""),
    "an action in the body": (head("s3", "DELETE", "/bucket/key", {"content-type": FORM}, b"Action=GetObject"), b""),
    "an operation of another name": (head("s3", "DELETE", "/bucket/key?x-id=GetObject"), b""),
    "a protocol of another service": (head("s3", "PUT", "/b/k", {"smithy-protocol": "rpc-v2-cbor"}), b""),
    "a query that S3 does not know": (head("s3", "PUT", "/bucket/key?describe"), b""),
    "reading and acting at once": (head("s3", "POST", "/bucket?delete&select&select-type=2"), b""),
    "two actions in a query": (
        head(ELB, "POST", "/", {"content-type": FORM}), b"Action=DescribeTags&Action=DeleteRule&Version=2015-12-01"),
    "an action in the query and the form": (
        head(ELB, "POST", "/?Action=DescribeTags", {"content-type": FORM}), form("DeleteRule")),
    "an action in a header and the form": (
        head(ELB, "POST", "/", {"content-type": FORM, "x-amz-target": "a.DescribeTags"}), form("DeleteRule")),
    "an action in the path and a header": (
        head(ALARMS, "POST", f"/service/{CLOUDWATCH}/operation/ListMetrics", {"x-amz-target": "a.DeleteAlarms"}), b""),
    "an action in the path and the query": (
        head(ALARMS, "POST", f"/service/{CLOUDWATCH}/operation/ListMetrics?Action=DeleteAlarms"), b""),
    "an action in the path and the form": (
        head(ALARMS, "POST", f"/service/{CLOUDWATCH}/operation/ListMetrics", {"content-type": FORM}),
        b"Action=DeleteAlarms"),
    "a header for another service": (
        head("logs", "POST", "/", {"content-type": JSON, "x-amz-target": f"{CLOUDWATCH}.ListMetrics"}), b"{}"),
    "a header without its service": (
        head("logs", "POST", "/", {"content-type": JSON, "x-amz-target": "DescribeLogGroups"}), b"{}"),
    "an action in a GET": (head(ELB, "GET", "/?Action=DescribeTags&Version=2015-12-01"), b""),
    "an action in the body of a GET": (head(ELB, "GET", "/", {"content-type": FORM}, b"Action=DeleteRule"), b""),
    "an action of another version": (
        head(ELB, "POST", "/", {"content-type": FORM}), form("DescribeTargetHealth", "2012-06-01")),
    "no version": (head(ELB, "POST", "/", {"content-type": FORM}), b"Action=DescribeTags"),
    "an unknown action": (head(ELB, "POST", "/", {"content-type": FORM}), form("DescribeEverything")),
    "an action below a path": (head(ELB, "POST", "/x", {"content-type": FORM}), form("DescribeTags")),
}  # fmt: skip


# C2 and its siblings: what was not read does not pass
UNREAD: dict[str, tuple[RequestHead, bytes]] = {
    "chunks": (head(ALARMS, "POST", "/", {"content-type": FORM, "transfer-encoding": "chunked"}), b""),
    "chunks of an upload": (head("s3", "PUT", "/b/k", {"transfer-encoding": "chunked"}), b""),
    "no type": (head(ALARMS, "POST", "/", {}), form("DescribeAlarms")),
    "another type": (head(ALARMS, "POST", "/", {"content-type": "text/plain"}), form("DescribeAlarms")),
    "two types": (head(ALARMS, "POST", "/", {"content-type": f"{FORM}, {JSON}"}), form("DescribeAlarms")),
    "a type with a boundary": (
        head(ALARMS, "POST", "/", {"content-type": "multipart/form-data; boundary=x"}), form("DescribeAlarms")),
    "a type with another alphabet": (
        head(ALARMS, "POST", "/", {"content-type": f"{FORM}; charset=utf-16"}), form("DescribeAlarms")),
    "a form that is no ASCII": (head(ELB, "POST", "/", {"content-type": FORM}), "Action=DescribeTags&é=1".encode()),
    "a form with another divider": (
        head(ELB, "POST", "/", {"content-type": FORM}), b"Action=DeleteRule;Action=DescribeTags&Version=2015-12-01"),
    "JSON that is none": (
        head("logs", "POST", "/", {"content-type": JSON, "x-amz-target": f"{LOGS}.DescribeLogGroups"}), b"{"),
    "JSON that says a name twice": (
        head("logs", "POST", "/", {"content-type": JSON, "x-amz-target": f"{LOGS}.DescribeLogGroups"}),
        b'{"a": 1, "a": 2}'),
    "JSON that is a list": (
        head("logs", "POST", "/", {"content-type": JSON, "x-amz-target": f"{LOGS}.DescribeLogGroups"}), b"[]"),
    "no signature": (RequestHead("GET", "/bucket/key", {}), b""),
    "a signature in the address": (
        RequestHead("PUT", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x", {}),
        b"",
    ),
    "a service that is not known": (head("iam", "POST", "/", {"content-type": FORM}), form("ListUsers")),
    "a path with a way out": (head("s3", "GET", "/bucket/../other/key"), b""),
    "a way out, encoded": (head("s3", "GET", "/bucket/%2e%2E/other"), b""),
    "a slash, encoded": (head("s3", "DELETE", "/bucket%2Fkey"), b""),
    "a path without a bucket": (head("s3", "GET", "//bucket/key"), b""),
    "a path that is no UTF-8": (head("s3", "GET", "/bucket/%ff"), b""),
    "a backslash, encoded": (head("s3", "GET", "/bucket/%5Cx"), b""),
    "a zero byte, encoded": (head("s3", "GET", "/bucket/a%00b"), b""),
    "a parameter twice": (head("s3", "GET", "/bucket?prefix=a&prefix=b"), b""),
    "another interface below a path": (head("s3", "DELETE", "/v20180820/accesspoint/x"), b""),
    "a removal with a body": (head("s3", "DELETE", "/bucket/key", {}, b"x"), b""),
}  # fmt: skip


CANNOT_BE_TOLD = HINTED | UNREAD


BEYOND = "POST /backups/key that does more than fetch it for some days"
DAYS, TIER = b"<Days>5</Days>", b"<GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters>"


def fetched(*parts: bytes) -> bytes:
    """What asks for an object of the archive."""
    return b"<RestoreRequest>%b</RestoreRequest>" % b"".join(parts)


@pytest.mark.parametrize("risk", list(Risk))
@pytest.mark.parametrize("case", CANNOT_BE_TOLD)
def test_what_cannot_be_told_is_refused_at_every_risk(case: str, risk: Risk) -> None:
    """Where an action is hinted at in another place, or a body cannot be judged."""
    asked, body = CANNOT_BE_TOLD[case]
    with pytest.raises(Unreadable):
        refused_aws(asked, body, risk)


@pytest.mark.parametrize(
    ("method", "target", "named"),
    [
        ("DELETE", "/bucket/key", "DELETE /bucket/key"),
        ("DELETE", "/bucket/key?versionId=1", "DELETE /bucket/key"),
        ("DELETE", "/service/S3/operation/GetObject", "DELETE /service/S3/operation/GetObject"),
        ("DELETE", "/bucket?policy", "DELETE /bucket"),
        ("PUT", "/bucket/key", "PUT /bucket/key"),
        ("PUT", "/bucket?lifecycle", "PUT /bucket"),
        ("POST", "/bucket?delete", "POST /bucket"),
        ("POST", "/bucket/key?uploads", "POST /bucket/key"),
        ("POST", "/bucket/key?restore", "POST /bucket/key"),
        ("GET", "/bucket?session", "GET /bucket"),  # a GET that gives out a credential
    ],
)
def test_what_acts_on_objects_is_refused_to_who_reads(method: str, target: str, named: str) -> None:
    """By method, path and query."""
    assert judged("s3", method, target, Risk.READONLY) == named


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/bucket?list-type=2&prefix=a%20b&max-keys=1&encoding-type=url"),
        ("GET", "/bucket?location"),
        ("GET", "/bucket/a/b.dump"),
        ("GET", "/bucket/a/b.dump?versionId=3&partNumber=1"),
        ("GET", "/bucket/key?uploadId=x&max-parts=1"),
        ("HEAD", "/bucket/a%2Bb"),
        ("POST", "/bucket/key?select&select-type=2"),
    ],
)
def test_looking_at_objects_passes(method: str, target: str) -> None:
    """At every risk."""
    assert [judged("s3", method, target, risk) for risk in Risk] == [None] * len(Risk)


@pytest.mark.parametrize(
    ("service", "method", "target", "body", "refused"),
    [
        ("s3", "PUT", "/backups/key", b"", ""),
        ("s3", "DELETE", "/backups/key", b"", "DELETE /backups/key"),
        ("s3", "PUT", "/backups/key?tagging", b"", "PUT /backups/key"),
        ("s3", "POST", "/backups/key?restore", fetched(DAYS, TIER), ""),
        ("s3", "POST", "/backups/key?restore", fetched(TIER, DAYS), ""),  # as it was written down by who asks
        ("s3", "POST", "/backups/key?restore", fetched(TIER), ""),
        ("s3", "POST", "/backups/key?restore", fetched(TIER, DAYS, TIER), BEYOND),
        ("s3", "POST", "/backups/key?restore", fetched(DAYS, b"<OutputLocation/>"), BEYOND),
        ("s3", "DELETE", "/backups/key?uploadId=x", b"", "DELETE /backups/key"),
        ("s3", "DELETE", "/backups", b"", "DELETE /backups"),
        ("s3", "POST", "/backups?delete", b"", "POST /backups"),
        ("s3", "PUT", "/backups?lifecycle", b"", "PUT /backups"),  # what expires is lost as well
        ("s3", "PUT", "/backups?policy", b"", "PUT /backups"),
        (ELB, "POST", "/", form("RegisterTargets"), ""),
        (ELB, "POST", "/", form("DeleteLoadBalancer"), "DeleteLoadBalancer"),
        (ELB, "POST", "/", form("DeleteRule"), "DeleteRule"),
        (ELB, "POST", "/", form("ModifyListener"), "ModifyListener"),
        ("ec2", "POST", "/", form("TerminateInstances", "2016-11-15"), "TerminateInstances"),
        ("ec2", "POST", "/", form("StopInstances", "2016-11-15"), "StopInstances"),
        ("rds", "POST", "/", form("DeleteDBInstance", "2014-10-31"), "DeleteDBInstance"),
        ("rds", "POST", "/", form("ModifyDBInstance", "2014-10-31"), "ModifyDBInstance"),
        (ALARMS, "POST", "/", form("DeleteAlarms", "2010-08-01"), "DeleteAlarms"),
        (ALARMS, "POST", "/", form("PutMetricAlarm", "2010-08-01") + TELLING, ""),
        ("sts", "POST", "/", form("AssumeRole", "2011-06-15"), "AssumeRole"),
    ],
)
def test_what_may_change_aws_may_not_lose_what_it_holds(
    service: str, method: str, target: str, body: bytes, refused: str
) -> None:
    """At `mutating`: a new object, a target, an alarm; never a bucket, a balancer, a machine or a credential."""
    headers = {"content_type": FORM} if body else {}
    assert judged(service, method, target, Risk.MUTATING, body, **headers) == (refused or None)


MARKS = ("backup-*.mark",)


@pytest.mark.parametrize(
    ("method", "target", "new"),
    [
        ("PUT", "/backups/key", True),
        ("PUT", "/backups/a/b%2Bc", True),
        ("PUT", "/backups/key?x-id=PutObject", True),
        ("POST", "/backups/key?uploadId=x", True),
        ("PUT", "/backups/backup-1.mark.dump", True),
        ("PUT", "/backups/backup-1.mark", False),  # it is made again from what is there
        ("PUT", "/backups/key?uploadId=x&partNumber=1", False),
        ("POST", "/backups/key?uploads", False),
        ("GET", "/backups/key", False),
    ],
)
def test_an_object_is_only_made_new(method: str, target: str, new: bool) -> None:
    """At `mutating` the server is told to keep what is there; at `destructive` it is not."""
    policy, asked = aws_policy(MARKS), head("s3", method, target)
    assert (policy.as_new(asked, Risk.MUTATING), policy.as_new(asked, Risk.DESTRUCTIVE)) == (new, False)


@pytest.mark.parametrize(
    ("target", "may_go"),
    [
        ("/backups/backup-1.mark", True),
        ("/backups/backup-1.mark.dump", False),
        ("/backups/Backup-1.mark", False),
        ("/backup-1.mark", False),  # a bucket
        ("/backups/x/backup-1.mark", False),
        ("/backups/backup-1.mark?versionId=1", False),
    ],
)
def test_only_a_mark_is_removed(target: str, may_go: bool) -> None:
    """By its key, whole; never a version of it."""
    assert (refused_aws(head("s3", "DELETE", target), b"", Risk.MUTATING, MARKS) is None) == may_go


def test_every_protocol_has_its_place_for_the_action() -> None:
    """A form, a header, a path: reading passes, acting is named."""
    smithy = f"/service/{CLOUDWATCH}/operation/"
    said: dict[str, Any] = {"content_type": JSON}
    for verb, refused in (("DescribeAlarms", None), ("DeleteAlarms", "DeleteAlarms")):
        assert judged(ALARMS, "POST", "/", Risk.READONLY, form(verb, "2010-08-01"), content_type=FORM) == refused
        assert judged(ALARMS, "POST", smithy + verb, Risk.READONLY, smithy_protocol="rpc-v2-cbor") == refused
        assert judged(ALARMS, "POST", "/", Risk.READONLY, b"{}", x_amz_target=f"{CLOUDWATCH}.{verb}", **said) == refused


@pytest.mark.parametrize("action", ["GetSessionToken", "GetFederationToken", "AssumeRole", "GetWebIdentityToken"])
def test_a_credential_is_not_given_out(action: str) -> None:
    """It would lead past the guard, and stand in the evidence."""
    assert judged("sts", "POST", "/", Risk.READONLY, form(action, "2011-06-15"), content_type=FORM) == action


@pytest.mark.parametrize("service", sorted(_NOT_READING))
def test_what_looks_and_gives_out_a_secret_is_refused(service: str) -> None:
    """A password, a key of a tunnel, what a machine is given when it starts."""
    for operation in _NOT_READING[service]:
        assert not permitted(service, operation, "POST", Risk.READONLY, rest=False), operation


def test_a_form_is_written_anew() -> None:
    """From what was read of it."""
    asked = head(ELB, "POST", "/", {"content-type": FORM})
    assert AWS.needs_body(asked)
    assert AWS.written(asked, b"%41ction=DescribeTags&Version=2015-12-01&&A=a+b%2f") == (
        b"Action=DescribeTags&Version=2015-12-01&A=a+b%2F"
    )


@pytest.mark.parametrize("signing_name", KNOWN)
def test_the_allowlists_name_only_what_the_service_has(signing_name: str) -> None:
    """In botocore's models: a name that is misspelled would permit nothing, and nobody would see it."""
    service = service_of(signing_name)
    names = {each.name for each in service.rest}.union(*service.actions.values())
    assert names >= _MUTATING[signing_name]
    assert names >= _MORE_READING.get(signing_name, frozenset()) | _NOT_READING.get(signing_name, frozenset())


@pytest.mark.parametrize("signing_name", KNOWN)
def test_what_reads_changes_nothing_by_its_name(signing_name: str) -> None:
    """Of all operations of botocore's models, none that is let through at readonly says another verb, or method."""
    service = service_of(signing_name)
    for each in service.rest:
        if permitted(signing_name, each.name, each.method, Risk.READONLY, rest=True):
            assert each.name.startswith(("Get", "List", "Head", "Select")), each.name
    changing = ("Create", "Delete", "Put", "Update", "Modify", "Set", "Terminate", "Reset", "Assume", "Attach", "Stop")
    for name in frozenset().union(*service.actions.values()):
        if name.startswith(changing):
            assert not permitted(signing_name, name, "POST", Risk.READONLY, rest=False), name


ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "balancers": ("elbv2", "describe_load_balancers", {"Names": ["a b"]}),
    "classic balancers": ("elb", "describe_load_balancers", {}),
    "alarms": ("cloudwatch", "describe_alarms", {"StateValue": "ALARM"}),
    "machines": ("ec2", "describe_instances", {"Filters": [{"Name": "tag:a", "Values": ["ü+&"]}]}),
    "who": ("sts", "get_caller_identity", {}),
    "logs": ("logs", "filter_log_events", {"logGroupName": "g", "filterPattern": "é"}),
    "groups": ("autoscaling", "describe_auto_scaling_groups", {}),
    "databases": ("rds", "describe_db_instances", {}),
    "buckets": ("s3", "list_buckets", {}),
    "objects": ("s3", "list_objects_v2", {"Bucket": "backups", "Prefix": "a b+/ü", "MaxKeys": 1}),
    "object": ("s3", "get_object", {"Bucket": "backups", "Key": "2026/a b+ü~.dump"}),
    "head": ("s3", "head_object", {"Bucket": "backups", "Key": "k", "VersionId": "v"}),
    "parts": ("s3", "list_parts", {"Bucket": "backups", "Key": "k", "UploadId": "v"}),
    "versions": ("s3", "list_object_versions", {"Bucket": "backups"}),
    "policy": ("s3", "get_bucket_lifecycle_configuration", {"Bucket": "backups"}),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_real_clients_ask_to_read_passes(case: str) -> None:
    """As botocore makes the request."""
    name, method, parameters = ASKED[case]
    connect: Any = boto3.client
    client = connect(
        name,
        endpoint_url="http://127.0.0.1:9",
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    seen: list[Any] = []

    def keep(request: Any, **_: object) -> Any:
        seen.append(request)
        made: Any = botocore.awsrequest.AWSResponse
        return made(request.url, 400, {}, _Nothing())

    client.meta.events.register("before-send", keep)
    with suppress(
        botocore.exceptions.ClientError, botocore.parsers.ResponseParserError
    ):  # what is asked counts, not the empty answer
        getattr(client, method)(**parameters)
    made = seen[0]
    body = made.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    headers = {
        key.lower(): (value.decode() if isinstance(value, bytes) else value) for key, value in made.headers.items()
    }
    parts = urlsplit(made.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    asked = RequestHead(made.method, target, headers)
    assert refused_aws(asked, body, Risk.READONLY) is None


class _Nothing:
    """An empty answer."""

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return []

    def read(self, *_: object) -> bytes:
        return b""


_SECRET = re.compile(r"(?i)user_?data|secret$|password|preshared|private_?key|signature|manifesturl|keymaterial")
_HARMLESS = frozenset({  # said without its value, or `****`: what AWS never gives back, or the name of where it is kept
    "ClientPasswordAuthType", "ClientSecret", "UseExistingClientSecret", "MasterUserPassword", "MasterUserSecret",
    "ManageMasterUserPassword",
})  # fmt: skip
_TOLD_AS_NOTHING = frozenset({"DescribeListeners", "DescribeRules"})
"""Of a listener the secret is written and never read: AuthenticateOidcConfig in the reference of load balancing."""


@pytest.mark.parametrize("service", KNOWN)
def test_no_answer_that_may_be_read_holds_a_secret(service: str) -> None:
    """By the shapes of botocore's own models: one with a new field that is called like a secret is found here."""
    found = []
    session = botocore.session.Session()
    for name in KNOWN[service]:
        model = session.get_service_model(name)
        rest = model.metadata["protocol"].startswith("rest-")
        for operation in map(model.operation_model, model.operation_names):
            if permitted(service, operation.name, operation.http["method"], Risk.READONLY, rest=rest):
                held = set(_fields(operation.output_shape, frozenset()))
                allowed = _HARMLESS if operation.name in _TOLD_AS_NOTHING else _HARMLESS - {"ClientSecret"}
                found += [(operation.name, each) for each in held - allowed if _SECRET.search(each)]
    assert found == []


def _fields(shape: Any, seen: frozenset[str]) -> Iterator[str]:
    if shape is None or shape.name in seen:
        return
    below: Any = ()
    if shape.type_name in {"list", "map"}:
        below = [("", shape.member if shape.type_name == "list" else shape.value)]
    elif shape.type_name == "structure":
        below = shape.members.items()
    for name, each in below:
        yield name
        yield from _fields(each, seen | {shape.name})
