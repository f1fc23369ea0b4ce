"""A deployment pipeline: a git remote, and a workflow that deploys what is tagged there, or fails."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.broken_deployment import BrokenDeployment
from runbook_steps.faults.ci_red import tell_github

__all__ = ["Pipeline", "git"]

LOOK_S = 0.05


def git(*arguments: str) -> str:
    """Runs git, without the settings of whoever runs the drill. Raises FaultError with what it said."""
    done = subprocess.run(
        ["git", "-c", "user.name=Drill", "-c", "user.email=drill@example.invalid", *arguments],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        raise FaultError(f"git {arguments[-1]} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout.strip()


class Pipeline:
    """`checkout` is a clone of the application, `remote` the bare repository behind it, both made here.

    `deployment` is what a tag starts; None for a workflow that fails. `url` is GitHub's REST API.
    """

    def __init__(self, checkout: Path, remote: Path, url: str, deployment: BrokenDeployment | None) -> None:
        self._checkout = checkout
        self._remote = remote
        self._url = url
        self._deployment = deployment
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def name(self) -> str:
        """What is there."""
        return "a pipeline waits for tags"

    def arrange(self) -> None:
        """Makes the repositories, with one commit on main, and waits for tags from then on."""
        git("init", "--quiet", "--bare", "--initial-branch=main", str(self._remote))
        git("clone", "--quiet", str(self._remote), str(self._checkout))
        where = ("-C", str(self._checkout))
        git(*where, "checkout", "--quiet", "-B", "main")
        git(*where, "config", "user.name", "Drill")
        git(*where, "config", "user.email", "drill@example.invalid")
        git(*where, "commit", "--quiet", "--allow-empty", "--message", "Show prices with tax")
        git(*where, "push", "--quiet", "origin", "main")
        self._thread.start()

    def observe(self) -> Observation:
        """Looks whether it waits, and what is tagged."""
        tags = self._tags() if self._remote.is_dir() else []
        return Observation(self._thread.is_alive(), f"waiting: {self._thread.is_alive()}, tags: {tags}")

    def clear(self) -> None:
        """Ends it, undoes what it deployed, gives GitHub its own runs back."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=60)
        if self._deployment is not None:
            self._deployment.clear()
        tell_github(self._url, None)

    def _tags(self) -> list[str]:
        return git("--git-dir", str(self._remote), "tag", "--list", "v*").split()

    def _run(self) -> None:
        seen = self._tags()
        while not self._ended.wait(LOOK_S):
            for tag in self._tags():
                if tag not in seen:
                    seen.append(tag)
                    self._deploy(tag)

    def _deploy(self, tag: str) -> None:
        self._tell(tag, "in_progress", None)
        if self._deployment is not None:
            self._deployment.arrange()
        self._tell(tag, "completed", "success" if self._deployment is not None else "failure")

    def _tell(self, tag: str, status: str, conclusion: str | None) -> None:
        run = {
            "name": "Deploy",
            "display_title": f"Production deployment {tag}",
            "head_branch": tag,
            "status": status,
            "conclusion": conclusion,
        }
        tell_github(self._url, [run, {"display_title": "Show prices with tax"}])
