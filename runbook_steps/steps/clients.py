"""Clients for checks: each Then reads the target back through one of these, not through a command's word."""

from __future__ import annotations

import ipaddress
import secrets
import ssl
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import psycopg
import pytest
import redis
from botocore.config import Config

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.postgres.address import read_address
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.operations.patient import LONGEST_WAIT_S, WAITED, Throttled, is_throttled, pause_s

DEADLINE_S = 10.0  # a check that hangs is a failed check
_REFUSALS = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})
_CUSTOMERS = ipaddress.ip_network("100.64.0.0/10")  # addresses that belong to nobody


def from_a_customer(request: httpx.Request) -> None:
    """Gives a request the address of one customer of many, as a load balancer does; a limit for each address holds."""
    if "X-Forwarded-For" not in request.headers:
        address = _CUSTOMERS[secrets.randbelow(_CUSTOMERS.num_addresses)]
        request.headers["X-Forwarded-For"] = str(address)


class Again(httpx.HTTPTransport):
    """Asks again, as browsers do, when an idle connection was closed just as it was used: after a reload of nginx.

    Only what reads is asked again. `patient`: also when a rate limit refused it, which says nothing of the platform.
    """

    def __init__(self, *, verify: ssl.SSLContext, patient: bool = False) -> None:
        super().__init__(verify=verify)
        self._patient = patient

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, or the same again. Raises CheckFailed when the limit goes on refusing it."""
        began = time.monotonic()
        while True:
            asked = time.monotonic()
            answer = self._once(request)
            if not self._patient or answer.status_code not in _REFUSALS:
                break
            answer.read()
            pause = pause_s(answer)
            if not is_throttled(answer):
                break
            if asked - began + pause > LONGEST_WAIT_S:
                raise CheckFailed(f"could not look: {Throttled()}")
            time.sleep(pause)
        answer.extensions[WAITED] = asked - began
        return answer

    def _once(self, request: httpx.Request) -> httpx.Response:
        try:
            return super().handle_request(request)
        except httpx.RemoteProtocolError:
            if request.method not in {"GET", "HEAD", "OPTIONS"}:
                raise
            return super().handle_request(request)


@pytest.fixture
def api(environment: Callable[[], Mapping[str, str]], target: Target) -> Generator[httpx.Client, None, None]:
    """HTTP to the API, through the proxy, its certificate verified; in a drill each request is another customer's."""
    variables = environment()
    hooks = {"request": [from_a_customer]} if target.facts.disposable else {}
    context = ssl.create_default_context(cafile=variables.get("SSL_CERT_FILE"))
    with httpx.Client(
        base_url=variables["API_BASE_URL"],
        transport=Again(verify=context, patient=not target.facts.disposable),
        timeout=DEADLINE_S,
        trust_env=False,
        event_hooks=hooks,
    ) as client:
        yield client


@pytest.fixture
def redis_client(environment: Callable[[], Mapping[str, str]]) -> Generator[redis.Redis, None, None]:
    """Redis, answers decoded to str."""
    client = redis.Redis.from_url(
        environment()["REDIS_URL"], decode_responses=True, socket_timeout=DEADLINE_S, protocol=2
    )
    yield client
    client.close()


@pytest.fixture
def connect(environment: Callable[[], Mapping[str, str]]) -> Callable[..., Any]:
    """Opens connections to PostgreSQL, in autocommit; `dbname=` names another database."""

    @contextmanager
    def open_connection(**options: Any) -> Generator[psycopg.Connection[Any], None, None]:
        with psycopg.connect(
            read_address(environment()["DATABASE_URL"]).conninfo(),
            autocommit=True,
            connect_timeout=int(DEADLINE_S),
            prepare_threshold=None,  # behind a pooler another's session would find what is prepared
            **options,
        ) as connection:
            yield connection

    return open_connection


@pytest.fixture
def connect_as_administrator(target: Target, connect: Callable[..., Any]) -> Callable[..., Any]:
    """Opens connections as `connect` does, as the administrator: for what arranges a drill, never for what looks.

    On a live target nothing is arranged, and they are those of `connect`.
    """
    if not target.facts.disposable:
        return connect

    def open_connection(**options: Any) -> Any:
        known = target.environment()
        return connect(user=known["ADMIN_USER"], password=known["ADMIN_PASSWORD"], **options)

    return open_connection


@pytest.fixture
def database(connect: Callable[..., Any]) -> Generator[psycopg.Connection[Any], None, None]:
    """One connection to the live database, in autocommit."""
    with connect() as connection:
        yield connection


@pytest.fixture
def aws(environment: Callable[[], Mapping[str, str]], target: Target) -> Callable[[str], Any]:
    """Gives the boto3 client of an AWS service: `aws("s3")`."""
    variables = environment()

    def client(service: str) -> Any:
        if not target.facts.disposable:
            _ = variables["AWS_ACCESS_KEY_ID"]  # what signs in, whatever that is; a live target says that it has none
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=variables.get("AWS_ENDPOINT_URL"),
            region_name=variables.get("AWS_REGION"),
            aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
            config=Config(connect_timeout=DEADLINE_S, read_timeout=DEADLINE_S, retries={"max_attempts": 2}),
        )

    return client
