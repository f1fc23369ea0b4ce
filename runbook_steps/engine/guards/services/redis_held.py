"""What one client of Redis has the server hold for it, by ever other commands: keys watched, patterns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from runbook_steps.engine.guards.services.redis_amounts import MOST_PATTERNS, MOST_WATCHED

__all__ = ["Held"]

_SUBSCRIBING = frozenset({"subscribe", "psubscribe", "ssubscribe"})


class Held:
    """Of one connection. Answers are not read: nothing is let go of by what the server may have said no to."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._watched = 0
        self._patterns: set[bytes] = set()
        self._queueing = False
        self._subscribed = False  # then the server may refuse all but a few commands, those that let go among them

    def too_much(self, name: str, words: Sequence[bytes]) -> str | None:
        """What is wrong with holding this as well; None when it may be."""
        if name == "watch":
            # each is compared with all before it
            self._watched += len(words) - 1
        elif name == "psubscribe":
            # each is compared with what anybody publishes
            self._patterns.update(words[1:])
        self._subscribed |= name in _SUBSCRIBING
        if len(words) == 1:
            self._let_go(name)
        if self._watched > MOST_WATCHED:
            return "WATCH of so many that everybody waits"
        return "PSUBSCRIBE of patterns that everybody waits for" if len(self._patterns) > MOST_PATTERNS else None

    def _let_go(self, name: str) -> None:
        if name == "reset":
            self._watched, self._queueing, self._subscribed = 0, False, False
            self._patterns.clear()
        elif name == "multi":
            self._queueing = True
        elif name in {"exec", "discard", "unwatch"} and not self._subscribed:
            # without a queue the server ends none, within one it puts UNWATCH off
            if self._queueing is not (name == "unwatch"):
                self._watched = 0
            self._queueing = self._queueing and name == "unwatch"
