"""Tells people on Slack. A message that does not arrive warns; it never fails what it tells of.

An incoming webhook posts to its own channel, whatever the message asks for. So each channel has a webhook of its own:
`SLACK_WEBHOOK_ALERTS_CRITICAL` for `#alerts-critical`. Without it SLACK_WEBHOOK_URL is used, and the message says for
which channel it was meant.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

__all__ = ["channel_variable", "notify"]

DEADLINE_S = 5.0


def channel_variable(channel: str) -> str:
    """`#alerts-critical` → `SLACK_WEBHOOK_ALERTS_CRITICAL`."""
    return "SLACK_WEBHOOK_" + re.sub(r"\W", "_", channel.lstrip("#")).upper()


def notify(environ: Mapping[str, str], channel: str, text: str) -> bool:
    """Posts to the webhook of the channel; whether it arrived. The URL is a secret and is never printed."""
    own = channel_variable(channel)
    name = own if environ.get(own) else "SLACK_WEBHOOK_URL"
    url = environ.get(name)
    if not url:
        sys.stderr.write(f"warning: neither {own} nor {name} is set; tell {channel} yourself: {text}\n")
        return False
    import httpx  # noqa: PLC0415 - only when somebody is told: a backup begins sooner without

    said = text if name == own else f"[for {channel}] {text}"
    try:
        answer = httpx.post(url, json={"text": said}, timeout=DEADLINE_S, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        sys.stderr.write(f"warning: {channel} was not told ({type(error).__name__}); tell them yourself: {text}\n")
        return False
    except (httpx.InvalidURL, ValueError):  # a host that cannot be encoded is a ValueError
        sys.stderr.write(f"warning: {name} is no URL; tell {channel} yourself: {text}\n")
        return False
    if name != own:
        sys.stderr.write(f"note: {own} is not set, so this went to the channel of {name}, whichever that is\n")
    return True
