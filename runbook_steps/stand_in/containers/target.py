"""`ContainersTarget`: the embedded target's services, ports and drills, with each service in a container."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Self

from runbook_steps.engine.errors import TargetError
from runbook_steps.engine.model import Risk, TargetFacts
from runbook_steps.stand_in.containers.engine import client, remove_orphans
from runbook_steps.stand_in.containers.images import built_images, ensure_images
from runbook_steps.stand_in.containers.settings import images_from
from runbook_steps.stand_in.embedded.target import EmbeddedTarget

__all__ = ["ContainersTarget"]

NAME = "containers"
_SHIMS = {
    "docker": "shim over the run's containers",
    "systemctl": "shim over the run's containers",
}


class ContainersTarget(EmbeddedTarget):
    """Made with `over`: it asks for the engine at once, and builds what is missing when it starts."""

    _images: Mapping[str, str] | None = None

    @classmethod
    def over(cls, table: Mapping[str, str], *, allowed: Risk = Risk.DESTRUCTIVE) -> Self:
        """Raises TargetError when no engine answers, ConfigurationError for a setting that is none."""
        client()
        target = cls.create(allowed=allowed, name=NAME)
        target.run_in(images_from(os.environ, table, built_images()))
        return target

    @property
    def name(self) -> str:
        """What evidence is filed under."""
        return NAME

    @property
    def facts(self) -> TargetFacts:
        """As the embedded target's, but nothing that Docker runs is a stand-in for itself."""
        facts = super().facts
        return TargetFacts(
            name=NAME,
            disposable=True,
            allowed=facts.allowed,
            tools=facts.tools,
            emulated={**facts.emulated, **_SHIMS},
            hidden=facts.hidden,
            sockets=facts.sockets,
            refusals=facts.refusals,
        )

    def environment(self) -> Mapping[str, str]:
        """As the embedded target's, under its own name; its server archives no WAL."""
        given = {name: value for name, value in super().environment().items() if name != "POINT_IN_TIME_ARCHIVE"}
        return {**given, "RUNBOOKS_TARGET": NAME}

    def run_in(self, images: Mapping[str, str]) -> None:
        """Which image each service runs in, from its next start on."""
        self._images = images

    def images(self) -> Mapping[str, str]:
        """Name → image. Builds those of this project that the engine does not have. Raises TargetError."""
        if self._images is None:
            raise TargetError("a containers target is made with `ContainersTarget.over`")
        remove_orphans()
        ensure_images(self._images)
        return self._images
