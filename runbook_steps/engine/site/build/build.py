"""Builds the site beside the one that is there, and takes its place only when the build is good."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["build_site"]


def build_site(root: Path, site: Path) -> int:
    """Builds strictly; gives the exit code of the builder, which says itself what is wrong.

    When it is not 0, `site` is as it was. Raises ConfigurationError when `site` cannot be written, or is no folder
    of a built site.
    """
    if site.exists() and any(site.iterdir()) and not (site / "index.html").is_file():
        raise ConfigurationError(f"{site} holds something that is no built site; name another folder")
    _remove_leftovers(site)
    fresh = site.with_name(f".{site.name}.{os.getpid()}.partly")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(fresh)]
    try:
        code = subprocess.run(command, cwd=root, check=False).returncode
        if code == 0:
            _take_place(fresh, site)
    except OSError as error:
        raise ConfigurationError(f"cannot write {site}: {error.strerror}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return code


def _take_place(fresh: Path, site: Path) -> None:
    former = site.with_name(f".{site.name}.{os.getpid()}.former")
    if site.exists():
        site.rename(former)
    fresh.rename(site)
    shutil.rmtree(former, ignore_errors=True)


def _remove_leftovers(site: Path) -> None:
    """What a build that was killed left behind; not what another one is writing now."""
    for kind in ("partly", "former"):
        for path in site.parent.glob(f".{site.name}.*.{kind}"):
            pid = path.name.split(".")[-2]
            if pid.isdigit() and not psutil.pid_exists(int(pid)):
                shutil.rmtree(path, ignore_errors=True)
