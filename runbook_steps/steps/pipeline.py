"""The pipeline: tags on a git remote, and the workflow that they start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.broken_deployment import BrokenDeployment
from runbook_steps.faults.pipeline import Pipeline, git


@pytest.fixture
def pipeline(
    target: Target,
    workspace: Path,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    deployment: Callable[..., BrokenDeployment],
    note: Callable[[str], None],
) -> Callable[[str, bool], None]:
    """Starts a pipeline for a version: `pipeline("1.4.0", True)` deploys it, False fails before it does."""

    def start(version: str, works: bool) -> None:
        if not target.facts.disposable:
            raise NotRunnableHere("a live pipeline is started by a person, with a real version")
        checkout, remote = workspace / "application", workspace / "application.git"
        inner = deployment(version, "") if works else None
        note(situation.arrange(Pipeline(checkout, remote, environment()["GITHUB_API_URL"], inner)).detail)
        variables.update(
            APP_REPOSITORY=str(checkout),
            RELEASE_VERSION=version,
            RELEASE_COMMIT=git("-C", str(checkout), "rev-parse", "HEAD"),
            APP_REMOTE=str(remote),
        )

    return start


@given(parsers.re(r"version (?P<version>\S+) is ready, and the pipeline deploys what is tagged"))
def pipeline_deploys(version: str, pipeline: Callable[[str, bool], None]) -> None:
    pipeline(version, True)


@given(parsers.re(r"version (?P<version>\S+) is ready, and the pipeline fails"))
def pipeline_fails(version: str, pipeline: Callable[[str, bool], None]) -> None:
    pipeline(version, False)


@given("that version was tagged before")
def tagged_before(environment: Callable[[], Mapping[str, str]], variables: dict[str, str]) -> None:
    where, tag = ("-C", environment()["APP_REPOSITORY"]), f"v{environment()['RELEASE_VERSION']}"
    git(*where, "tag", "--annotate", "--message", "the first one", tag)
    git(*where, "push", "--quiet", "origin", tag)
    git(*where, "commit", "--quiet", "--allow-empty", "--message", "Another change")
    variables["FIRST_COMMIT"] = variables["RELEASE_COMMIT"]
    variables["RELEASE_COMMIT"] = git(*where, "rev-parse", "HEAD")


@then("the remote has the tag, annotated, at the commit that was tested")
def remote_has_the_tag(environment: Callable[[], Mapping[str, str]]) -> None:
    variables = environment()
    assert tag_on_remote(variables) == ("tag", variables["RELEASE_COMMIT"])


@then("the tag is listed, so the version is taken")
def tag_is_listed(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    variables = environment()
    assert tag_on_remote(variables) == ("tag", variables["FIRST_COMMIT"])
    assert f"refs/tags/v{variables['RELEASE_VERSION']}" in last_result.stdout.split()


@then("the tag on the remote is still the first one")
def tag_is_the_first(environment: Callable[[], Mapping[str, str]]) -> None:
    variables = environment()
    assert tag_on_remote(variables) == ("tag", variables["FIRST_COMMIT"])


@then("it says: roll back")
def says_roll_back(last_result: Result) -> None:
    lines = last_result.stdout.splitlines()
    assert "roll back" in lines
    assert lines[-1].startswith("next: beautycort rollback-manager rollback ")


def tag_on_remote(variables: Mapping[str, str]) -> tuple[str, str]:
    """The kind of the tag's object on the remote, `tag` when annotated, and the commit it names."""
    where, tag = ("--git-dir", variables["APP_REMOTE"]), f"v{variables['RELEASE_VERSION']}"
    return git(*where, "cat-file", "-t", tag), git(*where, "rev-parse", f"{tag}^{{commit}}")
