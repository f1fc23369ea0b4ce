"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["RUNBOOK", "Format", "TextFormat"]

RUNBOOK = "its domain/name, the last part of it, its id, its title or a path; a former one too"


class TextFormat(StrEnum):
    """For people or for programs."""

    CONSOLE = "console"
    JSON = "json"


Format = Annotated[TextFormat, typer.Option("--format", help="console or json")]
