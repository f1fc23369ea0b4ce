"""What the CI says: workflow runs, asked of GitHub's REST API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.settings import Unreachable, required

__all__ = ["Ci", "Run"]

DEADLINE_S = 10.0
FIRST_PAUSE_S, PAUSE_S = 0.2, 5.0  # doubled each time; GitHub allows 5000 requests an hour
LARGEST_PAGE = 100


@dataclass(frozen=True)
class Run:
    """One workflow run. `conclusion` is empty until it is completed."""

    workflow: str
    ref: str
    status: str
    conclusion: str
    title: str
    url: str

    @property
    def green(self) -> bool:
        """Whether it ended well."""
        return self.status == "completed" and self.conclusion in {"success", "skipped", "neutral"}

    @property
    def red(self) -> bool:
        """Whether it ended badly."""
        return self.status == "completed" and not self.green


class Ci:
    """The repository of GITHUB_REPOSITORY at GITHUB_API_URL; GITHUB_TOKEN is sent when it is set."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Raises ConfigurationError naming what is missing."""
        repository = required(environ, "GITHUB_REPOSITORY")["GITHUB_REPOSITORY"]
        if repository.count("/") != 1:
            raise ConfigurationError("GITHUB_REPOSITORY must be like owner/name")
        base = environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
        self._url = f"{base}/repos/{repository}/actions/runs"
        self._headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if token := environ.get("GITHUB_TOKEN"):
            self._headers["Authorization"] = f"Bearer {token}"

    def runs(self, ref: str, limit: int) -> list[Run]:
        """The runs of a branch or tag, the newest first. Raises Unreachable or OperationError."""
        query = {"branch": ref, "per_page": str(min(limit, LARGEST_PAGE))}
        try:
            answer = httpx.get(
                self._url, params=query, headers=self._headers, timeout=DEADLINE_S, follow_redirects=True
            )
            return [_run(row) for row in answer.raise_for_status().json()["workflow_runs"]]
        except httpx.HTTPStatusError as error:
            code = error.response.status_code
            raise Unreachable(f"GitHub answers {code}: is GITHUB_TOKEN good, and GITHUB_REPOSITORY right?") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"GitHub does not answer ({type(error).__name__}); look at githubstatus.com") from error
        except (ValueError, KeyError, TypeError) as error:
            raise OperationError("GitHub's answer holds no workflow_runs: is GITHUB_API_URL its REST API?") from error

    def wait(self, ref: str, within_s: float, tell: Callable[[str], None]) -> list[Run]:
        """The runs of a ref, once there are some and all are completed. Raises OperationError at the deadline."""
        end, said, pause = time.monotonic() + within_s, "", FIRST_PAUSE_S
        while True:
            found = self.runs(ref, LARGEST_PAGE)
            if found and all(run.status == "completed" for run in found):
                return found
            now = ", ".join(f"{run.workflow} {run.status}" for run in found) or "no run yet"
            if now != said:
                tell(now)
                said = now
            left = end - time.monotonic()
            if left <= 0:
                raise OperationError(f"{ref} is not completed after {within_s:g} s: {now}; the deployment is not over")
            time.sleep(min(pause, left))
            pause = min(2 * pause, PAUSE_S)


def _run(row: Mapping[str, str | None]) -> Run:
    """As GitHub has it: a run without a name, or by nobody, is one all the same; without a status it is none."""
    words = (row["name"], row["head_branch"], row["status"], row["conclusion"], row["display_title"], row["html_url"])
    if not isinstance(row["status"], str):
        raise TypeError(f"a run with the status {row['status']!r}")
    return Run(*(word or "" for word in words))
