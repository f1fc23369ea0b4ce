"""The rules for what a page declares under `parameters:`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runbook_steps.engine.errors import PageError
from runbook_steps.engine.model import Runbook
from runbook_steps.engine.sources.page_file import Page
from runbook_steps.engine.sources.parameters import variables_of

__all__ = ["parameter_problems"]


def parameter_problems(page: Page, runbook: Runbook | None) -> Iterator[PageError]:
    """A declared parameter that no command of the page uses: whoever fills it in fills it in for nothing."""
    front, _ = page.front_matter()
    if front is None or runbook is None:
        return
    used = {
        name for procedure in runbook.procedures for command in procedure.commands for name in variables_of(command)
    }
    for name, _ in front.parameters:
        if name not in used:
            yield PageError(page.head.at("parameters"), f"no command of {runbook.feature_path} uses ${name}")
