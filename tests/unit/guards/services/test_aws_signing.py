"""What goes to AWS itself: judged, and signed by the guard, which keeps the credentials.

The signature is checked as AWS does, by its description:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import botocore.parsers
import pytest

from runbook_steps.engine.guards.services.aws_credentials import HELD, AwsKeys, guarded_variables
from runbook_steps.engine.guards.services.aws_policy import AWS, Scope, scope_of
from runbook_steps.engine.guards.services.aws_signing import AwsSigner, signed
from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.http_relay import HttpRelay, aws_refusal
from runbook_steps.engine.guards.services.listening import Listener
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.guards.services.streams import Refusal, Upstream
from runbook_steps.engine.model import Risk

KEYS = AwsKeys("AKIDREAL", "the-real-secret", "the-session-token")
REGION = "me-south-1"
NO_ANSWER = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError)


class Aws:
    """Stands for AWS: keeps what arrives, and answers nothing of use."""

    def __init__(self) -> None:
        self.arrived: list[bytes] = []
        self.scopes: list[Scope] = []
        self.refused: list[Refusal] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        self.arrived.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    def client(self, service: str) -> Any:
        """As a guarded command has it."""
        connect: Any = boto3.client
        return connect(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id=HELD,
            aws_secret_access_key=HELD,
            config=botocore.config.Config(retries={"max_attempts": 1}, connect_timeout=60, read_timeout=60),
        )


@contextmanager
def guarded(risk: Risk = Risk.READONLY) -> Iterator[Aws]:
    """AWS behind the relay."""
    aws, started, stop = Aws(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        server = await asyncio.start_server(aws.serve, "127.0.0.1", 0)
        real = Upstream("127.0.0.1", server.sockets[0].getsockname()[1])

        def reach(scope: Scope) -> Upstream:
            aws.scopes.append(scope)
            return real

        nowhere, signer = Upstream("", 0), AwsSigner(lambda: KEYS, reach)
        relay = HttpRelay("AWS", nowhere, AWS, risk, aws.refused.append, signer=signer, refusal=aws_refusal)
        listener = Listener(relay)
        aws.port = listener.port
        accepting = asyncio.create_task(listener.accept())
        started.set()
        await stop.wait()
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield aws
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()


def signature_of(request: bytes) -> tuple[str, str]:
    """The signature that a request bears, and the one it must bear."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    fields = dict(part.strip().split("=", 1) for part in headers["authorization"].partition(" ")[2].split(","))
    scope = fields["Credential"].partition("/")[2]
    names = fields["SignedHeaders"].split(";")
    path, _, query = target.partition("?")
    pairs = sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair)
    hashed = headers.get("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
    canonical = [method, path, "&".join(pairs), *(f"{name}:{headers[name]}" for name in names), ""]
    canonical += [";".join(names), hashed]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    said = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = f"AWS4{KEYS.secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return fields["Signature"], hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


ASKED: dict[str, tuple[str, str, Callable[[Any], object]]] = {
    "a query": ("elbv2", "elasticloadbalancing", lambda c: c.describe_load_balancers(Names=["beautycort-alb"])),
    "another protocol": ("cloudwatch", "monitoring", lambda c: c.describe_alarms(StateValue="ALARM")),
    "a list of objects": ("s3", "s3", lambda c: c.list_objects_v2(Bucket="backups", Prefix="a b+/ü", MaxKeys=1)),
    "an object": ("s3", "s3", lambda c: c.get_object(Bucket="backups", Key="2026/a b+ü~.dump")),
    "who one is": ("sts", "sts", lambda c: c.get_caller_identity()),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_only_reads_is_signed_for_the_host_it_is_meant_for(what: str) -> None:
    """By the credentials of the target, which the command never held."""
    service, signing_name, ask = ASKED[what]
    with guarded() as aws:
        with pytest.raises(NO_ANSWER):
            ask(aws.client(service))
        assert aws.refused == []
        assert set(aws.scopes) == {Scope(signing_name, REGION)}
        request = aws.arrived[0]
    assert f"host: {signing_name}.{REGION}.amazonaws.com\r\n" in request.decode("latin-1").lower()
    assert b"Credential=AKIDREAL/" in request
    assert b"X-Amz-Security-Token: the-session-token\r\n" in request
    assert HELD.encode() not in request
    there, wanted = signature_of(request)
    assert wanted == there


def test_a_change_to_an_object_is_signed_where_it_may_pass() -> None:
    """With its body, whose hash the client says."""
    with guarded(Risk.MUTATING) as aws:
        with pytest.raises(NO_ANSWER):
            aws.client("s3").put_object(Bucket="backups", Key="new", Body=b"x" * 100_000)
        request = aws.arrived[0]
    assert request.endswith(b"x" * 100_000)
    there, wanted = signature_of(request)
    assert wanted == there


@pytest.mark.parametrize(
    ("service", "change", "named"),
    [
        ("elbv2", lambda c: c.delete_load_balancer(LoadBalancerArn="arn:x"), "DeleteLoadBalancer"),
        ("s3", lambda c: c.delete_object(Bucket="backups", Key="a"), "DELETE /backups/a"),
        ("s3", lambda c: c.put_object(Bucket="backups", Key="a", Body=b"x"), "PUT /backups/a"),
    ],
)
def test_what_writes_never_leaves(service: str, change: Callable[[Any], object], named: str) -> None:
    """It is refused before it is signed."""
    with guarded() as aws:
        with pytest.raises(botocore.exceptions.ClientError, match=r"\(RefusedByTheGuard\).*this procedure is readonly"):
            change(aws.client(service))
        assert aws.arrived == []
        assert {str(each) for each in aws.refused} == {f"AWS: {named}"}


SIGNED = "AWS4-HMAC-SHA256 Credential=a/20260101/{}/aws4_request, SignedHeaders=host, Signature=0a"


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        ("", "it is not signed for AWS"),
        ("Bearer x", "it is not signed for AWS"),
        (SIGNED.format("evil.example/s3"), "it is not signed for AWS"),
        (SIGNED.format("eu-west-1/s3").partition(",")[0], "it is not signed for AWS"),
        (
            SIGNED.format("eu-west-1/s3") + " Credential=a/20260101/eu-west-1/sts/aws4_request",
            "it is not signed for AWS",
        ),
        (SIGNED.format("eu-west-1/iam"), "the AWS service iam is not known"),
    ],
)
def test_what_is_not_signed_for_a_known_service_is_refused(authorization: str, said: str) -> None:
    """A request decides where it goes by what it was signed for: to AWS only, and to services known here."""
    with pytest.raises(Unreadable, match=said):
        scope_of(RequestHead("GET", "/", {"authorization": authorization}))


def test_an_upload_signed_chunk_by_chunk_is_refused() -> None:
    """Each chunk's signature hangs on that of the head."""
    head = RequestHead("PUT", "/b/k", {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"})
    with pytest.raises(Unreadable, match="signed one by one"):
        signed(head, b"", Scope("s3", REGION), KEYS)


def test_the_addresses_are_those_of_aws() -> None:
    """By region, China apart."""
    assert Scope("s3", "eu-west-1").host == "s3.eu-west-1.amazonaws.com"
    assert Scope("ec2", "cn-north-1").host == "ec2.cn-north-1.amazonaws.com.cn"


def test_a_guarded_command_holds_no_credential(tmp_path: Path) -> None:
    """Neither the key nor its secret nor the token is in its environment; an endpoint of its own is left alone."""
    real = {
        "AWS_ACCESS_KEY_ID": KEYS.access,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret,
        "AWS_SESSION_TOKEN": KEYS.token,
        "AWS_REGION": REGION,
    }
    guard = Guard(Risk.READONLY, tmp_path)
    try:
        held = guard.environment(real)
    finally:
        guard.close()
    port = int(held["AWS_ENDPOINT_URL"].rpartition(":")[2])
    assert held == {"AWS_REGION": REGION, **guarded_variables(port)}
    assert "the-real-secret" not in repr(KEYS)
