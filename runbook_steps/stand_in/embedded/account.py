"""PostgreSQL refuses to run as root: the account it gets then, and the little access that account needs."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from pathlib import Path

from runbook_steps.engine.errors import NotRunnableHere

__all__ = ["give_to", "reachable", "server_account", "server_binaries", "where_server_binaries_are"]

_CANDIDATES = ("nobody", "daemon")  # initdb wants an account with a name


def server_account() -> tuple[int, int] | None:
    """(uid, gid) for PostgreSQL: None for the runner's own, an unprivileged one when the runner is root.

    Raises NotRunnableHere when root has no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NotRunnableHere(f"PostgreSQL does not run as root, and there is no account {' or '.join(_CANDIDATES)}")


def reachable(path: Path, account: tuple[int, int] | None) -> bool:
    """True when that account may pass every folder on the way to `path`."""
    if account is None:
        return True
    return all(_may_pass(folder.stat(), account) for folder in path.resolve().parents)


def _may_pass(status: os.stat_result, account: tuple[int, int]) -> bool:
    uid, gid = account
    if status.st_uid == uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def give_to(path: Path, account: tuple[int, int] | None) -> None:
    """Makes the account the owner of a folder and all that is in it; nothing to do for the runner's own."""
    if account is None:
        return
    os.chown(path, *account)
    for folder, names, files in os.walk(path):
        for name in names + files:
            os.chown(Path(folder) / name, *account, follow_symlinks=False)


def server_binaries(folder: Path, private: Path, account: tuple[int, int] | None) -> Path:
    """The folder of PostgreSQL programs the account can run: `folder`, else a copy below `private`.

    A project under /root, say, is closed to the account. Links are used where the file system allows.
    """
    chosen = where_server_binaries_are(folder, private, account)
    if chosen == folder:
        return folder
    install, copy = folder.resolve().parent, chosen.parent
    if not copy.exists():
        _link_tree(install, copy)
        libraries = install.parent.with_name(f"{install.parent.name}.libs")  # beside the package in a wheel
        if libraries.is_dir():
            _link_tree(libraries, private / "site" / libraries.name)
    return chosen


def where_server_binaries_are(folder: Path, private: Path, account: tuple[int, int] | None) -> Path:
    """The same folder, without making the copy."""
    if reachable(folder / "postgres", account):
        return folder
    install = folder.resolve().parent
    return private / "site" / install.parent.name / install.name / "bin"


def _link_tree(source: Path, copy: Path) -> None:
    shutil.copytree(source, copy, symlinks=True, copy_function=_link)


def _link(source: str, copy: str) -> None:
    try:
        os.link(source, copy, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, copy, follow_symlinks=False)
