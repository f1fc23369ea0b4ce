"""The incident's channel: told when a guided run on a live target begins, at each change, and when it ends.

It takes {"text": …}, as Slack and what is compatible with it do. A thread of its own posts: a channel that does not
answer delays nobody, and fails nothing. The address is a secret and never shown.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["Channel", "channel_of"]

_WEBHOOK = "RUNBOOKS_CHANNEL_WEBHOOK"
"""The variable that holds the address."""
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_DEADLINE_S = 5.0
_WAIT_AT_END_S = 10.0


class Channel:
    """Where it is posted to, one text behind the other."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._texts: queue.Queue[str | None] = queue.Queue()
        self._failed: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._post_all, daemon=True)
        self._thread.start()

    def post(self, text: str) -> None:
        """Sends it on its way, behind what was said before."""
        self._texts.put(text)

    def failed(self) -> tuple[str, ...]:
        """What did not arrive since the last look, with the reason: a person tells it by hand."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._failed.get_nowait())
        return tuple(found)

    def close(self) -> tuple[str, ...]:
        """Waits a little for what is on its way; what did not arrive."""
        self._texts.put(None)
        self._thread.join(_WAIT_AT_END_S)
        late = () if not self._thread.is_alive() else ("not everything: it answers too slowly",)
        return (*self.failed(), *late)

    def _post_all(self) -> None:
        while (text := self._texts.get()) is not None:
            if why := self._post(text):
                self._failed.put(f"“{text}” ({why})")

    def _post(self, text: str) -> str:
        """Why it did not arrive, empty when it did. Nothing in it mentions anybody or becomes a link."""
        import httpx  # noqa: PLC0415 - costly, and a thread's own time

        harmless = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        try:
            here = urlsplit(self._url).hostname in _THIS_MACHINE  # no proxy leads there
            answer = httpx.post(self._url, json={"text": harmless}, timeout=_DEADLINE_S, trust_env=not here)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:  # the text of it may hold the address
            return type(error).__name__
        return "" if answer.is_success else f"HTTP {answer.status_code}"


def channel_of(environ: Mapping[str, str]) -> Channel | None:
    """The one that is configured; None when none is."""
    url = environ.get(_WEBHOOK, "").strip()
    return Channel(url) if url else None
