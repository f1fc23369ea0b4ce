"""Siblings of what was tried before, over HTTP, AWS, Kubernetes and Redis: at least five spellings of each class."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from runbook_steps.engine.guards.services.aws_policy import refused_aws
from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.http_policy import refused_http
from runbook_steps.engine.guards.services.kubernetes_policy import refused_kubernetes
from runbook_steps.engine.guards.services.redis_policy import refused_redis
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.model import Risk
from tests.unit.guards.services.test_aws_policy import FORM, JSON, head, judged

CLOUDWATCH = "GraniteServiceVersion20100801"
POD = "/api/v1/namespaces/d/pods/p"
REDIS_LOSES = """
flushall async|FlushDB sync|swapdb 0 1|move a 1|debug sleep 1|debug reload|debug set-active-expire 0|debug
shutdown nosave|shutdown abort|slaveof no one|replicaof h 1|failover to h 1|cluster reset hard|cluster failover
cluster flushslots|cluster meet h 1|cluster setslot 1 node x|cluster bumpepoch|config rewrite|config set dir /tmp
config set dbfilename x|config set save x|config set appendonly no|config set hz 10 dir /x|config set loadmodule x
module load /x.so|module loadex /x|module unload x|acl setuser x on|acl deluser default|acl load|acl save|acl log reset
function load x|function delete x|function flush|function restore x|function kill|script load x|script flush
script debug yes|eval x 0|evalsha x 0|fcall f 0|fcall_ro f 0|client pause 1000|monitor|sync|psync ? -1|replconf x y
migrate h 1 a 0 1|restore-asking a 0 x|pfselftest|pfdebug encode a|sentinel failover m|xgroup destroy a g
xgroup delconsumer a g c|xsetid a 1-1|hgetdel a fields 1 f|xackdel a g ids 1 1|vrem k e|json.del a|json.set a $ 1
ft.dropindex i dd|ts.del a 0 1|graph.query g q|commandlog reset|asking|readwrite|save
"""
REDIS_WRITES = """
sort a store b|georadius a 1 1 1 km store b|georadiusbymember a b 1 km storedist c|bitfield a set u8 0 1|getex a persist
getset a b|set a b get|zrangestore a b 0 1|xgroup create a g $ mkstream|xreadgroup group g c streams a >|pfcount a
xautoclaim a g c 0 0|spublish a b|publish a b|subscribe a|multi|exec|watch a|touch a|unlink a|rename a b|persist a
copy a b replace|expire a 1|getdel a|lmpop 1 a left|blpop a 1|config get *|config get req*|config get [r]equirepass
config get masterauth|config get tls-*|client kill id 1|client unblock 1|client no-evict on|client unpause|wait 1 1
client tracking on redirect 1|config resetstat|bgsave schedule|bgrewriteaof|latency reset|slowlog reset|memory purge
"""
HTTP = [
    *((method, "/x", {}) for method in ("POST", "PATCH", "PUT", "DELETE", "TRACE", "CONNECT", "PROPFIND", "MKCOL")),
    *((method, "/x", {}) for method in ("REPORT", "SEARCH", "QUERY", "LINK", "BAN")),
    *(("GET", "/x", {name: "DELETE"}) for name in ("x-http-method-override", "x-http-method", "x-method", "_method")),
    *(("GET", "/x", {"x-http-method-override": value}) for value in ("PUT", "delete;q=1", '"DELETE"', "a, DELETE")),
    *(("GET", f"/x?{query}", {}) for query in (
        "_method=patch", "__method=DELETE", "themethod=DELETE", "_METHOD%00=delete", "%255fmethod=delete",
        "a%26_method=DELETE", "_method=DEL%45TE", "_method=%20DELETE%20", "_method=DELETE%0a",
        "http-method-override=DELETE", "X-HTTP-Method-Override[0]=DELETE")),
    ("GET", "/x", {"cookie": '_method="DELETE"'}), ("HEAD", "/x", {"x-http-method-override": "DELETE"}),
    ("GET", "http://h/x?_method=DELETE", {}), ("GET", "/x", {"content-length": "3"}),
]  # fmt: skip
KUBERNETES = [
    ("POST", f"{POD}/exec"), ("GET", f"{POD}/exec?command=id&stdin=1"), ("GET", f"{POD}/attach"),
    ("GET", f"{POD}/portforward?ports=80"), ("POST", f"{POD}/binding"), ("PUT", f"{POD}/ephemeralcontainers"),
    ("POST", f"{POD}/exec?dryRun=All"), ("GET", f"{POD}%2Fexec"), ("GET", f"{POD}/./exec"), ("GET", f"{POD}//exec"),
    ("GET", f"{POD}/exec/"), ("GET", f"{POD}/Exec"), ("GET", f"{POD}/%65%78%65%63"), ("CONNECT", f"{POD}/exec"),
    ("POST", "/api/v1/namespaces/d/serviceaccounts/s/token?dryRun=All"), ("GET", "/configz"), ("GET", "/flagz"),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews"), ("DELETE", "/api/v1/namespaces/d?dryRun=All"),
    ("PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval"),
    ("GET", "/api/v1/namespaces/d/services/s:80/proxy/a"), ("GET", "/api/v1/namespaces/d/pods/p:80/proxy/"),
    ("GET", "/api/v1/nodes/n/proxy/exec/d/p/c?command=id"), ("DELETE", "/apis/apps/v1/namespaces/d/deployments"),
    ("GET", "/apis/x.y/v1/namespaces/d/things/t/connect"), ("DELETE", "/api/v1/namespaces/d/configmaps/c"),
    ("GET", "/apis/subresources.kubevirt.io/v1/namespaces/d/virtualmachineinstances/v/console"),
]  # fmt: skip
KUBERNETES_READING = [
    ("GET", "/api/v1/namespaces/d/secrets/s"), ("GET", "/api/v1/secrets"), ("GET", "/api/v1/watch/secrets"),
    ("GET", "/api/v1/namespaces/d/secrets?watch=1"), ("GET", "/api/v1/watch/namespaces/d/secrets/s"),
    ("HEAD", "/api/v1/namespaces/d/secrets/s"), ("DELETE", f"{POD}?dryRun=all"), ("DELETE", f"{POD}?dryRun="),
    ("DELETE", f"{POD}?dryRun=All&dryRun="), ("DELETE", f"{POD}?DryRun=All"), ("POST", f"{POD}/eviction"),
    ("POST", f"{POD}/eviction?dryRun=All"), ("PATCH", f"{POD}/resize"), ("PUT", f"{POD}/status"),
]  # fmt: skip
AWS = [
    *(("s3", "PUT", f"/b?{what}") for what in ("lifecycle", "policy", "versioning", "encryption", "object-lock")),
    *(("s3", "DELETE", f"/b?{what}") for what in ("policy", "encryption", "lifecycle", "replication", "cors")),
    ("s3", "PATCH", "/b/k"), ("s3", "OPTIONS", "/b/k"), ("s3", "POST", "/b?delete="), ("s3", "GET", "/b?session="),
    ("s3", "PUT", "/b/k?acl"), ("s3", "PUT", "/b/k?legal-hold"), ("s3", "PUT", "/b/k?renameObject"),
    ("s3express", "GET", "/b?session"), ("s3", "GET", "/b%2f..%2fc/k?delete"), ("glacier", "DELETE", "/-/vaults/v"),
    ("lambda", "POST", "/2015-03-31/functions/f/invocations"), ("eks", "POST", "/clusters/c/updates"),
    ("iam", "GET", "/?Action=DeleteUser&Version=2010-05-08"), ("execute-api", "DELETE", "/x"),
    ("sts", "GET", "/?Action=AssumeRole&Version=2011-06-15"), ("unknown", "GET", "/"),
    ("monitoring", "GET", "/?Action=DescribeAlarms&action=DeleteAlarms&Version=2010-08-01"),
    ("monitoring", "PUT", "/?Action=DescribeAlarms&Version=2010-08-01"),
]  # fmt: skip
_GOOD = "Action=DescribeAlarms&Version=2010-08-01"
AWS_BODIES = [
    *(("monitoring", text, {"content_type": FORM}) for text in (
        f"{_GOOD};Action=DeleteAlarms", "Action=DescribeAlarms%26Action=DeleteAlarms&Version=2010-08-01",
        f"{_GOOD}\r\nAction=DeleteAlarms", f"action=DeleteAlarms&{_GOOD}", f"{_GOOD}&ACTION=DeleteAlarms",
        f"{_GOOD}&version=2009-05-15", f"{_GOOD}&%20Action=DeleteAlarms", f"{_GOOD}&aCTION=DeleteAlarms")),
    ("monitoring", _GOOD, {"content_type": FORM, "x_amz_target": f"{CLOUDWATCH}.DeleteAlarms"}),
    *(("monitoring", "{}", {"content_type": JSON, "x_amz_target": target}) for target in (
        f"{CLOUDWATCH}.DeleteAlarms", f"{CLOUDWATCH}.DescribeAlarms#DeleteAlarms", f"{CLOUDWATCH}.describeAlarms",
        "DescribeAlarms", f"x.{CLOUDWATCH}.DescribeAlarms", f"{CLOUDWATCH}.DescribeAlarms,{CLOUDWATCH}.DeleteAlarms")),
    ("secretsmanager", "{}", {"content_type": JSON, "x_amz_target": "secretsmanager.GetSecretValue"}),
    ("secretsmanager", "{}", {"content_type": JSON, "x_amz_target": "secretsmanager.BatchGetSecretValue"}),
    ("kms", "{}", {"content_type": JSON, "x_amz_target": "TrentService.Decrypt"}),
    ("ssm", "{}", {"content_type": JSON, "x_amz_target": "AmazonSSM.StartSession"}),
    ("ssm", "{}", {"content_type": JSON, "x_amz_target": "AmazonSSM.GetParameter"}),
    ("sqs", "{}", {"content_type": "application/x-amz-json-1.0", "x_amz_target": "AmazonSQS.ReceiveMessage"}),
]  # fmt: skip


# at mutating: what stands beside an operation that may pass, and makes another one of it
AWS_BESIDES: list[tuple[str, str, dict[str, str]]] = [
    ("DELETE", "/b/k?versionId=null", {}), ("DELETE", "/b/k?versionId=3HL4&x-id=DeleteObject", {}),
    ("DELETE", "/b/a/b/c?versionId=", {}), ("DELETE", "/b/k", {"x_amz_bypass_governance_retention": "true"}),
    ("DELETE", "/b/k", {"x_amz_mfa": "20899872 301749"}), ("DELETE", "/b/k?version%49d=x", {}),
    *(("PUT", "/b/k", {"x_amz_acl": acl}) for acl in ("public-read", "public-read-write", "authenticated-read", "")),
    *(("PUT", "/b/k", {f"x_amz_grant_{what}": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'})
      for what in ("read", "full_control", "read_acp", "write_acp")),
    *(("PUT", "/b/k", {"x_amz_storage_class": kind}) for kind in ("GLACIER", "DEEP_ARCHIVE", "glacier")),
    ("PUT", "/b/k", {"x_amz_server_side_encryption_customer_algorithm": "AES256"}),
    ("PUT", "/b/k", {"x_amz_server_side_encryption_customer_key": "a"}),
    ("PUT", "/b/k", {"x_amz_copy_source": "/b/k", "x_amz_server_side_encryption_customer_key_md5": "a"}),
    ("PUT", "/b/k", {"x_amz_server_side_encryption_aws_kms_key_id": "arn:aws:kms:eu-west-1:123456789012:key/a"}),
    ("PUT", "/b/k", {"x_amz_website_redirect_location": "https://example.com/"}),
    ("PUT", "/b/k", {"x_amz_object_lock_mode": "COMPLIANCE"}), ("POST", "/b/k?uploads", {"x_amz_acl": "public-read"}),
    ("PUT", "/b/k", {"x_amz_object_lock_legal_hold": "ON"}), ("PUT", "/b/k", {"x_amz_write_offset_bytes": "0"}),
    ("PUT", "/b/k?versionId=3HL4&tagging", {"x_amz_new_header": "x"}),
]  # fmt: skip


def words(text: str) -> list[str]:
    """The commands of a table."""
    return [each for line in text.strip().splitlines() for each in line.split("|")]


def refused(judge: Callable[[], str | None]) -> bool:
    """By its policy, or because it cannot be read in one way."""
    with suppress(Unreadable):
        return judge() is not None
    return True


@pytest.mark.parametrize("command", words(REDIS_LOSES))
@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_redis_loses_nothing(command: str, risk: Risk) -> None:
    """At both risks."""
    assert refused_redis([word.encode() for word in command.split(" ")], risk)


@pytest.mark.parametrize("command", words(REDIS_WRITES))
def test_redis_is_only_read(command: str) -> None:
    """Nor told a password of it."""
    assert refused_redis([word.encode() for word in command.split(" ")], Risk.READONLY)


@pytest.mark.parametrize(("method", "target", "headers"), HTTP)
def test_the_application_is_only_read(method: str, target: str, headers: dict[str, str]) -> None:
    """In whichever place a method stands."""
    assert refused(lambda: refused_http(RequestHead(method, target, headers), b"", Risk.READONLY))


@pytest.mark.parametrize(("method", "target"), KUBERNETES)
@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_a_cluster_is_not_entered(method: str, target: str, risk: Risk) -> None:
    """At both risks."""
    assert refused(lambda: refused_kubernetes(RequestHead(method, target, {}), b"", risk))


@pytest.mark.parametrize(("method", "target"), KUBERNETES_READING)
def test_a_cluster_is_only_read(method: str, target: str) -> None:
    """Its secrets are not."""
    assert refused(lambda: refused_kubernetes(RequestHead(method, target, {}), b"", Risk.READONLY))


@pytest.mark.parametrize(("service", "method", "target"), AWS)
@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_aws_loses_nothing(service: str, method: str, target: str, risk: Risk) -> None:
    """By method, path and query."""
    assert refused(lambda: judged(service, method, target, risk))


@pytest.mark.parametrize(("method", "target", "headers"), AWS_BESIDES)
def test_nothing_beside_an_operation_makes_another_one_of_it(method: str, target: str, headers: dict[str, str]) -> None:
    """For good, for everybody, or for nobody; an upload as clients make it passes."""
    assert refused(lambda: judged("s3", method, target, Risk.MUTATING, b"", **headers))
    plain = {"x_amz_server_side_encryption": "AES256", "x_amz_acl": "private", "x_amz_meta_a": "b",
             "x_amz_checksum_crc32": "a", "x_amz_sdk_checksum_algorithm": "CRC32", "x_amz_date": "a"}  # fmt: skip
    assert judged("s3", "PUT", "/b/k", Risk.MUTATING, b"", **plain) is None
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    assert refused(lambda: refused_aws(head("s3", method, target, named, b""), b"", Risk.MUTATING, ("*",)))
    assert refused_aws(head("s3", "DELETE", "/b/k", {}, b""), b"", Risk.MUTATING, ("k",)) is None


@pytest.mark.parametrize(("service", "text", "headers"), AWS_BODIES)
def test_aws_is_only_read(service: str, text: str, headers: dict[str, str]) -> None:
    """Whatever else the request says of itself."""
    assert refused(lambda: judged(service, "POST", "/", Risk.READONLY, text.encode(), **headers))
