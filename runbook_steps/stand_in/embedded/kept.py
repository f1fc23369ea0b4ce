"""A target of `runbooks target up`, by its name: only this project's is changed or ended."""

from __future__ import annotations

from typing import Annotated

import typer

from runbook_steps.engine.errors import RefusedError
from runbook_steps.stand_in.embedded import EmbeddedTarget, registry

__all__ = ["Name", "ours"]

Name = Annotated[str, typer.Option("--name", help="which target; several may be up side by side")]


def ours(name: str) -> EmbeddedTarget:
    """The target of that name. Raises TargetError when none is up, RefusedError when it is another project's."""
    target = EmbeddedTarget.attach(name)
    if target.layout.checkout not in {"", registry.checkout()}:
        raise RefusedError(f"{name} is up for {target.layout.checkout}: another name keeps yours apart, `--name`")
    return target
