"""The engine stands apart: it names no company, and reaches for no package of the house, not even by a string."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from runbook_steps.live.settings import PlatformSettings
from runbook_steps.stand_in.embedded.parts import PARTS

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "runbook_steps/engine"
FILES = [file for file in sorted(ENGINE.rglob("*")) if file.suffix in {".py", ".json"}]
HOUSE = (
    r"beautycort|amman|third_parties|api_[1-9]|health-checks|/api/health|/api/bookings"
    r"|app\.log|security\.log|\balb_|\btap_"
)
BY_STRING = re.compile(r"""["']runbook_steps[./](?!engine\b)""")


def named(pattern: str, text: str) -> list[str]:
    """The lines that hold it."""
    return [line.strip() for line in text.splitlines() if re.search(pattern, line, re.IGNORECASE)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ENGINE).as_posix())
def test_no_file_of_the_engine_names_the_company(file: Path) -> None:
    """Neither its name nor its services, tables, addresses or time zone, nor a package of the house by a string."""
    text = file.read_text("utf-8")
    assert named(HOUSE, text) == []
    assert BY_STRING.findall(text) == []


@pytest.mark.parametrize("line", ["# BeautyCort", 'ZONE = "Asia/Amman"', 'get("/api/health")', "tap_api_url: str"])
def test_the_search_for_names_finds_one(line: str) -> None:
    """What is looked for would be found."""
    assert named(HOUSE, line) == [line]


def test_a_package_of_the_house_is_found_by_its_string() -> None:
    """As a module and as a path."""
    assert BY_STRING.findall("x = \"runbook_steps.steps\"; y = 'runbook_steps/faults/'") != []


def test_the_parts_are_named_once() -> None:
    """What `@needs_` may name is what the embedded target has."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["runbooks"]
    assert set(table["parts"]) == set(PARTS)
    assert "database_url" in PlatformSettings.model_fields


def test_every_folder_of_unit_tests_is_a_room() -> None:
    """Of the engine, or of the house: where a thing is, its tests are found at the first guess."""
    here = Path(__file__).parent
    folders = {file.parent.relative_to(here) for file in here.rglob("test_*.py")}
    rooms = (ENGINE, ROOT / "runbook_steps")
    assert [folder for folder in folders if not any((room / folder).is_dir() for room in rooms)] == []
