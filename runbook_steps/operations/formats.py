"""How the operations write their reports."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["AsFormat", "Format"]


class Format(StrEnum):
    """For people, or for machines."""

    CONSOLE = "console"
    JSON = "json"


AsFormat = Annotated[Format, typer.Option("--format", help="console for people, json for machines")]
