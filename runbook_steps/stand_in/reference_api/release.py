"""What a slot runs with: its environment, the shared env file, and the release it is to be.

`API_ENV_FILE` holds what compose calls an env_file, as it was when the container was created: `KEY=VALUE` lines that
override the environment.
`API_RELEASE` is a folder, usually a symlink to one: its `release.env` overrides both, and the
Python packages in its `code/` come before the installed ones. All is read once, at the start of a
slot; a change takes effect with a new container, never with a restart.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["code_of_release", "effective_environ", "read_env_file"]

_LINE = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")


def effective_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, with the env file and the release over it.

    Raises ConfigurationError naming file and line of what cannot be read; never a value.
    """
    merged = dict(environ)
    if file := environ.get("API_ENV_FILE"):
        merged |= read_env_file(Path(file))
    if release := environ.get("API_RELEASE"):
        merged |= read_env_file(Path(release) / "release.env")
    return merged


def read_env_file(file: Path) -> dict[str, str]:
    """`KEY=VALUE` lines; blank ones and `#` are skipped, a value is taken as it stands; {} when there is no file.

    Raises ConfigurationError naming file and line.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error.__class__.__name__}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        shape = _LINE.fullmatch(line)
        if shape is None:
            raise ConfigurationError(f"{file}:{number}: expected KEY=VALUE, the key in capitals")
        found[shape[1]] = shape[2]
    return found


def code_of_release(environ: Mapping[str, str]) -> Path | None:
    """The release's own code, resolved so that a running slot keeps what it started with; None when it has none."""
    release = environ.get("API_RELEASE")
    folder = Path(release, "code") if release else None
    return Path(os.path.realpath(folder)) if folder is not None and folder.is_dir() else None
