"""What the policy of AWS leaves to serve at `mutating`: what an alarm does, and whether another target is left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import botocore.serialize
import botocore.session
import pytest

from runbook_steps.engine.guards.services.aws_policy import AWS
from runbook_steps.engine.guards.services.cbor import cbor_of
from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.http_policy import Policy
from runbook_steps.engine.guards.services.http_relay import HttpRelay
from runbook_steps.engine.guards.services.listening import Listener
from runbook_steps.engine.guards.services.looks import Answer, Look, Question
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.guards.services.streams import Refusal, Upstream
from runbook_steps.engine.model import Risk
from tests.unit.guards.services.test_aws_policy import ALARMS, CLOUDWATCH, ELB, FORM, JSON, VERSION, head

TOPIC = "arn:aws:sns:me-south-1:123456789012:alerts"
ENDS = "arn:aws:automate:me-south-1:ec2:terminate"
SMITHY = f"/service/{CLOUDWATCH}/operation/PutMetricAlarm"


def asked(service: str, fields: Mapping[str, str]) -> tuple[RequestHead, bytes]:
    """A form."""
    body = urlencode(fields).encode()
    return head(service, "POST", "/", {"content-type": FORM}, body), body


def alarm(**fields: str) -> tuple[RequestHead, bytes]:
    """A form that makes an alarm; names have `_` for `.`."""
    said = {name.replace("_", "."): value for name, value in fields.items()}
    return asked(ALARMS, {"Action": "PutMetricAlarm", "Version": "2010-08-01", **said})


def in_json(body: bytes) -> tuple[RequestHead, bytes]:
    """The same, its body JSON."""
    named = {"content-type": JSON, "x-amz-target": f"{CLOUDWATCH}.PutMetricAlarm"}
    return head(ALARMS, "POST", "/", named, body), body


def in_cbor(body: bytes, **more: str) -> tuple[RequestHead, bytes]:
    """The same, in CBOR."""
    named = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return head(ALARMS, "POST", SMITHY, {**named, **{k.replace("_", "-"): v for k, v in more.items()}}, body), body


def text(said: str) -> bytes:
    """A text in CBOR."""
    return bytes([0x78, len(said)]) + said.encode()


ACTING: dict[str, tuple[RequestHead, bytes]] = {
    "ends a machine": alarm(AlarmActions_member_1=ENDS),
    "ends a machine when all is well": alarm(OKActions_member_1=ENDS),
    "ends a machine without data": alarm(InsufficientDataActions_member_1=ENDS),
    "as the second": alarm(AlarmActions_member_1=TOPIC, AlarmActions_member_2=ENDS),
    "in a list of another spelling": alarm(AlarmActions_1=ENDS),
    "without a list": alarm(AlarmActions=ENDS),
    "in small letters": alarm(alarmactions_member_1=ENDS),
    "deeper": alarm(AlarmActions_member_1_x=ENDS),
    "restarts a machine": alarm(AlarmActions_member_1="arn:aws:swf:x:1:action/actions/AWS_EC2.InstanceId.Reboot/1.0"),
    "shrinks a group": alarm(AlarmActions_member_1="arn:aws:autoscaling:me-south-1:1:scalingPolicy:x"),
    "calls a function": alarm(AlarmActions_member_1="arn:aws:lambda:me-south-1:1:function:x"),
    "runs a document": alarm(AlarmActions_member_1="arn:aws:ssm:me-south-1:1:opsitem:1"),
    "hides behind a topic": alarm(AlarmActions_member_1=f"{TOPIC} {ENDS}"),
    "in JSON": in_json(f'{{"AlarmActions": ["{ENDS}"]}}'.encode()),
    "in JSON, no list": in_json(f'{{"AlarmActions": "{ENDS}"}}'.encode()),
    "in JSON, of another spelling": in_json(f'{{"alarmActions": ["{ENDS}"]}}'.encode()),
    "in CBOR": in_cbor(b"\xa1" + text("AlarmActions") + b"\x81" + text(ENDS)),
}  # fmt: skip


@pytest.mark.parametrize("case", ACTING)
def test_an_alarm_tells_and_does_nothing(case: str) -> None:
    """In every protocol; at `destructive` it may."""
    request, body = ACTING[case]
    assert AWS.needs_body(request)
    assert "do more than tell somebody" in str(AWS.refused(request, body, Risk.MUTATING))
    assert AWS.refused(request, body, Risk.READONLY) == "PutMetricAlarm"
    assert AWS.refused(request, body, Risk.DESTRUCTIVE) is None


SILENT: dict[str, tuple[RequestHead, bytes]] = {
    "off": alarm(AlarmActions_member_1=TOPIC, ActionsEnabled="false"),
    "off, by another word": alarm(AlarmActions_member_1=TOPIC, ActionsEnabled="False"),
    "off, in small letters": alarm(AlarmActions_member_1=TOPIC, actionsenabled="true"),
    "nobody": alarm(Threshold="80"),
    "nobody but when all is well": alarm(OKActions_member_1=TOPIC),
    "nobody, by an empty list": in_json(b'{"AlarmActions": []}'),
    "off, in JSON": in_json(f'{{"AlarmActions": ["{TOPIC}"], "ActionsEnabled": false}}'.encode()),
    "off, by a number": in_json(f'{{"AlarmActions": ["{TOPIC}"], "ActionsEnabled": 0}}'.encode()),
    "off, by a list": in_json(f'{{"AlarmActions": ["{TOPIC}"], "ActionsEnabled": []}}'.encode()),
    "off, by another number": in_json(f'{{"AlarmActions": ["{TOPIC}"], "ActionsEnabled": 1}}'.encode()),
    "off, in CBOR": in_cbor(b"\xa2" + text("AlarmActions") + b"\x81" + text(TOPIC) + text("ActionsEnabled") + b"\xf4"),
}


@pytest.mark.parametrize("case", SILENT)
def test_an_alarm_is_not_silenced_by_making_it_again(case: str) -> None:
    """It tells somebody when it rings; what is written over one that does would not."""
    assert AWS.refused(*SILENT[case], Risk.MUTATING) in {
        "PutMetricAlarm that is silent",
        "PutMetricAlarm that tells nobody",
    }


UNREAD: dict[str, tuple[RequestHead, bytes]] = {
    "packed": in_cbor(b"\xa0", content_encoding="gzip"),
    "without a length": in_cbor(b"\xbf\xff"),
    "with more behind": in_cbor(b"\xa0\xa0"),
    "cut off": in_cbor(b"\xa1" + text("AlarmActions")),
    "a name twice": in_cbor(b"\xa2" + (text("AlarmActions") + b"\x80") * 2),
    "a name that is no text": in_cbor(b"\xa1\x01\x02"),
    "no UTF-8": in_cbor(b"\xa1\x61\xff\x80"),
    "an unknown tag": in_cbor(b"\xa1\x61a\xc2\x41a"),
    "an unknown value": in_cbor(b"\xa1\x61a\xf7"),
    "too deep": in_cbor(b"\xa1\x61a" + b"\x81" * 40 + b"\x80"),
    "no names": in_cbor(b"\x80"),
}


@pytest.mark.parametrize("case", UNREAD)
def test_an_alarm_that_cannot_be_read_is_not_made(case: str) -> None:
    """A second reader could find another action in it."""
    with pytest.raises(Unreadable):
        AWS.refused(*UNREAD[case], Risk.MUTATING)


@pytest.mark.parametrize("request_and_body", [
    alarm(AlarmActions_member_1=TOPIC, OKActions_member_1=TOPIC, ActionsEnabled="true"),
    in_json(f'{{"AlarmActions": ["{TOPIC}"], "ActionsEnabled": true}}'.encode()),
    in_cbor(b"\xa1" + text("AlarmActions") + b"\x81" + text(TOPIC)),
])  # fmt: skip
def test_an_alarm_that_tells_passes(request_and_body: tuple[RequestHead, bytes]) -> None:
    """As the page on dashboards makes one."""
    assert AWS.refused(*request_and_body, Risk.MUTATING) is None


def test_cbor_is_read_as_the_clients_write_it() -> None:
    """Numbers, fractions, words and lists."""
    said = {"AlarmName": "ä", "Period": 60, "EvaluationPeriods": 70_000, "Threshold": -0.5, "ActionsEnabled": True}
    operation = botocore.session.Session().get_service_model("cloudwatch").operation_model("PutMetricAlarm")
    written = botocore.serialize.create_serializer("smithy-rpc-v2-cbor").serialize_to_request(
        {**said, "OKActions": [TOPIC]}, operation
    )
    assert cbor_of(bytes(written["body"])) == {**said, "OKActions": [TOPIC]}


def targets(*said: str, **more: str) -> tuple[RequestHead, bytes]:
    """A form that takes targets out; `a:1` is one with its port."""
    fields = {"Action": "DeregisterTargets", "Version": VERSION, "TargetGroupArn": "arn:g"}
    for number, each in enumerate(said, 1):
        name, _, port = each.partition(":")
        fields[f"Targets.member.{number}.Id"] = name
        fields |= {f"Targets.member.{number}.Port": port} if port else {}
    return asked(ELB, {**fields, **{name.replace("_", "."): value for name, value in more.items()}})


def health(**states: str) -> Answer:
    """What a balancer answers: `a_1="healthy"` is target a at port 1."""
    members = "".join(
        f"<member><Target><Id>{name.partition('_')[0]}</Id><Port>{name.partition('_')[2]}</Port></Target>"
        f"<TargetHealth><State>{state}</State></TargetHealth></member>"
        for name, state in states.items()
    )
    result = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
    named = f"<DescribeTargetHealthResult>{result}</DescribeTargetHealthResult>"
    return Answer(200, f"<DescribeTargetHealthResponse>{named}</DescribeTargetHealthResponse>".encode())


BOTH = health(a_1="healthy", b_1="healthy", c_1="unhealthy")
NO_GROUP = b"<ErrorResponse><Error><Code>TargetGroupNotFound</Code></Error></ErrorResponse>"
LEFT: list[tuple[tuple[str, ...], Answer, str]] = [
    (("a:1",), BOTH, ""),
    (("c:1",), BOTH, ""),
    (("a:1", "c:1"), BOTH, ""),
    (("a:2", "b:1"), BOTH, ""),  # another port is another target
    (("a:1", "b:1"), BOTH, "after which no target is healthy"),
    (("a", "b"), BOTH, "after which no target is healthy"),
    (("a:1",), health(a_1="healthy", b_1="draining"), "after which no target is healthy"),
    (("a:1",), health(a_1="healthy", b_1="initial"), "after which no target is healthy"),
    (("c:1",), health(c_1="unhealthy"), "after which no target is healthy"),
    (("a:1",), Answer(403, NO_GROUP.replace(b"TargetGroupNotFound", b"AccessDenied")), "could not be looked at"),
    (("a:1",), Answer(400, NO_GROUP), ""),  # the server's own refusal
]


@pytest.mark.parametrize(("taken", "answer", "said"), LEFT)
def test_a_target_is_taken_out_while_another_one_is_healthy(taken: tuple[str, ...], answer: Answer, said: str) -> None:
    """By what the balancer itself says a moment before."""
    look = AWS.looked(*targets(*taken), Risk.MUTATING)
    assert look is not None
    question = next(look)
    assert b"Action=DescribeTargetHealth" in question.body
    assert AWS.refused(question.head, question.body, Risk.READONLY) is None
    with pytest.raises(StopIteration) as end:
        look.send(answer)
    assert (end.value.value is None) is (not said)
    assert said in str(end.value.value or "")


@pytest.mark.parametrize("more", [{"Targets_1_Id": "b"}, {"targets_member_2_Id": "b"}, {"Targets_member_x_Id": "b"}])
def test_targets_of_another_spelling_are_not_taken_out(more: dict[str, str]) -> None:
    """A server could read them."""
    with pytest.raises(Unreadable):
        AWS.looked(*targets("a:1", **more), Risk.MUTATING)


@pytest.mark.parametrize("operation", ["RebootInstances", "CreateImage"])
def test_no_machine_is_restarted(operation: str) -> None:
    """It serves nobody meanwhile; an image is made of a machine that is stopped."""
    fields = {"Action": operation, "Version": "2016-11-15", "InstanceId.1": "i-1", "InstanceId": "i-1"}
    assert AWS.refused(*asked("ec2", fields), Risk.MUTATING) == operation


def test_of_two_requests_that_are_looked_at_one_waits() -> None:
    """Both would else see the other one's target."""
    left = {"a", "b"}

    def looked(head: RequestHead, body: bytes, risk: Risk) -> Look:
        del body, risk
        answer = yield Question(RequestHead("GET", "/left", {"host": "x"}))
        return None if len(answer.body) > 1 else f"{head.method} {head.path}, the last one"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = (await reader.readuntil(b"\r\n\r\n")).split(b" ")
        body = "".join(sorted(left)).encode()
        if first[0] == b"DELETE":
            await asyncio.sleep(0)
            left.discard(first[1].decode().strip("/"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    async def ask(port: int, name: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"DELETE /{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return got

    async def both() -> tuple[tuple[bytes, ...], list[Refusal]]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        refusals: list[Refusal] = []
        upstream = Upstream("127.0.0.1", server.sockets[0].getsockname()[1])
        policy = Policy(lambda *_: None, looked=looked)
        listener = Listener(HttpRelay("Things", upstream, policy, Risk.MUTATING, refusals.append))
        accepting = asyncio.create_task(listener.accept())
        got = await asyncio.gather(ask(listener.port, "a"), ask(listener.port, "b"))
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        server.close()
        return got, refusals

    got, refusals = asyncio.run(both())
    assert sorted(each.split(b" ")[1] for each in got) == [b"200", b"403"]
    assert len(left) == len(refusals) == 1
