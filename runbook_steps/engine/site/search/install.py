"""The search of a built site: the index beside the theme's own, our order in front of the theme's worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["install_search"]

_INDEX = "search/search_index.json"
_WORKERS = "assets/javascripts/workers"
_FIRST_LINE = "/* runbooks: the order of what is found */\n"


def install_search(site: Path, index: Mapping[str, Any]) -> None:
    """Writes both into a site; done twice it is done once. Raises ConfigurationError for a theme without a worker.

    A site that was built without the theme's search has nothing to add to.
    """
    file = site / _INDEX
    if not file.is_file():
        return
    found = json.loads(file.read_text("utf-8"))
    found["config"]["order"] = index
    file.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    workers = list((site / _WORKERS).glob("search.*.js"))
    if not workers:
        raise ConfigurationError(f"the theme has no search worker in {_WORKERS}: has it moved?")
    ours = resources.files("runbook_steps.engine.site.search").joinpath("worker.js").read_text("utf-8")
    for worker in workers:
        theirs = worker.read_text("utf-8")
        if not theirs.startswith(_FIRST_LINE):
            worker.write_text(f"{_FIRST_LINE}{ours}\n{theirs}", encoding="utf-8")
