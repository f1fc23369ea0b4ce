"""`[tool.runbooks]` of pyproject.toml: where things are kept, what the project is made of, how long a command may take.

What a company adds to the engine is told here: see docs/decisions/0015-the-seam.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["Operations", "Settings", "find_root", "load_settings", "relative_path"]

_MARKS = ("mkdocs.yml", "pyproject.toml")
_NAME = re.compile(r"\w[\w-]{0,40}")
_UTC = ZoneInfo("UTC")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_LONGEST_S = 86_400  # a command that takes more than a day is a mistake


@dataclass(frozen=True)
class Operations:
    """The project's own command, as procedures call it, and the package that holds its modules `…_cli.py`."""

    command: str
    package: str


@dataclass(frozen=True)
class Settings:
    """The project's settings. `root` is the folder that holds pyproject.toml; times are in seconds.

    `stale_fails`: a stale proof is a mistake, for `runbooks check` and the strict build. `evidence_key` is the public
    key (PEM) of who signs evidence; what it did not sign is claimed, not proven. `steps` is the package whose
    modules are steps, `rests_on` are further packages that count as what a proof rests on; `operations` are the
    commands of the project's own that procedures call. `parts` are what `@needs_` may name, `usual_parts` what a
    scenario without such a tag needs. `steady_state` is the command that tells whether a live target is well: it
    prints JSON with `checks`, each with its `name`, `status` and perhaps `error`. `reads` are the first words of the
    project's own commands that change nothing. `second_person` are the targets on which a second person approves each
    command that can lose data. `mistaken` are groups of things that one may take for another: words of
    commands, like two tables.
    `drills` are the targets that are there to be broken: what ran elsewhere was an incident, or a check of the real
    thing. `house` is the module with the project's own macros and checks. `entry_points` are those of its `[project]`
    table: group → name → `module:object`. `ordinary_words` are hidden nowhere, though they be somebody's password.
    `marks` are patterns of keys in a store of objects that a mutating procedure may overwrite and remove, since they
    are made again from what is there. `only_where_named` are variables that a command gets only when its text names
    them: of an administrator.
    """

    root: Path
    command_timeout_s: float = 30.0
    evidence_dir: Path = Path("build/evidence")
    journal_dir: Path = Path("build/journal")
    work_dir: Path = Path("build/work")
    default_target: str = "embedded"
    stale_fails: bool = False
    evidence_key: Path | None = None
    drills: tuple[str, ...] = ("embedded",)
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: str = ""
    rests_on: tuple[str, ...] = ()
    operations: Operations | None = None
    parts: tuple[str, ...] = ()
    usual_parts: tuple[str, ...] = ()
    steady_state: str = ""
    reads: tuple[str, ...] = ()
    second_person: tuple[str, ...] = ()
    mistaken: tuple[tuple[str, ...], ...] = ()
    time_zone: ZoneInfo = _UTC
    house: str = ""
    ordinary_words: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    only_where_named: tuple[str, ...] = ()
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def evidence_file(self, target: str) -> Path:
        """Where the evidence of a target is kept. Raises ConfigurationError for what is no name of a target."""
        if not _NAME.fullmatch(target):
            raise ConfigurationError(f"{target!r} is no name of a target: letters, digits, `_`, `-`, at most 41")
        return self.evidence_dir / f"{target}.json"

    def undo_folder(self, target: str) -> Path:
        """Where the undos of a target are kept."""
        return self.work_dir.parent / "undo" / target


def find_root(start: Path) -> Path:
    """The folder at or above `start` that holds the project. Raises ConfigurationError when there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if all((folder / mark).is_file() for mark in _MARKS):
            return folder
    raise ConfigurationError(f"no project at or above {start}: run this where {' and '.join(_MARKS)} are, or below")


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
        evidence_key=root / key if (key := _text(file, table, "evidence_key")) else None,
        targets=_tables(file, table.get("targets", {})),
        **_made_of(file, table),
        entry_points=_entry_points(file, document),
    )


def _made_of(file: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """What the project adds to the engine."""
    parts = _names(file, table, "parts")
    usual = _names(file, table, "usual_parts") if "usual_parts" in table else parts
    if unknown := sorted(set(usual) - set(parts)):
        raise ConfigurationError(f"{file}: tool.runbooks.usual_parts has {unknown[0]!r}, which `parts` has not")
    return {
        "drills": _names(file, table, "drills") or (str(table.get("default_target", "embedded")),),
        "steps": _package(file, "steps", table.get("steps", "")),
        "rests_on": tuple(_package(file, "rests_on", name) for name in _names(file, table, "rests_on")),
        "operations": _operations(file, table.get("operations")),
        "parts": parts,
        "usual_parts": usual,
        "ordinary_words": _names(file, table, "ordinary_words"),
        "marks": _names(file, table, "marks"),
        "only_where_named": _names(file, table, "only_where_named"),
        "reads": _names(file, table, "reads"),
        "second_person": _names(file, table, "second_person"),
        "mistaken": _groups(file, table, "mistaken"),
        "steady_state": _text(file, table, "steady_state"),
        "time_zone": _zone(file, table.get("time_zone", "UTC")),
        "house": _package(file, "house", table.get("house", "")),
    }


def _text(file: Path, table: Mapping[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str):
        raise ConfigurationError(f"{file}: tool.runbooks.{name} is a text")
    return value


def _names(file: Path, table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ConfigurationError(f"{file}: tool.runbooks.{name} is a list of names")
    return tuple(value)


def _groups(file: Path, table: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(group, list) and len(group) > 1 for group in value):
        raise ConfigurationError(f"{file}: tool.runbooks.{name} is a list of lists, of at least two names each")
    return tuple(_names(file, {name: group}, name) for group in value)


def _package(file: Path, name: str, value: Any) -> str:
    if not isinstance(value, str) or (value and not _DOTTED.fullmatch(value)):
        raise ConfigurationError(f"{file}: tool.runbooks.{name} names Python packages, like company.steps")
    return value


def _operations(file: Path, value: Any) -> Operations | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or value.keys() != {"command", "package"}:
        raise ConfigurationError(f'{file}: tool.runbooks.operations is {{ command = "…", package = "…" }}')
    package = _package(file, "operations.package", value["package"])
    return Operations(_text(file, value, "command"), package)


def _zone(file: Path, value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise ConfigurationError(f"{file}: tool.runbooks.time_zone {value!r} is no time zone, like UTC") from error


def _entry_points(file: Path, document: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    project = document.get("project", {})
    groups = project.get("entry-points", {}) if isinstance(project, Mapping) else {}
    if not isinstance(groups, Mapping) or not all(isinstance(group, Mapping) for group in groups.values()):
        raise ConfigurationError(f"{file}: project.entry-points holds one table per group")
    return groups


def _switch(file: Path, table: Mapping[str, Any], name: str) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{file}: tool.runbooks.{name} is true or false")
    return value


def _tables(file: Path, targets: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(targets, Mapping) or not all(isinstance(table, Mapping) for table in targets.values()):
        raise ConfigurationError(f"{file}: tool.runbooks.targets holds one table per target")
    return targets


def relative_path(path: Path, root: Path) -> str:
    """The path as ids and evidence name it: below the project's root when it is there."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.resolve().as_posix()
