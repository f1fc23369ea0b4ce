"""`beautycort notify`: it arrives, or it says that it did not."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import httpx
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Shell


@pytest.fixture(autouse=True)
def third_parties(embedded: EmbeddedTarget) -> str:
    """Where the stand-ins take orders."""
    embedded.start({"third_parties"})
    return embedded.environment()["TAP_API_URL"].rpartition("/")[0]


def test_a_message_arrives_as_it_was_given(shell: Shell, third_parties: str) -> None:
    """Quotes, dollars and letters of any language."""
    done = shell("""beautycort notify '#alerts-critical' 'CRITICAL: "pay" fails, $5 lost, تعطل'""")
    received = httpx.get(f"{third_parties}/_control/slack/received", trust_env=False).json()["received"][-1]

    assert (0, "told #alerts-critical\n") == (done.returncode, done.stdout)
    assert {"channel": "#alerts-critical", "text": 'CRITICAL: "pay" fails, $5 lost, تعطل'} == {
        key: received[key] for key in ("channel", "text")
    }


@pytest.mark.parametrize(
    ("line", "variables", "code", "said"),
    [
        ("beautycort notify alerts x", {}, 2, "is no channel"),
        ("beautycort notify '#alerts' ' '", {}, 2, "nothing to say"),
        ("beautycort notify '#alerts' x", {"SLACK_WEBHOOK_URL": ""}, 2, "SLACK_WEBHOOK_URL not set"),
        (
            "beautycort notify '#alerts-critical' x",
            {"SLACK_WEBHOOK_ALERTS_CRITICAL": "http://127.0.0.1:1/s3cret"},
            4,
            "phone",
        ),
        ("beautycort notify '#alerts' x", {"SLACK_WEBHOOK_URL": "http://127.0.0.1:1/s3cret"}, 4, "was not told; phone"),
    ],
)
def test_a_message_that_cannot_arrive_is_told(
    shell: Shell, line: str, variables: dict[str, str], code: int, said: str
) -> None:
    """With an exit code, and never with the address, which is a secret."""
    done = shell(line, **variables)

    assert code == done.returncode
    assert said in done.stderr
    assert "s3cret" not in done.stderr
