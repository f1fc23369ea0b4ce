"""What each policy of the guard refuses and lets through, where one reading of a request would let it past another."""

from __future__ import annotations

import pytest

from runbook_steps.engine.guards.services.http_policy import Head, refused_aws, refused_http, refused_kubernetes
from runbook_steps.engine.guards.services.http_relay import _parse
from runbook_steps.engine.guards.services.postgres_relay import _refused_parameters
from runbook_steps.engine.guards.services.redis_policy import refused_redis
from runbook_steps.engine.guards.services.sql_policy import refused_sql
from runbook_steps.engine.model import Risk

POD = "/api/v1/namespaces/default/pods/p"
ASKING = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("set standard_conforming_strings = off", "SET standard_conforming_strings"),
        ("set client_encoding to 'SJIS'", "SET client_encoding"),
        ("set names 'BIG5'", "SET client_encoding"),
        ("select set_config('standard_conforming_strings', 'off', false)", "set_config()"),
        ("select set_config('client_' || 'encoding', 'GBK', false)", "set_config()"),
        ("select ts_rewrite('a', 'select pg_terminate_backend(1)')", "ts_rewrite()"),
        ("select pg_log_standby_snapshot()", "pg_log_standby_snapshot()"),
        ("select pg_current_xact_id()", "pg_current_xact_id()"),
        ("select pg_buffercache_evict_all()", "pg_buffercache_evict_all()"),
        ("explain analyze delete from users", "DELETE"),
        ("prepare p as update users set id = id", "UPDATE"),
        ("copy (delete from users returning id) to stdout", "DELETE"),
        ("listen a", "LISTEN"),
        ("refresh materialized view v", "REFRESH MAT VIEW"),
        ("call p()", "CALL"),
        ("set session characteristics as transaction read write", "SET TRANSACTION READ WRITE"),
        ("reset role", "SET role"),
    ],
)
def test_sql_that_acts_is_refused(text: str, named: str) -> None:
    """By its name, however it is dressed."""
    assert refused_sql(text, Risk.READONLY) == named


@pytest.mark.parametrize(
    "text",
    [
        "set client_encoding to 'UTF8'",
        "set standard_conforming_strings = on",
        "set statement_timeout = '5s'",
        "select set_config('search_path', '', false)",
        "reset all",
        "begin; select 1; rollback",
    ],
)
def test_sql_that_reads_passes(text: str) -> None:
    """What clients and pg_dump say at the start of a session included."""
    assert refused_sql(text, Risk.READONLY) is None


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"replication": "database"}, "a replication connection"),
        ({"default_transaction_read_only": "off"}, "SET default_transaction_read_only"),
        ({"options": "-c standard_conforming_strings=off"}, "SET standard_conforming_strings"),
        ({"options": "--standard-conforming-strings=off"}, "SET standard_conforming_strings"),
        ({"options": "-c  session_preload_libraries=x"}, "SET session_preload_libraries"),
        ({"options": "-F"}, "the option -F"),
        ({"options": "-c statement_timeout=1 -f s"}, "the option -f s"),
    ],
)
def test_a_session_cannot_be_opened_for_writing(parameters: dict[str, str], named: str) -> None:
    """Every setting can be given in the first message, as an option or by its own name."""
    assert _refused_parameters({"user": "u", "database": "d", **parameters}) == named


def test_a_session_is_opened_with_its_own_time_limit() -> None:
    """As health checks do it."""
    options = r"-c statement_timeout=5s -c default_transaction_read_only=on -c search_path=a\ b"
    parameters = {"user": "u", "application_name": "x", "DateStyle": "ISO", "_pq_.x": "1", "options": options}
    assert _refused_parameters(parameters) is None


@pytest.mark.parametrize(
    "words",
    [b"EVAL_RO x 0", b"evalsha_ro x 0", b"FCALL_RO f 0", b"getdel a", b"SLOWLOG RESET", b"MONITOR", b"PSYNC ? -1"],
)
def test_redis_commands_that_act_are_refused(words: bytes) -> None:
    """A script that says it only reads can reset the slow log, and holds up everybody."""
    named = " ".join(words.decode().upper().split()[: 2 if words.startswith(b"SLOWLOG") else 1])
    assert refused_redis(words.split(), Risk.READONLY) == named


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/api/x", {"x-http-method-override": "GET", "x-http-method": "delete"}),
        ("/api/x", {"x-http-method-override": "DELETE, GET"}),
        ("/api/x?_method=delete", {}),
    ],
)
def test_a_method_said_twice_is_refused(target: str, headers: dict[str, str]) -> None:
    """Whichever of them a framework takes."""
    assert refused_http(Head("GET", target, headers), b"", Risk.READONLY) == "DELETE /api/x"


@pytest.mark.parametrize(
    ("head", "body", "named"),
    [
        (
            Head("POST", "/", {"x-amz-target": "a.DescribeX", "content-type": "application/x-www-form-urlencoded"}),
            b"Action=DeleteAlarms",
            "DeleteAlarms and DescribeX",
        ),
        (Head("POST", "/service/s/operation/GetX?Action=PutY", {}), b"", "GetX and PutY"),
        (Head("GET", "/", {"content-length": "19"}), b"", "GET with a body"),
    ],
)
def test_an_action_in_another_place_is_refused(head: Head, body: bytes, named: str) -> None:
    """Each protocol of AWS has its own place for the action; a server looks in one of them."""
    assert refused_aws(head, body, Risk.READONLY) == named


@pytest.mark.parametrize(
    ("method", "target", "named"),
    [
        ("GET", f"{POD}/%65xec?command=id", f"GET {POD}/exec"),
        ("GET", "/api/v1/namespaces/default/services/s/%70roxy/x", "GET /api/v1/namespaces/default/services/s/proxy/x"),
        ("POST", f"{ASKING}/../../../../api/v1/pods", f"POST {ASKING}/../../../../api/v1/pods"),
        ("POST", f"{ASKING}/%2e%2e/x", f"POST {ASKING}/../x"),
        ("DELETE", f"{POD}?dryRun=All&dryRun=x", f"DELETE {POD}"),
    ],
)
def test_a_disguised_path_is_refused(method: str, target: str, named: str) -> None:
    """The API server decodes it."""
    assert refused_kubernetes(Head(method, target, {}), b"", Risk.READONLY) == named


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nA: b\n\nDELETE /x HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\rX: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n",
    ],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    """What one server takes for the end of a line, or a length, another does not."""
    with pytest.raises(ValueError, match=r"control character|malformed"):
        _parse(raw)


def test_headers_said_twice_are_both_looked_at() -> None:
    """The last one alone would hide the first."""
    head, _ = _parse(b"GET /x HTTP/1.1\r\nX-HTTP-Method: PUT\r\nX-HTTP-Method: GET\r\n\r\n")
    assert refused_http(head, b"", Risk.READONLY) == "PUT /x"


DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("PATCH", f"{DEPLOYMENTS}/api/scale", None),
        ("POST", f"{DEPLOYMENTS}", None),
        ("DELETE", f"{DEPLOYMENTS}/api", None),  # it can be applied again
        ("DELETE", DEPLOYMENTS, f"DELETE {DEPLOYMENTS}"),  # all of them
        ("DELETE", "/api/v1/namespaces/default", "DELETE /api/v1/namespaces/default"),
        ("DELETE", "/api/v1/%6eamespaces/default", "DELETE /api/v1/namespaces/default"),
        ("DELETE", "/api/v1/namespaces/default/secrets/s", "DELETE /api/v1/namespaces/default/secrets/s"),
        ("DELETE", "/api/v1/persistentvolumes/data", "DELETE /api/v1/persistentvolumes/data"),
        ("POST", f"{POD}/exec?command=sh", f"POST {POD}/exec"),
        ("GET", f"{POD}/e%78ec", f"GET {POD}/exec"),
    ],
)
def test_what_may_change_a_cluster_may_not_lose_what_it_holds(method: str, path: str, named: str | None) -> None:
    """At `mutating`: one object that can be applied again, never many, never data, never a shell in a pod."""
    assert refused_kubernetes(Head(method, path, {}), b"", Risk.MUTATING) == named


@pytest.mark.parametrize(
    ("method", "target", "body", "named"),
    [
        ("PUT", "/backups/key", b"", None),
        ("DELETE", "/backups/key", b"", None),
        ("DELETE", "/backups", b"", "DELETE /backups"),
        ("POST", "/", b"Action=RegisterTargets", None),
        ("POST", "/", b"Action=DeleteLoadBalancer", "DeleteLoadBalancer"),
        ("POST", "/", b"Action=RegisterTargets&Action=DeleteLoadBalancer", "DeleteLoadBalancer and RegisterTargets"),
        ("POST", "/?Action=TerminateInstances", b"", "TerminateInstances"),
    ],
)
def test_what_may_change_aws_may_not_remove_what_holds_others(
    method: str, target: str, body: bytes, named: str | None
) -> None:
    """At `mutating`: an object, a target, an alarm; never a bucket, a balancer or a machine."""
    headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    assert refused_aws(Head(method, target, headers), body, Risk.MUTATING) == named
