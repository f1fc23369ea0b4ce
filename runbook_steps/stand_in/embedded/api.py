"""The reference API, one process a slot, and the stand-ins for third parties."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from runbook_steps.stand_in.embedded.binaries import python
from runbook_steps.stand_in.embedded.layout import FIRST_RELEASE, Layout
from runbook_steps.stand_in.embedded.service import Service, answers

__all__ = ["prepare_releases", "slot_service", "third_parties_service"]

_PACKAGE = "runbook_steps.stand_in.reference_api"


def slot_service(layout: Layout, slot: str, environment: Mapping[str, str]) -> Service:
    """One API process; it is started again when it dies, as production's container is."""
    port = layout.ports[slot]
    return Service(
        name=slot,
        argv=(python(), "-m", _PACKAGE, "--port", str(port)),
        cwd=layout.directory / "api",
        environment={**environment, "PORT": str(port), "SLOT_NAME": slot},
        prepare=lambda: prepare_releases(layout),
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
