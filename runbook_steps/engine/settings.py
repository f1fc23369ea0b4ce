"""`[tool.runbooks]` of pyproject.toml: where things are kept, and how long a command may take."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["Settings", "load_settings"]

_NAME = re.compile(r"\w[\w-]{0,40}")
_LONGEST_S = 86_400  # a command that takes more than a day is a mistake


@dataclass(frozen=True)
class Settings:
    """The project's settings. `root` is the folder that holds pyproject.toml; times are in seconds.

    `stale_fails`: a stale proof is a mistake, for `runbooks check` and the strict build.
    """

    root: Path
    command_timeout_s: float = 30.0
    evidence_dir: Path = Path("build/evidence")
    journal_dir: Path = Path("build/journal")
    work_dir: Path = Path("build/work")
    default_target: str = "embedded"
    stale_fails: bool = False
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def evidence_file(self, target: str) -> Path:
        """Where the evidence of a target is kept. Raises ConfigurationError for what is no name of a target."""
        if not _NAME.fullmatch(target):
            raise ConfigurationError(f"{target!r} is no name of a target: letters, digits, `_`, `-`, at most 41")
        return self.evidence_dir / f"{target}.json"

    def undo_folder(self, target: str) -> Path:
        """Where the undos of a target are kept."""
        return self.work_dir.parent / "undo" / target


def load_settings(root: Path, *, evidence_dir: Path | None = None, journal_dir: Path | None = None) -> Settings:
    """The settings of the project in that folder; defaults where nothing is said, the folders given win.

    Raises ConfigurationError for a broken pyproject.toml or a value of the wrong kind.
    """
    file = root / "pyproject.toml"
    try:
        document = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {file}: {error}") from error
    tool = document.get("tool", {})
    table = tool.get("runbooks", {}) if isinstance(tool, Mapping) else tool
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{file}: tool.runbooks is a table, `[tool.runbooks]`")
    timeout = table.get("command_timeout_s", 30)
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not number or not 0 < timeout <= _LONGEST_S:
        raise ConfigurationError(
            f"{file}: tool.runbooks.command_timeout_s must be seconds, a number above 0, at most {_LONGEST_S}"
        )
    return Settings(
        root=root,
        command_timeout_s=float(timeout),
        evidence_dir=evidence_dir or root / str(table.get("evidence_dir", "build/evidence")),
        journal_dir=journal_dir or root / str(table.get("journal_dir", "build/journal")),
        work_dir=root / "build/work",
        default_target=str(table.get("default_target", "embedded")),
        stale_fails=_switch(file, table, "stale_fails"),
        targets=_tables(file, table.get("targets", {})),
    )


def _switch(file: Path, table: Mapping[str, Any], name: str) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{file}: tool.runbooks.{name} is true or false")
    return value


def _tables(file: Path, targets: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(targets, Mapping) or not all(isinstance(table, Mapping) for table in targets.values()):
        raise ConfigurationError(f"{file}: tool.runbooks.targets holds one table per target")
    return targets
