"""What opens a door over HTTP, in AWS and in a cluster is refused, and nothing of it arrives."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
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
from tests.contract.hostile_doors import (
    APPLICATION,
    AWS_CHANGING,
    AWS_RAW,
    AWS_READING,
    CLUSTER,
    CLUSTER_LATER,
    SMUGGLED,
)
from tests.contract.recording import Recording, recorded

BOTH = [Risk.READONLY, Risk.MUTATING]


@pytest.fixture(scope="module")
def environment(whole: EmbeddedTarget) -> dict[str, str]:
    """Of the target, with its cluster."""
    whole.start({"kubernetes"})
    return dict(whole.environment())


@pytest.fixture
def watched(environment: dict[str, str]) -> Iterator[tuple[Recording, dict[str, str]]]:
    """AWS, with what arrives there written down."""
    at = urlsplit(environment["AWS_ENDPOINT_URL"])
    with recorded((str(at.hostname), int(at.port or 0))) as recording:
        yield recording, {**environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{recording.port}"}


@pytest.mark.parametrize(
    ("case", "risk"), [*((each, Risk.READONLY) for each in APPLICATION), *((each, Risk.MUTATING) for each in SMUGGLED)]
)
def test_no_other_request_reaches_the_application(
    environment: dict[str, str], tmp_path: Path, case: str, risk: Risk
) -> None:
    """Refused and named, and not a byte of it arrives."""
    at = urlsplit(environment["API_SLOTS"].split()[0])
    with recorded((str(at.hostname), int(at.port or 0))) as recording:
        guard = Guard(risk, tmp_path)
        behind = urlsplit(guard.environment({"API_BASE_URL": f"http://127.0.0.1:{recording.port}"})["API_BASE_URL"])
        with socket.create_connection(("127.0.0.1", int(behind.port or 0)), 10) as client, suppress(OSError):
            client.sendall({**APPLICATION, **SMUGGLED}[case])
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        refused = guard.take_refusals()
        guard.close()
        assert (refused != (), recording.sent) == (True, [])


def asked(environment: Mapping[str, str], name: str, call: str, parameters: Mapping[str, object]) -> None:
    """As a command would ask AWS."""
    connect: Any = boto3.client
    client = connect(
        name,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    with suppress(ClientError, BotoCoreError):
        getattr(client, call)(**parameters)


@pytest.mark.parametrize("case", AWS_READING)
def test_what_only_looks_gives_nothing_out(
    watched: tuple[Recording, dict[str, str]], tmp_path: Path, case: str
) -> None:
    """At `readonly`: no credential, no secret, no masked word, and nothing that acts by another language."""
    recording, real = watched
    guard = Guard(Risk.READONLY, tmp_path)
    asked(guard.environment(real), *AWS_READING[case])
    refused = guard.take_refusals()
    guard.close()
    assert (refused != (), recording.sent) == (True, [])


@pytest.mark.parametrize("risk", BOTH)
@pytest.mark.parametrize("case", AWS_CHANGING)
def test_no_door_is_opened_in_aws(
    watched: tuple[Recording, dict[str, str]], tmp_path: Path, case: str, risk: Risk
) -> None:
    """By an operation that may pass by its name, or one that may not."""
    recording, real = watched
    guard = Guard(risk, tmp_path)
    asked(guard.environment(real), *AWS_CHANGING[case])
    refused = guard.take_refusals()
    guard.close()
    assert (refused != (), recording.sent) == (True, [])


@pytest.mark.parametrize("risk", BOTH)
@pytest.mark.parametrize("case", AWS_RAW)
def test_no_spelling_opens_a_door_in_aws(
    watched: tuple[Recording, dict[str, str]], tmp_path: Path, case: str, risk: Risk
) -> None:
    """As no library writes them."""
    recording, real = watched
    guard = Guard(risk, tmp_path)
    service, method, target, headers, body = AWS_RAW[case]
    signed = (
        f"AWS4-HMAC-SHA256 Credential=a/20260101/me-south-1/{service}/aws4_request, SignedHeaders=host, Signature=0a"
    )
    url = f"{guard.environment(real)['AWS_ENDPOINT_URL']}{target}"
    request = Request(url, data=body.encode() or None, headers={"Authorization": signed, **headers}, method=method)
    with suppress(OSError), urlopen(request, timeout=20):
        pass
    refused = guard.take_refusals()
    guard.close()
    assert (refused != (), recording.sent) == (True, [])


def test_a_database_is_restored_for_nobody_outside(watched: tuple[Recording, dict[str, str]], tmp_path: Path) -> None:
    """At `mutating`, as people write it; and an object is fetched from the archive."""
    recording, real = watched
    guard = Guard(Risk.MUTATING, tmp_path)
    behind = guard.environment(real)
    said = {"DBInstanceIdentifier": "x", "DBSnapshotIdentifier": "y", "PubliclyAccessible": False, "MultiAZ": True,
            "DBSubnetGroupName": "d", "VpcSecurityGroupIds": ["sg-1"], "DBInstanceClass": "db.t4g.small",
            "Tags": [{"Key": "a", "Value": "b"}]}  # fmt: skip
    asked(behind, "rds", "restore_db_instance_from_db_snapshot", said)
    asked(behind, "rds", "copy_db_snapshot", {
        "SourceDBSnapshotIdentifier": "x", "TargetDBSnapshotIdentifier": "y", "CopyTags": True})  # fmt: skip
    fetched = {"Days": 3, "GlacierJobParameters": {"Tier": "Bulk"}}
    asked(behind, "s3", "restore_object", {"Bucket": "beautycort-backups", "Key": "none", "RestoreRequest": fetched})
    asked(behind, "logs", "filter_log_events", {"logGroupName": "x", "unmask": False})
    assert guard.take_refusals() == ()
    assert len(recording.sent) >= 4
    guard.close()


@pytest.mark.parametrize("risk", BOTH)
@pytest.mark.parametrize("case", [*CLUSTER, *CLUSTER_LATER])
def test_no_door_is_opened_in_a_cluster(environment: dict[str, str], tmp_path: Path, case: str, risk: Risk) -> None:
    """Refused and named by the guard itself, before its server is asked."""
    guard = Guard(risk, tmp_path)
    behind = guard.environment(environment)
    server = next(
        line.partition("server: ")[2]
        for line in Path(behind["KUBECONFIG"]).read_text().splitlines()
        if "server: " in line
    )
    method, target, headers, body = {**CLUSTER, **CLUSTER_LATER}[case]
    request = Request(f"{server.strip()}{target}", data=body.encode() or None, headers=headers, method=method)
    with suppress(OSError), urlopen(request, timeout=20) as answer:
        pytest.fail(f"it was answered: {answer.status}")
    refused = guard.take_refusals()
    guard.close()
    assert refused != ()
