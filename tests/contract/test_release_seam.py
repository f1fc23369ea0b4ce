"""A new container takes its settings from the env file and its code from the release; a restart does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx

from runbook_steps.faults.broken_deployment import copy_application
from runbook_steps.stand_in.embedded import EmbeddedTarget


def version_of(target: EmbeddedTarget, slot: str) -> str:
    """What that slot says it is."""
    return str(httpx.get(target.layout.slot_url(slot) + "/api/version", timeout=10).json()["version"])


def test_a_new_container_takes_up_the_env_file_and_the_release(embedded: EmbeddedTarget) -> None:
    """Only the slot that was created anew changes; back again with the next one."""
    embedded.start({"api"})
    environment = embedded.environment()
    link, releases = Path(environment["API_RELEASE"]), Path(environment["API_RELEASES"])
    health = copy_application(releases / "v9.9.9" / "code") / "health.py"
    health.write_text(health.read_text("utf-8").replace('"commit":', '"planted": True, "commit":', 1), "utf-8")
    (releases / "v9.9.9" / "release.env").write_text("APP_VERSION=9.9.9\n", "utf-8")
    link.unlink()
    link.symlink_to("v9.9.9")
    try:
        embedded.control.recreate(["api_1"])
        answer = httpx.get(embedded.layout.slot_url("api_1") + "/api/version", timeout=10).json()
        assert (answer["version"], answer.get("planted")) == ("9.9.9", True)
        assert version_of(embedded, "api_2") == "1.1.0"
    finally:
        link.unlink()
        link.symlink_to("v1.1.0")
        shutil.rmtree(releases / "v9.9.9")
        embedded.control.recreate(["api_1"])
    assert version_of(embedded, "api_1") == "1.1.0"
