"""A stand-in for one route of GitHub's REST API: the workflow runs of a repository.

Fields and filters are those of `GET /repos/{owner}/{repo}/actions/runs` (API version 2022-11-28).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

__all__ = ["workflow_runs"]

_ROUTE = re.compile(r"/repos/([\w.-]+)/([\w.-]+)/actions/runs")
_DEFAULT_PAGE, _LARGEST_PAGE = 30, 100
_FILTERS = {"branch": "head_branch", "event": "event", "head_sha": "head_sha"}


def workflow_runs(path: str, query: Mapping[str, str], runs: Sequence[Mapping[str, Any]] | None) -> Response:
    """The runs, the newest first; `runs` replaces those of a quiet week. 404 for any other route, as GitHub does."""
    route = _ROUTE.fullmatch(path)
    if route is None:
        return JSONResponse({"message": "Not Found", "status": "404"}, 404)
    found = [_whole(n, run, f"{route[1]}/{route[2]}") for n, run in enumerate(_QUIET if runs is None else runs)]
    for name, field in _FILTERS.items():
        if name in query:
            found = [run for run in found if run[field] == query[name]]
    if wanted := query.get("status"):
        found = [run for run in found if wanted in (run["status"], run["conclusion"])]
    page = min(int(query.get("per_page", _DEFAULT_PAGE)), _LARGEST_PAGE)
    return JSONResponse({"total_count": len(found), "workflow_runs": found[:page]})


_QUIET: tuple[Mapping[str, Any], ...] = tuple({"display_title": f"Change {number}"} for number in range(5, 0, -1))


def _whole(number: int, run: Mapping[str, Any], repository: str) -> dict[str, Any]:
    began = datetime.now(UTC) - timedelta(hours=number + 1)
    told = {
        "id": 30_000_000_000 - number,
        "name": "CI",
        "run_number": 500 - number,
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "head_branch": "main",
        "head_sha": f"{number:040x}",
        "display_title": "A change",
        "created_at": f"{began:%Y-%m-%dT%H:%M:%SZ}",
        **run,
    }
    return {**told, "html_url": f"https://github.com/{repository}/actions/runs/{told['id']}"}
