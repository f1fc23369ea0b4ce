"""The reference API, one process a slot, and the stand-ins for third parties."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping

from runbook_steps.stand_in.embedded.binaries import python
from runbook_steps.stand_in.embedded.layout import FIRST_RELEASE, Layout
from runbook_steps.stand_in.embedded.service import Service, answers, private_file

__all__ = ["diverged", "forget_container", "slot_service", "third_parties_service"]

_PACKAGE = "runbook_steps.stand_in.reference_api"
STOP_AFTER_S = 1.5  # how long a slot lives on when it is told to stop; production's takes ten seconds


def slot_service(layout: Layout, slot: str, environment: Mapping[str, str]) -> Service:
    """One API process; it is started again when it dies, as production's container is.

    Settings and release are those of the moment when its container was created: a restart keeps them.
    """
    port = layout.ports[slot]
    container = layout.container(slot)
    created = {"API_ENV_FILE": str(container / "api.env"), "API_RELEASE": str(container / "release")}
    return Service(
        name=slot,
        argv=(python(), "-m", _PACKAGE, "--port", str(port)),
        cwd=layout.directory / "api",
        environment={
            **environment,
            **created,
            "PORT": str(port),
            "SLOT_NAME": slot,
            "STOP_AFTER_S": f"{STOP_AFTER_S:g}",
        },
        prepare=lambda: _create_container(layout, slot),
        ready=answers(port, "/api/health"),
        needs=("postgres", "redis", "third_parties"),
        kept_up=True,
    )


def prepare_releases(layout: Layout) -> None:
    """The folder of the slots: an env file of its own, and the first release as the current one. Once."""
    layout.api_env_file.parent.mkdir(mode=0o700, exist_ok=True)
    layout.api_env_file.touch(mode=0o600)
    first = layout.releases / f"v{FIRST_RELEASE}"
    first.mkdir(parents=True, exist_ok=True)
    release = first / "release.env"
    if not release.exists():
        release.write_text(f"APP_VERSION={FIRST_RELEASE}\n", "utf-8")
    with contextlib.suppress(FileExistsError):
        (layout.releases / "current").symlink_to(first.name)


def _create_container(layout: Layout, slot: str) -> None:
    """What compose writes into a container when it creates it; nothing to do for one that there is."""
    prepare_releases(layout)
    container = layout.container(slot)
    if container.is_dir():
        return
    container.mkdir(parents=True, mode=0o700)
    private_file(container / "api.env", layout.api_env_file.read_text("utf-8"))
    (container / "release").symlink_to(os.path.realpath(layout.releases / "current"))


def forget_container(layout: Layout, slot: str) -> None:
    """As when compose removes it: the next start creates a new one, with the settings of that moment."""
    shutil.rmtree(layout.container(slot), ignore_errors=True)


def created_with(layout: Layout, slot: str) -> tuple[str, str]:
    """The settings and the release that a slot's container was created with; empty when there is none."""
    container = layout.container(slot)
    try:
        return (container / "api.env").read_text("utf-8"), os.path.realpath(container / "release")
    except OSError:
        return "", ""


def diverged(layout: Layout, slot: str) -> bool:
    """Whether settings or release were changed since: what `docker compose up -d` creates anew."""
    wanted = layout.api_env_file.read_text("utf-8"), os.path.realpath(layout.releases / "current")
    return created_with(layout, slot) != wanted


def third_parties_service(layout: Layout, environment: Mapping[str, str]) -> Service:
    """The stand-ins: one process."""
    port = layout.ports["third_parties"]
    return Service(
        name="third_parties",
        argv=(python(), "-m", f"{_PACKAGE}.third_parties", "--port", str(port)),
        cwd=layout.tmp,
        environment=environment,
        ready=answers(port, "/tap"),
    )
