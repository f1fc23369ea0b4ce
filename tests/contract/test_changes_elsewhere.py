"""At `mutating`, in a store of objects, in AWS and in a cluster: what is there stays, whatever is sent.

Requests as real clients make them, through the guard to moto and to the embedded Kubernetes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.test_risk_enforced import s3_of

BUCKET, KEPT, MARK = "beautycort-backups", "drill/kept", "drill.mark"
SIGNED = "AWS4-HMAC-SHA256 Credential=a/20260101/me-south-1/s3/aws4_request, SignedHeaders=host, Signature=" + "0a" * 32


@pytest.fixture(scope="module")
def environment(whole: EmbeddedTarget) -> Iterator[dict[str, str]]:
    """Of the target, with an object that must stay."""
    whole.start({"kubernetes"})
    direct = s3_of(whole)
    direct.put_object(Bucket=BUCKET, Key=KEPT, Body=b"kept")
    direct.put_object(Bucket=BUCKET, Key=MARK, Body=b"old")
    yield dict(whole.environment())
    for key in (KEPT, MARK):
        direct.delete_object(Bucket=BUCKET, Key=key)


@pytest.fixture(params=[Risk.READONLY, Risk.MUTATING])
def guarded(
    request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Path
) -> Iterator[tuple[Guard, dict[str, str]]]:
    """The guard of each risk, and the environment behind it."""
    guard = Guard(request.param, tmp_path, marks=(MARK,))
    yield guard, guard.environment(environment)
    guard.close()


@pytest.fixture
def changing(environment: dict[str, str], tmp_path: Path) -> Iterator[tuple[Guard, dict[str, str]]]:
    """The one at `mutating` alone."""
    guard = Guard(Risk.MUTATING, tmp_path, marks=(MARK,))
    yield guard, guard.environment(environment)
    guard.close()


def client_of(name: str, environment: Mapping[str, str]) -> Any:
    """As a command would make it."""
    return boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def in_parts(s3: Any) -> None:
    """An upload in parts, in place of what is there."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=KEPT)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=KEPT, UploadId=upload, PartNumber=1, Body=b"gone")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key=KEPT, UploadId=upload, MultipartUpload=parts)


def copied_in_parts(s3: Any) -> None:
    """The same, its part from another object."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=KEPT)["UploadId"]
    source = {"Bucket": BUCKET, "Key": MARK}
    part = s3.upload_part_copy(Bucket=BUCKET, Key=KEPT, UploadId=upload, PartNumber=1, CopySource=source)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key=KEPT, UploadId=upload, MultipartUpload=parts)


IT = {"Bucket": BUCKET, "Key": KEPT}
STORE: dict[str, Callable[[Any], object]] = {
    "removed": lambda s3: s3.delete_object(**IT),
    "a version removed": lambda s3: s3.delete_object(**IT, VersionId="null"),
    "many removed": lambda s3: s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": KEPT}]}),
    "the mark of another name removed": lambda s3: s3.delete_object(Bucket=BUCKET, Key=f"{MARK}/../{KEPT}"),
    "overwritten": lambda s3: s3.put_object(**IT, Body=b"gone"),
    "overwritten by nothing": lambda s3: s3.put_object(**IT),
    "overwritten if it is another": lambda s3: s3.put_object(**IT, Body=b"gone", IfNoneMatch='"another"'),
    "overwritten if it is this one": lambda s3: s3.put_object(
        **IT, Body=b"gone", IfMatch='"b7f6e9f9b7cd5ca9b4ee9ff0ee7ac3a3"'
    ),
    "overwritten in parts": in_parts,
    "overwritten by copied parts": copied_in_parts,
    "overwritten by a copy": lambda s3: s3.copy_object(**IT, CopySource={"Bucket": BUCKET, "Key": MARK}),
    "copied onto itself": lambda s3: s3.copy_object(
        **IT, CopySource=IT, MetadataDirective="REPLACE", StorageClass="GLACIER"
    ),
    "tagged": lambda s3: s3.put_object_tagging(**IT, Tagging={"TagSet": [{"Key": "expire", "Value": "now"}]}),
    "untagged": lambda s3: s3.delete_object_tagging(**IT),
    "for everybody": lambda s3: s3.put_object_acl(**IT, ACL="public-read-write"),
    "locked for ever": lambda s3: s3.put_object_legal_hold(**IT, LegalHold={"Status": "ON"}),
    "the bucket for everybody": lambda s3: s3.put_bucket_acl(Bucket=BUCKET, ACL="public-read"),
    "the bucket removed": lambda s3: s3.delete_bucket(Bucket=BUCKET),
    "expired": lambda s3: s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET,
        LifecycleConfiguration={
            "Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    ),
    "versions off": lambda s3: s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}),
    "sent elsewhere": lambda s3: s3.put_bucket_website(
        Bucket=BUCKET, WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "example.com"}}
    ),
    "a new bucket": lambda s3: s3.create_bucket(Bucket="hostile"),
}


def kept(target: EmbeddedTarget) -> tuple[object, object, object]:
    """What the store holds, asked past the guard."""
    direct = s3_of(target)
    keys = [each["Key"] for each in direct.list_objects_v2(Bucket=BUCKET)["Contents"]]
    tags = direct.get_object_tagging(**IT)["TagSet"]
    return direct.get_object(**IT)["Body"].read(), keys, (tags, len(direct.list_buckets()["Buckets"]))


@pytest.mark.parametrize("case", STORE)
def test_what_is_stored_stays(whole: EmbeddedTarget, guarded: tuple[Guard, dict[str, str]], case: str) -> None:
    """Refused by the guard, or by the server on the guard's condition, and named."""
    guard, behind = guarded
    before = kept(whole)
    with suppress(ClientError):
        STORE[case](client_of("s3", behind))
    assert guard.take_refusals() != ()
    assert kept(whole) == before


RAW: dict[str, tuple[str, str, dict[str, str], bytes]] = {
    "by two conditions": ("PUT", f"/{BUCKET}/{KEPT}", {"If-None-Match": '"x"'}, b"gone"),
    "with a hint": ("PUT", f"/{BUCKET}/{KEPT}?x-id=PutObject", {}, b"gone"),
    "another spelling of the key": ("PUT", f"/{BUCKET}/drill/%6bept", {}, b"gone"),
    "a key in a parameter": ("DELETE", f"/{BUCKET}/{MARK}?key={KEPT}", {}, b""),
    "a key that is doubly encoded": ("DELETE", f"/{BUCKET}/drill%252Fkept", {}, b""),
    "a form": (
        "POST",
        f"/{BUCKET}",
        {"Content-Type": "multipart/form-data; boundary=x"},
        f'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\n{KEPT}\r\n--x--\r\n'.encode(),
    ),
    "a copy in a header": ("PUT", f"/{BUCKET}/{KEPT}", {"x-amz-copy-source": f"/{BUCKET}/{MARK}"}, b""),
    "another method": ("PUT", f"/{BUCKET}/{KEPT}", {"X-HTTP-Method-Override": "DELETE"}, b"gone"),
    "a rename": ("PUT", f"/{BUCKET}/{KEPT}?renameObject", {"x-amz-rename-source": f"/{BUCKET}/{MARK}"}, b""),
    "an append": ("PUT", f"/{BUCKET}/{KEPT}", {"x-amz-write-offset-bytes": "4"}, b"gone"),
    "an upload in one go with a part": ("PUT", f"/{BUCKET}/{KEPT}?partNumber=1", {}, b"gone"),
}


@pytest.mark.parametrize("case", RAW)
def test_no_other_spelling_changes_it(whole: EmbeddedTarget, guarded: tuple[Guard, dict[str, str]], case: str) -> None:
    """As no library writes them."""
    guard, behind = guarded
    method, target, headers, body = RAW[case]
    before = kept(whole)
    request = Request(
        f"http://{urlsplit(behind['AWS_ENDPOINT_URL']).netloc}{target}",
        data=body or None,
        headers={"Authorization": SIGNED, **headers},
        method=method,
    )
    with suppress(OSError), urlopen(request, timeout=20):
        pass
    assert guard.take_refusals() != ()
    assert kept(whole) == before


def test_what_is_new_and_a_mark_pass(whole: EmbeddedTarget, changing: tuple[Guard, dict[str, str]]) -> None:
    """A backup is made so: an object in parts, its manifest, and marks beside it that come and go."""
    guard, behind = changing
    s3, direct = client_of("s3", behind), s3_of(whole)
    s3.put_object(Bucket=BUCKET, Key="drill/new", Body=b"new")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="drill/parts")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="drill/parts", UploadId=upload, PartNumber=1, Body=b"new")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key="drill/parts", UploadId=upload, MultipartUpload=parts)
    s3.put_object(Bucket=BUCKET, Key=MARK, Body=b"another")
    assert direct.get_object(Bucket=BUCKET, Key=MARK)["Body"].read() == b"another"
    s3.delete_object(Bucket=BUCKET, Key=MARK)
    s3.put_object(Bucket=BUCKET, Key=MARK, Body=b"again")
    assert guard.take_refusals() == ()
    for key in ("drill/new", "drill/parts"):
        assert direct.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"new"
        direct.delete_object(Bucket=BUCKET, Key=key)


SERVICES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a balancer": ("elbv2", "delete_load_balancer", {"LoadBalancerArn": "arn:x"}),
    "a listener's answer": ("elbv2", "modify_listener", {"ListenerArn": "arn:x", "Port": 1}),
    "a rule": ("elbv2", "set_rule_priorities", {"RulePriorities": [{"RuleArn": "arn:x", "Priority": 1}]}),
    "a check": ("elbv2", "modify_target_group", {"TargetGroupArn": "arn:x", "HealthCheckPath": "/"}),
    "alarms": ("cloudwatch", "delete_alarms", {"AlarmNames": ["beautycort-memory"]}),
    "alarms that are silent": ("cloudwatch", "disable_alarm_actions", {"AlarmNames": ["beautycort-memory"]}),
    "an alarm's state": (
        "cloudwatch",
        "set_alarm_state",
        {"AlarmName": "beautycort-memory", "StateValue": "OK", "StateReason": "x"},
    ),
    "a dashboard": ("cloudwatch", "put_dashboard", {"DashboardName": "x", "DashboardBody": "{}"}),
    "machines": ("ec2", "terminate_instances", {"InstanceIds": ["i-1"]}),
    "a machine's disk": ("ec2", "delete_volume", {"VolumeId": "vol-1"}),
    "all machines of a group": ("autoscaling", "set_desired_capacity",
        {"AutoScalingGroupName": "x", "DesiredCapacity": 0}),
    "a group's own care": ("autoscaling", "suspend_processes", {"AutoScalingGroupName": "x"}),
    "a database": ("rds", "delete_db_instance", {"DBInstanceIdentifier": "x", "SkipFinalSnapshot": True}),
    "a snapshot": ("rds", "delete_db_snapshot", {"DBSnapshotIdentifier": "x"}),
    "logs": ("logs", "delete_log_group", {"logGroupName": "x"}),
    "how long logs are kept": ("logs", "put_retention_policy", {"logGroupName": "x", "retentionInDays": 1}),
    "another's credential": ("sts", "assume_role",
        {"RoleArn": "arn:aws:iam::123456789012:role/x", "RoleSessionName": "xy"}),
    "a command on a machine": (
        "ssm", "send_command", {"InstanceIds": ["i-12345678901234567"], "DocumentName": "AWS-RunShellScript"},
    ),
    "a function": ("lambda", "invoke", {"FunctionName": "x"}),
    "a key": ("kms", "schedule_key_deletion", {"KeyId": "x"}),
    "a secret": ("secretsmanager", "get_secret_value", {"SecretId": "x"}),
    "a user": ("iam", "create_access_key", {"UserName": "x"}),
    "a task": ("ecs", "update_service", {"service": "x", "desiredCount": 0}),
    "a cluster": ("eks", "delete_cluster", {"name": "x"}),
    "a queue": ("sqs", "purge_queue", {"QueueUrl": "http://x/1/x"}),
    "a stack": ("cloudformation", "delete_stack", {"StackName": "x"}),
    "a name": ("route53", "delete_hosted_zone", {"Id": "x"}),
}  # fmt: skip


@pytest.mark.parametrize("case", SERVICES)
def test_no_service_loses_what_it_holds(
    whole: EmbeddedTarget, guarded: tuple[Guard, dict[str, str]], case: str
) -> None:
    """By the operation, whatever its parameters are; the alarms that there were are there."""
    guard, behind = guarded
    name, operation, parameters = SERVICES[case]
    alarms = client_of("cloudwatch", whole.environment())
    before = alarms.describe_alarms()["MetricAlarms"]
    with suppress(ClientError, BotoCoreError):
        getattr(client_of(name, behind), operation)(**parameters)
    assert guard.take_refusals() != ()
    assert alarms.describe_alarms()["MetricAlarms"] == before


CLUSTER = [
    "delete deployment api", "delete deployments --all", "delete hpa beautycort-api-hpa",
    "delete namespace default", "delete deployment api --cascade=orphan --wait=false",
    "delete deployment api --grace-period=0 --force", "delete deployment api --dry-run=server",
    "delete --raw /apis/apps/v1/namespaces/default/deployments/api", "set image deployment/api api=evil",
    "set env deployment/api A=b", "patch deployment api -p {\"spec\":{\"replicas\":0}}",
    "patch deployment api --type=json -p [{\"op\":\"remove\",\"path\":\"/spec/template\"}]",
    "patch deployment api --type=merge -p {\"spec\":{\"paused\":true}}", "annotate deployment api a=b",
    "label pods --all a=b", "run evil --image=evil", "create job evil --image=evil",
    "create configmap c --from-literal=a=b",
    "create secret generic s --from-literal=a=b", "create token default", "create serviceaccount s",
    "create clusterrolebinding b --clusterrole=cluster-admin --user=x", "create deployment evil --image=evil",
    "get secrets", "get --raw /api/v1/namespaces/default/secrets",
    "scale deployment api --replicas=1 --as=system:admin", "get pods --as=system:admin --as-group=system:masters",
    "exec deploy/api -- true", "cordon n", "taint nodes n a=b:NoExecute",
    "rollout pause deployment api", "create quota q --hard=pods=0", "create namespace evil",
    "get --raw /api/v1/namespaces/default/pods/p/proxy/", "debug node/n --image=evil",
]  # fmt: skip


def asked(behind: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A word for `kubectl` itself, with the guard's file."""
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        ["kubectl", *words], env={**known, "KUBECONFIG": behind["KUBECONFIG"]}, capture_output=True, text=True,
        timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("words", CLUSTER)
def test_a_cluster_keeps_what_it_runs(whole: EmbeddedTarget, guarded: tuple[Guard, dict[str, str]], words: str) -> None:
    """Refused and named, or kubectl itself found nothing to ask for; as many run as before, and as they were."""
    guard, behind = guarded
    real, whole_state = whole.environment(), ("get", "deployment,hpa", "-o", "jsonpath={.items[*]['spec']}")
    before = asked(real, *whole_state).stdout
    done = asked(behind, *words.split())
    refused, after = guard.take_refusals(), asked(real, *whole_state).stdout
    assert refused != () or "NotFound" in done.stderr or "doesn't have" in done.stderr, done.stdout + done.stderr
    assert (done.returncode != 0, after) == (True, before)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_a_cluster_is_scaled(whole: EmbeddedTarget, changing: tuple[Guard, dict[str, str]], tmp_path: Path) -> None:
    """By its scale, and by an autoscaler that is new or changed."""
    guard, behind = changing
    assert asked(behind, "scale", "deployment", "api", "--replicas=2").returncode == 0
    manifest = tmp_path / "hpa.json"
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    spec = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 2}
    named = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "drill"}}
    manifest.write_text(json.dumps({**named, "spec": spec}))
    done = asked(behind, "apply", "-f", str(manifest))
    patched = asked(behind, "patch", "hpa", "drill", "--patch", '{"spec": {"maxReplicas": 3}}')
    asked(whole.environment(), "delete", "hpa", "drill")
    assert (done.returncode, patched.returncode, guard.take_refusals()) == (0, 0, ()), done.stderr + patched.stderr
