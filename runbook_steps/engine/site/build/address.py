"""The site's own address, as mkdocs.yml says it."""

from __future__ import annotations

from pathlib import Path

from mkdocs.exceptions import ConfigurationError as SettingsError
from mkdocs.utils.yaml import get_yaml_loader, yaml_load

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["site_address"]


def site_address(root: Path) -> str:
    """`site_url`, ending with a slash; `/` when the site has none. Raises ConfigurationError for broken settings."""
    file = root / "mkdocs.yml"
    try:
        with file.open("rb") as stream:
            document = yaml_load(stream, get_yaml_loader())
    except (OSError, SettingsError) as error:
        raise ConfigurationError(f"cannot read {file}: {' '.join(str(error).split())}") from error
    return str(document.get("site_url") or "").rstrip("/") + "/"
