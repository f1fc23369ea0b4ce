"""`beautycort notify`: a message to a Slack channel, and the truth about whether it arrived."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.notifications import channel_variable, notify
from runbook_steps.operations.settings import Unreachable, required

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds `notify` to the command."""
    app.command("notify")(send)


def send(
    channel: Annotated[str, typer.Argument(help="the channel, like '#alerts-critical'")],
    text: Annotated[str, typer.Argument(help="what to say")],
) -> None:
    """Tell a Slack channel. Exit 0 when it arrived, 4 when it did not: then phone.

    Example: beautycort notify '#alerts-critical' 'CRITICAL: payments fail since 09:12'
    """
    if not channel.startswith("#") or not channel[1:].replace("-", "").replace("_", "").isalnum():
        raise ConfigurationError(f"{channel!r} is no channel: it starts with # and holds letters, digits and hyphens")
    if not text.strip():
        raise ConfigurationError("there is nothing to say: give a text")
    if not os.environ.get(channel_variable(channel)):
        required(os.environ, "SLACK_WEBHOOK_URL")
    if not notify(os.environ, channel, text):
        raise Unreachable(f"{channel} was not told; phone the people of the escalation table")
    own = bool(os.environ.get(channel_variable(channel)))
    typer.echo(f"told {channel}" if own else f"told the channel of SLACK_WEBHOOK_URL, for {channel}")
