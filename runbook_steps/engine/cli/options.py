"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["Format", "TextFormat"]


class TextFormat(StrEnum):
    """For people or for programs."""

    CONSOLE = "console"
    JSON = "json"


Format = Annotated[TextFormat, typer.Option("--format", help="console or json")]
