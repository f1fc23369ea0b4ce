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
    ],
)
def test_a_method_said_twice_is_refused(target: str, headers: dict[str, str]) -> None:
    """Whichever of them a framework takes."""
    assert refused_http(RequestHead("GET", target, headers), b"", Risk.READONLY) == "DELETE /api/x"


@pytest.mark.parametrize("headers", [{"content-length": "2"}, {"transfer-encoding": "chunked"}])
def test_a_read_request_has_no_body(headers: dict[str, str]) -> None:
    """A framework may take a method, or anything else, from there."""
    assert refused_http(RequestHead("GET", "/api/x", headers), b"", Risk.READONLY) == "GET /api/x with a body"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_passes(method: str) -> None:
    """With whatever it asks for."""
    head = RequestHead(
        method,
        "/api/x?method=card&a=b",
        {"content-length": "0", "authorization": "Bearer x", "access-control-request-method": "DELETE"},
    )
    assert refused_http(head, b"", Risk.READONLY) is None
