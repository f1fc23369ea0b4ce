"""What the Tab key offers where a runbook or a target is named. A folder without a project offers nothing."""

from __future__ import annotations

from pathlib import Path

from runbook_steps.engine.errors import RunbookError
from runbook_steps.engine.settings import Settings, find_root, load_settings

__all__ = ["runbooks", "targets"]


def runbooks(incomplete: str) -> list[str]:
    """Runbooks by the last part of their name, by `domain/name` where that begins like what was typed."""
    settings = _settings()
    if settings is None:
        return []
    folder = settings.root / "features"
    stems = sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.feature"))
    last = [stem.rpartition("/")[2] for stem in stems]
    short = sorted(name for name in last if last.count(name) == 1)
    return [name for name in short if name.startswith(incomplete)] or [s for s in stems if s.startswith(incomplete)]


def targets(incomplete: str) -> list[str]:
    """The targets of the project and of what is installed."""
    from runbook_steps.engine.targets.by_name import target_names  # noqa: PLC0415 - costly to import

    settings = _settings()
    return [name for name in target_names(settings) if name.startswith(incomplete)] if settings else []


def _settings() -> Settings | None:
    try:
        return load_settings(find_root(Path.cwd()))
    except RunbookError:
        return None
