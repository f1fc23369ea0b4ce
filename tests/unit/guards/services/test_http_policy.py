"""What the policy of the application refuses at readonly."""

from __future__ import annotations

import pytest

from runbook_steps.engine.guards.services.http_message import RequestHead
from runbook_steps.engine.guards.services.http_policy import refused_http
from runbook_steps.engine.model import Risk


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/api/x", {"x-http-method-override": "GET", "x-http-method": "delete"}),
        ("/api/x", {"x-http-method-override": "DELETE, GET"}),
        ("/api/x", {"x-method-override": "delete"}),
        ("/api/x", {"x-request-method": "DELETE"}),
        ("/api/x", {"method-override": "DELETE"}),
        ("/api/x", {"x-original-method": "DELETE"}),
        ("/api/x", {"x-rewrite-method": "DELETE"}),
        ("/api/x", {"x-tunneled-method": "delete"}),
        ("/api/x?method=delete", {}),
        ("/api/x?$httpMethod=DELETE", {}),
        ("/api/x?X-HTTP-METHOD=delete", {}),
        ("/api/x?http.method[]=%44ELETE", {}),
        ("/api/x?override%20method=+delete", {}),
        ("/api/x?_method=delete", {}),
        ("/api/x?%5Fmethod=delete", {}),
        ("/api/x?_METHOD=delete", {}),
        ("/api/x?a=1;_method=DELETE", {}),
        ("/api/x?_method[]=delete", {}),
        ("/api/x?_method%5B%5D=delete", {}),
        ("/api/x?x-http-method-override=DELETE", {}),
        ("/api/x?_method=GET&_method=DELETE", {}),
        ("/api/x", {"x-http-verb": "DELETE"}),
        ("/api/x", {"x-http-verb-override": "delete"}),
        ("/api/x", {"x-verb": "DELETE"}),
        ("/api/x", {"x-override": "DELETE"}),
        ("/api/x?_verb=DELETE", {}),
        ("/api/x?http_verb=delete", {}),
        ("/api/x?_http_verb=DELETE", {}),
        ("/api/x?override=DELETE", {}),
        ("/api/x", {"cookie": "a=b; _method=DELETE"}),
        ("/api/x", {"cookie": "methodOverride=delete"}),
    ],
)
def test_a_method_said_twice_is_refused(target: str, headers: dict[str, str]) -> None:
    """Whichever of them a framework takes."""
    assert refused_http(RequestHead("GET", target, headers), b"", Risk.READONLY) == "DELETE /api/x"


@pytest.mark.parametrize("part", ["_method=PURGE", "http_method=merge", "_verb=PUT", "%5fmethod=PATCH"])
def test_a_method_in_a_parameter_of_the_path_is_refused(part: str) -> None:
    """Some servers take it for one of the query."""
    assert refused_http(RequestHead("GET", f"/api/x;{part}", {}), b"", Risk.READONLY) is not None
    assert refused_http(RequestHead("GET", f"/api/x?{part}", {}), b"", Risk.READONLY) is not None


@pytest.mark.parametrize("headers", [{"content-length": "2"}, {"transfer-encoding": "chunked"}])
def test_a_read_request_has_no_body(headers: dict[str, str]) -> None:
    """A framework may take a method, or anything else, from there."""
    assert refused_http(RequestHead("GET", "/api/x", headers), b"", Risk.READONLY) == "GET /api/x with a body"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_passes(method: str) -> None:
    """With whatever it asks for."""
    head = RequestHead(
        method,
        "/api/x;v=1?method=card&payment_method=link&a=b&verb=go&override=1",
        {
            "content-length": "0",
            "authorization": "Bearer x",
            "access-control-request-method": "DELETE",
            "cookie": "session=1; method=card",
        },
    )
    assert refused_http(head, b"", Risk.READONLY) is None
