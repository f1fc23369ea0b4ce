"""What a limit refuses is told from what the platform cannot do."""

from __future__ import annotations

import httpx
import pytest

from runbook_steps.operations.patient import Throttled, is_throttled, unless_throttled

NGINX = "<html><head><title>503 Service Temporarily Unavailable</title></head><body><hr><center>nginx</center></body>"
OF_THE_API = '{"status":"unhealthy"}'


@pytest.mark.parametrize(
    ("answer", "throttled"),
    [
        (httpx.Response(429, json={"error": "TOO_MANY_REQUESTS"}), True),
        (httpx.Response(503, html=NGINX), True),
        (httpx.Response(503, content=OF_THE_API, headers={"content-type": "application/json"}), False),
        (httpx.Response(503, html="<html>maintenance</html>"), False),
        (httpx.Response(502, html=NGINX.replace("503", "502")), False),
        (httpx.Response(200, json={}), False),
    ],
)
def test_a_refusal_by_the_limit_is_known(answer: httpx.Response, throttled: bool) -> None:
    """429, and nginx's own page with 503; the application's 503 means that it cannot serve."""
    assert is_throttled(answer) is throttled
    if throttled:
        with pytest.raises(Throttled, match="Nothing was found out"):
            unless_throttled(answer)
    else:
        assert unless_throttled(answer) is answer
