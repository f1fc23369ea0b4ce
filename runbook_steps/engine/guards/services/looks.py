"""A look at the server before a request is sent: what only the server knows, how many are left, decides there. Pure.

A look is a generator. It yields a question, gets the server's answer to it, and ends with what is refused, or None.
`HttpRelay` asks the questions itself, with the credentials of the run, and lets no other request that is looked at
pass meanwhile: two that take one each would both see the other one's.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from runbook_steps.engine.guards.services.http_message import RequestHead

__all__ = ["Answer", "Look", "Question"]


@dataclass(frozen=True)
class Question:
    """A request that only reads, made by the guard itself."""

    head: RequestHead
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What the server said to it."""

    status: int
    body: bytes


Look = Generator[Question, Answer, str | None]
