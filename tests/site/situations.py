"""Situations of people on call, and the pages that help."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

__all__ = ["FIRST_HITS", "HELD_OUT", "OURS", "missed"]

FIRST_HITS = 3
_SETS = yaml.safe_load((Path(__file__).parent / "situations.yml").read_text("utf-8"))
OURS: Mapping[str, list[str]] = _SETS["ours"]
HELD_OUT: Mapping[str, list[str]] = _SETS["held_out"]


def missed(wanted: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The situations whose page is not among the first hits, each with those."""
    return {text: found[text][:FIRST_HITS] for text in wanted if not set(wanted[text]) & set(found[text][:FIRST_HITS])}
