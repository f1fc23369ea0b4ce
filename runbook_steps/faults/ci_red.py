"""The CI is red: the newest workflow run of main failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from runbook_steps.engine.run.situation import Observation

__all__ = ["CiRed", "tell_github"]

DEADLINE_S = 10.0
_RED: tuple[Mapping[str, Any], ...] = (
    {"display_title": "Show prices without tax", "conclusion": "failure"},
    {"display_title": "Send codes in Arabic"},
)


class CiRed:
    """`url` is GitHub's REST API as the platform's people reach it, `repository` is owner/name."""

    def __init__(self, url: str, repository: str) -> None:
        self._url = url
        self._runs = f"{url}/repos/{repository}/actions/runs"

    @property
    def name(self) -> str:
        """What is broken."""
        return "the newest workflow run of main failed"

    def arrange(self) -> None:
        """Tells the stand-in."""
        tell_github(self._url, _RED)

    def observe(self) -> Observation:
        """Reads the newest run of main."""
        answer = httpx.get(self._runs, params={"branch": "main", "per_page": 1}, timeout=DEADLINE_S, trust_env=False)
        run = answer.raise_for_status().json()["workflow_runs"][0]
        return Observation(run["conclusion"] == "failure", f"{run['display_title']}: {run['conclusion']}")

    def clear(self) -> None:
        """Gives the stand-in its own runs back."""
        tell_github(self._url, None)


def tell_github(url: str, runs: Sequence[Mapping[str, Any]] | None) -> None:
    """Sets the workflow runs of the stand-in; None gives it its own."""
    parts = urlsplit(url)
    httpx.put(
        f"{parts.scheme}://{parts.netloc}/_control/github",
        json={"status": 200, "delay_ms": 0, "runs": None if runs is None else list(runs)},
        timeout=DEADLINE_S,
        trust_env=False,
    ).raise_for_status()
