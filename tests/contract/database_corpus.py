"""The databases of `database_corpus.yml`, and the roles that they name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

__all__ = ["CORPUS", "ROLES", "Kind"]

ROLES = (
    "CREATE ROLE corpus_app NOLOGIN",
    "CREATE ROLE corpus_reports NOLOGIN",
    'CREATE ROLE "corpus Odd ""one""" NOLOGIN',
)


@dataclass(frozen=True)
class Kind:
    """One database: its options, what fills it, the oldest server that knows it, an extension that it needs."""

    name: str
    fill: str
    options: str = ""
    least: int = 15
    needs: str = ""
    database: str = ""

    @property
    def dbname(self) -> str:
        """Its name."""
        return self.database or f"corpus {self.name}"


CORPUS = tuple(Kind(**entry) for entry in yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8")))
