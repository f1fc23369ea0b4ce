"""The git repository of a project: asked, and changed only in whole commits."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError, RefusedError

__all__ = ["Repository", "git_state"]

DEADLINE_S = 60


class Repository:
    """Runs git in a folder; paths given and returned are relative to that folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *arguments: str) -> str:
        """What git says. Raises ConfigurationError with git's own words when it refuses."""
        # a checkout that another user owns is the one that was asked about
        command = ["git", "-C", str(self.root), "-c", f"safe.directory={self.root}", *arguments]
        words = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, errors="replace", timeout=DEADLINE_S, env=words
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigurationError(f"git {arguments[0]} could not be run: {error}") from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ConfigurationError(f"git {arguments[0]}: {said[-1] if said else f'exit code {done.returncode}'}")
        return done.stdout

    def files(self) -> tuple[str, ...]:
        """Every file git keeps, sorted."""
        return tuple(sorted(name for name in self.run("ls-files", "-z").split("\0") if name))

    def refuse_dirty(self) -> None:
        """Raises RefusedError when the tree holds changes that are not committed, new files included."""
        changed = self.run("status", "--porcelain").splitlines()
        if changed:
            first = ", ".join(line[3:] for line in changed[:3])
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""  # noqa: PLR2004 - three are shown
            raise RefusedError(f"there are uncommitted changes ({first}{more}); commit them first")

    def refuse_changed(self, *paths: str) -> None:
        """Raises RefusedError when one of those files differs from the last commit, or is not in it."""
        changed = [line[3:] for line in self.run("status", "--porcelain", "--", *paths).splitlines()]
        missing = [path for path in paths if path not in self.files()]
        if changed or missing:
            raise RefusedError(f"not committed yet: {', '.join(changed or missing)}; commit it first")

    @contextlib.contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """For a clean tree: what is done inside is undone, files and index, when it ends with an error."""
        before = self.run("rev-parse", "HEAD").strip()
        try:
            yield
        except BaseException:
            # new files are staged first, so that the reset takes them along; ignored ones stay
            self.run("add", "--all", "--", ".")
            self.run("reset", "--quiet", "--hard", before)
            raise

    def commit(self, message: str, *paths: str) -> str:
        """Commits those files, which exist, and what is staged beside them; the short name of the commit."""
        self.run("add", "--", *paths)
        self.run("commit", "--quiet", "--message", message)
        return self._head()

    def commit_only(self, message: str, *paths: str) -> str:
        """Commits those files and nothing else, whatever is staged; the short name of the commit."""
        self.run("add", "--", *paths)
        self.run("commit", "--quiet", "--message", message, "--only", "--", *paths)
        return self._head()

    def _head(self) -> str:
        return self.run("rev-parse", "--short", "HEAD").strip()


def git_state(root: Path) -> tuple[str, bool]:
    """The commit and whether the tree differs from it; (`unknown`, True) outside a git checkout."""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return "unknown", True


def _git(root: Path, *arguments: str) -> str:
    # a checkout that another user owns is still the one that is proven; its hooks are not run
    trusted = ["-c", f"safe.directory={root}", "-c", "core.fsmonitor=false"]
    command = ["git", "-C", str(root), *trusted, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
