"""The ten health checks: read-only, all at once, each with its own deadline."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from redis import asyncio as redis_asyncio
from redis.exceptions import NoPermissionError, RedisError

from runbook_steps.operations import health_report as report
from runbook_steps.operations.aside import aside
from runbook_steps.operations.health_report import Check
from runbook_steps.operations.health_settings import HealthSettings
from runbook_steps.operations.not_aws import NOT_AWS
from runbook_steps.operations.own_word import said_of_itself, trouble
from runbook_steps.operations.patient import Patient, Throttled, waited_s, within

__all__ = ["FROZEN", "run_health_checks"]

SAMPLES = 3  # answers whose times are measured
BURST = 6  # requests at once: all checks together send 12, and production takes 20 at once and 100 a minute
OK = 200

Reading = tuple[str, dict[str, Any]]


class NotConfigured(Exception):
    """Nobody said where this part is; the text names what to set."""


class NotHealthy(Exception):
    """A check that came to a bad end; the text says why, without secrets."""


async def run_health_checks(settings: HealthSettings) -> tuple[Check, ...]:
    """All checks, in the order of the report, after at most the deadline, a moment, and the waits for a rate limit."""
    tls = settings.tls()
    async with httpx.AsyncClient(
        base_url=settings.api_url, transport=Patient(verify=tls), timeout=settings.deadline_s, trust_env=False
    ) as api:
        probes: tuple[Callable[[], Awaitable[Reading]], ...] = (
            lambda: _api(api),
            lambda: _database(settings),
            lambda: _redis(settings),
            lambda: _external(settings, tls),
            lambda: aside(lambda: _balancer(settings)),
            lambda: _cdn(settings, tls),
            lambda: _certificate(settings, tls),
            lambda: _headers(api),
            lambda: _times(api),
            lambda: _throughput(api),
        )
        return tuple(
            await asyncio.gather(
                *(_timed(n, p, settings.deadline_s) for n, p in zip(report.CHECK_NAMES, probes, strict=True))
            )
        )


async def _timed(name: str, probe: Callable[[], Awaitable[Reading]], deadline_s: float) -> Check:
    began = time.perf_counter()
    try:
        async with within(deadline_s):
            status, details = await probe()
        error = None
    except TimeoutError:
        status, details, error = report.UNHEALTHY, {}, f"no answer within {deadline_s:g} s"
    except NotConfigured as unset:
        status, details, error = report.NOT_CONFIGURED, {}, str(unset)
    except Throttled as refusal:
        status, details, error = report.DEGRADED, {"throttled": True}, str(refusal)
    except NotHealthy as failure:
        status, details, error = report.UNHEALTHY, {}, str(failure)
    except Exception as failure:
        status, details, error = report.UNHEALTHY, {}, _said(failure)
    return Check(name, status, 1000 * (time.perf_counter() - began), details, error)


def _said(failure: Exception) -> str:
    """The kind of an error: its text may hold a URL with a password."""
    cause = failure.__cause__ or failure.__context__
    return type(failure).__name__ if cause is None else f"{type(failure).__name__} ({type(cause).__name__})"


async def _get(client: httpx.AsyncClient, path: str) -> httpx.Response:
    try:
        return await client.get(path)
    except httpx.TimeoutException as error:
        raise NotHealthy("no answer in time") from error
    except httpx.HTTPError as error:
        raise NotHealthy(f"cannot connect: {type(error).__name__}") from error


async def _api(client: httpx.AsyncClient) -> Reading:
    answer = await _get(client, "/api/health")
    if why := trouble(answer):
        raise NotHealthy(why)
    return report.HEALTHY, {"version": said_of_itself(answer).get("version"), "httpStatus": answer.status_code}


# a setting of the database, whoever asks: this session and a role that may only look are read-only on purpose
FROZEN = """
SELECT 1 FROM pg_db_role_setting AS setting
WHERE setting.setrole = 0 AND 'default_transaction_read_only=on' = ANY (setting.setconfig)
AND setting.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


async def _database(settings: HealthSettings) -> Reading:
    began = time.perf_counter()
    try:
        connection = await psycopg.AsyncConnection.connect(
            settings.database_url,
            autocommit=True,
            connect_timeout=max(2, int(settings.deadline_s)),
            options="-c default_transaction_read_only=on",
            application_name="beautycort health-checks",
        )
    except psycopg.OperationalError as error:
        raise NotHealthy("cannot connect to PostgreSQL") from error
    async with connection:
        cursor = await connection.execute(
            "SELECT current_setting('max_connections')::int, count(*)::int, current_setting('server_version') "
            # the kind of a session is hidden from who may not see those of other roles; whose it is, is not
            "FROM pg_stat_activity WHERE coalesce(backend_type, 'client backend') = 'client backend' "
            "AND usesysid IS NOT NULL"
        )
        row = await cursor.fetchone()
        try:
            await connection.execute("SELECT 1 FROM bookings LIMIT 1")
        except psycopg.Error as error:
            raise NotHealthy(f"bookings cannot be read: {error.diag.message_primary} [{error.sqlstate}]") from error
        if await (await connection.execute(FROZEN)).fetchone():
            raise NotHealthy("it takes no writes: default_transaction_read_only is on for the database")
    took = 1000 * (time.perf_counter() - began)
    limit, used, version = row if row else (0, 0, "")
    return report.by_limit(took, report.DATABASE_SLOW_MS), {
        "connections": used,
        "maxConnections": limit,
        "version": version,
    }


async def _redis(settings: HealthSettings) -> Reading:
    client = redis_asyncio.Redis.from_url(
        settings.redis_url,
        socket_timeout=settings.deadline_s,
        socket_connect_timeout=settings.deadline_s,
        protocol=2,
    )
    try:
        await client.ping()  # opens the connection: the handshake is not what is measured
        times = []
        for _ in range(2):  # the faster one: the other checks of this process run beside it
            began = time.perf_counter()
            await client.ping()
            times.append(1000 * (time.perf_counter() - began))
        memory = await _memory(client)
    except RedisError as error:
        raise NotHealthy(f"cannot use Redis: {type(error).__name__}") from error
    finally:
        await client.aclose()
    return report.by_limit(min(times), report.REDIS_SLOW_MS), memory


async def _memory(client: redis_asyncio.Redis) -> dict[str, Any]:
    """Readings that nothing is judged by: a user who may only use the keys may not see them."""
    try:
        memory = await client.info("memory")
    except NoPermissionError:
        return {"memory": "this user may not read INFO"}
    limit, used = int(memory.get("maxmemory", 0)), memory.get("used_memory")
    percent = round(100 * int(used) / limit, 1) if limit and used is not None else None
    return {"usedMemory": used, "maxMemory": limit, "memoryPercent": percent}


async def _code(client: httpx.AsyncClient, url: str) -> int | None:
    try:
        return (await client.get(url)).status_code
    except httpx.HTTPError:
        return None


async def _external(settings: HealthSettings, tls: ssl.SSLContext) -> Reading:
    # below the deadline of the check, which could not tell who it was that kept it waiting
    async with httpx.AsyncClient(timeout=settings.deadline_s * 0.6, trust_env=False, verify=tls) as client:
        names = list(settings.third_parties)
        codes = await asyncio.gather(*(_code(client, settings.third_parties[name]) for name in names))
    found = dict(zip(names, codes, strict=True))
    status = report.by_status_codes(found, critical=("Twilio", "Tap"))
    if status == report.UNHEALTHY:
        bad = ", ".join(
            f"{name} {code or 'does not answer'}"
            for name, code in found.items()
            if not code or code >= report.SERVER_ERROR
        )
        raise NotHealthy(bad)
    if "Tap" not in found and status == report.HEALTHY:
        raise NotConfigured("TAP_API_URL is not set: only the others were asked, and answer")
    return status, found


def _balancer(settings: HealthSettings) -> Reading:
    if not (settings.target_group or settings.balancer):
        raise NotConfigured("neither ALB_TARGET_GROUP_ARN nor ALB_NAME is set: nothing was asked")
    config = Config(
        connect_timeout=settings.deadline_s / 2,
        read_timeout=settings.deadline_s / 2,
        retries={"total_max_attempts": 1},
    )
    try:
        client: Any = boto3.client("elbv2", config=config, **settings.aws)  # type: ignore[call-overload]
        group = settings.target_group or _group_of(client, settings.balancer)
        found = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        states = {f"{t['Target']['Id']}:{t['Target'].get('Port', '')}": t["TargetHealth"]["State"] for t in found}
    except NoCredentialsError as error:
        raise NotConfigured("there is no credential of AWS: nothing was asked") from error
    except (BotoCoreError, ClientError) as error:
        raise NotHealthy(f"cannot ask the load balancer: {type(error).__name__}") from error
    except (*NOT_AWS, ValueError) as error:
        raise NotHealthy("cannot ask the load balancer: what answers is not AWS") from error
    status = report.by_targets(states)
    if status == report.UNHEALTHY:
        raise NotHealthy(f"no healthy target: {states or 'none registered'}")
    return status, {"targets": states}


def _group_of(client: Any, balancer: str) -> str:
    found = client.describe_load_balancers(Names=[balancer])["LoadBalancers"]
    if not found:
        raise NotHealthy(f"there is no load balancer {balancer}")
    arn = found[0]["LoadBalancerArn"]
    groups = client.describe_target_groups(LoadBalancerArn=arn)["TargetGroups"]
    if not groups:
        raise NotHealthy(f"{balancer} has no target group")
    return str(groups[0]["TargetGroupArn"])


async def _cdn(settings: HealthSettings, tls: ssl.SSLContext) -> Reading:
    if not settings.cdn_url:
        raise NotConfigured("CDN_URL is not set: nothing was asked")
    async with httpx.AsyncClient(timeout=settings.deadline_s, trust_env=False, verify=tls) as client:
        began = time.perf_counter()
        answer = await _get(client, settings.cdn_url)
        took = 1000 * (time.perf_counter() - began)
    if not answer.is_success:
        raise NotHealthy(_instead(answer))
    return report.by_limit(took, report.CDN_SLOW_MS), {"httpStatus": answer.status_code}


async def _certificate(settings: HealthSettings, tls: ssl.SSLContext) -> Reading:
    address = urlsplit(settings.api_url)
    if address.scheme != "https":
        raise NotHealthy("API_BASE_URL is not https: there is no certificate")
    try:
        _, writer = await asyncio.open_connection(
            address.hostname, address.port or 443, ssl=tls, server_hostname=address.hostname
        )
    except ssl.SSLCertVerificationError as error:
        raise NotHealthy(error.verify_message) from error
    except OSError as error:
        raise NotHealthy(f"cannot connect: {type(error).__name__}") from error
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert()
    finally:
        writer.close()
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (expires - datetime.now(UTC)).total_seconds() / 86400
    details = {"daysLeft": round(days, 1), "expires": expires.isoformat()}
    status = report.by_days_left(days)
    if status == report.UNHEALTHY:
        raise NotHealthy(f"expires in {days:.1f} days ({expires:%Y-%m-%d})")
    return status, details


def _instead(answer: httpx.Response) -> str:
    """What came instead of an answer that can be judged."""
    leads = f", which leads to {answer.headers['location']}" if "location" in answer.headers else ""
    return f"HTTP {answer.status_code}{leads}"


async def _headers(client: httpx.AsyncClient) -> Reading:
    answer = await _get(client, "/api/health")
    if answer.status_code not in {OK, httpx.codes.SERVICE_UNAVAILABLE}:  # the API's own answers, good and bad
        raise NotHealthy(f"{_instead(answer)}: no answer of the API whose headers count")
    missing = [name for name in report.SECURITY_HEADERS if name not in answer.headers]
    if len(missing) == len(report.SECURITY_HEADERS):
        raise NotHealthy(f"all are missing: {', '.join(missing)}")
    return (report.DEGRADED if missing else report.HEALTHY), {"missing": missing}


async def _times(client: httpx.AsyncClient) -> Reading:
    await _get(client, "/api/health")  # opens the connection: the handshake is not what is measured
    times = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        answer = await _get(client, "/api/health")
        times.append(1000 * (time.perf_counter() - began - waited_s(answer)))
        if answer.status_code != OK:
            raise NotHealthy(_instead(answer))
    mean = sum(times) / len(times)
    return report.by_limit(mean, report.RESPONSE_SLOW_MS), {
        "meanMs": round(mean, 1),
        "p50Ms": round(report.percentile(times, 50), 1),
        "p95Ms": round(report.percentile(times, 95), 1),
        "maxMs": round(max(times), 1),
    }


async def _throughput(client: httpx.AsyncClient) -> Reading:
    began = time.perf_counter()
    answers = await asyncio.gather(*(_get(client, "/api/health") for _ in range(BURST)))
    took = max(1e-3, time.perf_counter() - began - max(waited_s(answer) for answer in answers))
    failed = sum(answer.status_code != OK for answer in answers)
    details = {"requests": BURST, "failed": failed, "requestsPerSecond": round(BURST / took, 1)}
    if failed > BURST / 2:
        raise NotHealthy(f"{failed} of {BURST} requests failed")
    return (report.DEGRADED if failed else report.HEALTHY), details
