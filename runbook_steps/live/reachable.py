"""How each part of the live platform is asked whether it is there, and with which rights. Reads only."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg
import redis
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from runbook_steps.engine.postgres.address import read_address
from runbook_steps.engine.targets.reachable import NotGoodError, Question
from runbook_steps.operations.own_word import said_of_itself, trouble

__all__ = ["AWAY", "QUESTIONS"]

_DEADLINE_S = 5.0
_KUBERNETES_S = 35.0  # the guard may first run the program that fetches a credential
_WRITABLE = """
SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), pg_is_in_recovery(),
  count(*) FILTER (WHERE has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE')), count(*)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""


AWAY = (
    OSError,
    httpx.HTTPError,
    httpx.InvalidURL,
    psycopg.Error,
    redis.RedisError,
    BotoCoreError,
    ClientError,
    ValueError,
)


def _api(environment: Mapping[str, str]) -> str:
    context = ssl.create_default_context(cafile=environment.get("SSL_CERT_FILE"))
    with httpx.Client(verify=context, timeout=_DEADLINE_S, trust_env=False) as client:
        answer = client.get(environment["API_BASE_URL"] + "/api/health")
    return _well(_good(f"GET /api/health answers {answer.status_code}", answer), answer)


def _well(said: str, answer: httpx.Response) -> str:
    """With what it says of itself. Raises NotGoodError for a page instead, and where it says that it is not well."""
    if "text/html" in answer.headers.get("content-type", ""):
        raise NotGoodError(f"{said} with a page (HTML), not with a word on its health")
    if not said_of_itself(answer).get("status"):
        return f"{said}, and does not say that it is healthy"
    if why := trouble(answer):
        raise NotGoodError(f"{said}: {why}")
    return said


def _good(said: str, answer: httpx.Response) -> str:
    """What is said of an answer that is one. Raises NotGoodError otherwise: an answer alone is not good news."""
    if not answer.is_success:
        raise NotGoodError(said)
    return said


def _database(environment: Mapping[str, str]) -> str:
    address = read_address(environment["DATABASE_URL"]).conninfo()
    with psycopg.connect(address, connect_timeout=int(_DEADLINE_S), autocommit=True) as connection:
        user, superuser, follows, writable, tables = connection.execute(_WRITABLE).fetchone() or (
            "?",
            False,
            False,
            0,
            0,
        )
    extent = "a superuser" if superuser else f"may write {writable} of {tables} tables"
    if not tables:
        extent = "it holds no table: is it the right database?"
    return f"as {user}: {extent}{', on a replica, which takes no change' if follows else ''}"


def _redis(environment: Mapping[str, str]) -> str:
    client: Any = redis.Redis.from_url(
        environment["REDIS_URL"], socket_timeout=_DEADLINE_S, socket_connect_timeout=_DEADLINE_S, decode_responses=True
    )
    with client:
        client.ping()
        try:
            info = client.info("server")
        except redis.exceptions.NoPermissionError:
            info = {"server_name": "it may not read INFO, which some procedures need; redis"}
        try:
            user = client.execute_command("ACL WHOAMI")
        except redis.ResponseError:
            user = "a user who may not ask"
    return f"as {user}: {info.get('server_name', 'redis')} {info.get('redis_version', '')}"


def _aws(environment: Mapping[str, str]) -> str:
    client: Any = boto3.client(
        "s3",
        endpoint_url=environment.get("AWS_ENDPOINT_URL") or None,
        region_name=environment.get("AWS_REGION", "us-east-1"),
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID") or None,
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY") or None,
        aws_session_token=environment.get("AWS_SESSION_TOKEN") or None,
        config=Config(connect_timeout=_DEADLINE_S, read_timeout=_DEADLINE_S, retries={"max_attempts": 1}),
    )
    bucket = environment.get("AWS_BACKUP_BUCKET", "")
    found = client.list_objects_v2(Bucket=bucket, MaxKeys=1).get("KeyCount", 0)
    return f"may list {bucket} ({'holds backups' if found else 'empty'})"


def _kubernetes(environment: Mapping[str, str]) -> str:
    """By the kubeconfig of the guard, which has one cluster and no credential."""
    said = yaml.safe_load(Path(environment["KUBECONFIG"]).read_text("utf-8"))
    server, namespace = said["clusters"][0]["cluster"]["server"], said["contexts"][0]["context"]["namespace"]
    with httpx.Client(timeout=_KUBERNETES_S, trust_env=False) as client:
        version, pods = (
            client.get(f"{server}/version"),
            client.get(f"{server}/api/v1/namespaces/{namespace}/pods?limit=1"),
        )
    said_by = next((a.json().get("message", "") for a in (version, pods) if not a.is_success and _is_status(a)), "")
    _good(said_by or f"GET /version answers {version.status_code}", version)
    _good(said_by or f"GET pods of {namespace} answers {pods.status_code}", pods)
    return f"{version.json().get('gitVersion', 'a version of its own')}, may list the pods of {namespace}"


def _is_status(answer: httpx.Response) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def _logs(environment: Mapping[str, str]) -> str:
    folder = Path(environment["LOG_DIR"])
    readable = [name for name in ("app.log", "security.log") if os.access(folder / name, os.R_OK)]
    if not readable:
        raise FileNotFoundError(f"neither app.log nor security.log can be read in {folder}")
    return f"may read {' and '.join(readable)}"


QUESTIONS = (
    Question("api", "API_BASE_URL", _api),
    Question("postgres", "DATABASE_URL", _database),
    Question("redis", "REDIS_URL", _redis),
    Question("aws", "AWS_ACCESS_KEY_ID", _aws, named="AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ROLE_ARN or AWS_CREDENTIALS"),
    Question("kubernetes", "KUBECONFIG", _kubernetes),
    Question("logs", "LOG_DIR", _logs),
)
"""Every part, each answered within seconds."""
