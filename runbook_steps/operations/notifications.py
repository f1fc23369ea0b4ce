"""Tells people on Slack. A message that does not arrive warns; it never fails what it tells of."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import httpx

__all__ = ["notify"]

DEADLINE_S = 5.0


def notify(environ: Mapping[str, str], channel: str, text: str) -> bool:
    """Posts to the webhook of SLACK_WEBHOOK_URL; whether it arrived. The URL is a secret and is never printed."""
    url = environ.get("SLACK_WEBHOOK_URL")
    if not url:
        sys.stderr.write(f"warning: SLACK_WEBHOOK_URL is not set; tell {channel} yourself: {text}\n")
        return False
    try:
        answer = httpx.post(url, json={"channel": channel, "text": text}, timeout=DEADLINE_S, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        sys.stderr.write(f"warning: {channel} was not told ({type(error).__name__}); tell them yourself: {text}\n")
        return False
    except (httpx.InvalidURL, ValueError):  # a host that cannot be encoded is a ValueError
        sys.stderr.write(f"warning: SLACK_WEBHOOK_URL is no URL; tell {channel} yourself: {text}\n")
        return False
    return True
