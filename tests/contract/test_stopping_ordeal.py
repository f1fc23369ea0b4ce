"""Guided runs that are stopped anywhere, in every way, and gone on with: nothing twice, nothing left out, no undo lost.

A few by default. RUNBOOKS_ORDEAL=1 tries 200 over five procedures, two of them on the embedded target's database;
RUNBOOKS_ORDEAL=2/5 is the second fifth of them. RUNBOOKS_ORDEAL_SEED repeats a run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.ledger import Ledger
from tests.contract.live_project import LiveProject, live_variables
from tests.contract.person import Person
from tests.contract.stopping import PROCEDURES, Point, feature_of, points, try_point

WHOLE = os.environ.get("RUNBOOKS_ORDEAL", "")
PIECE, PIECES = map(int, WHOLE.split("/")) if "/" in WHOLE else (1, 1)
SEED = int(os.environ.get("RUNBOOKS_ORDEAL_SEED", "20261129"))
OF_A_FILE, OF_A_DATABASE = PROCEDURES[:3], PROCEDURES[3:]
AT_A_TIME = 4
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))
TOOL = """\
import os, sys
import psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("INSERT INTO drill_stopping (word) VALUES (%s)", [sys.argv[1]])
"""


def told(tried: list[tuple[Point, list[str]]]) -> str:
    """What went wrong, point by point."""
    return "\n\n".join(f"{point}\n  " + "\n  ".join(problems) for point, problems in tried if problems)


def test_runs_that_write_a_file(tmp_path: Path) -> None:
    """Each on a target of its own, some at a time; every third one is stopped once more when it goes on."""
    feature = feature_of(OF_A_FILE, lambda word: f'echo {word} >> "$LEDGER"', 'cat "$LEDGER"')
    chosen = points(OF_A_FILE, 140 if WHOLE else 18, SEED)

    def tried(numbered: tuple[int, Point]) -> tuple[Point, list[str]]:
        number, point = numbered
        stage = Ledger.make(tmp_path / str(number), feature, "# Notes\n", RUNBOOKS, tmp_path / "compiled")
        again = chosen[(number + 3) % len(chosen)] if number % 3 == 0 else None
        return point, try_point(stage, point, again=again and Point(point.procedure, *_how(again)))

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        said = told(list(pool.map(tried, list(enumerate(chosen))[PIECE - 1 :: PIECES])))
        assert not said, said


def _how(point: Point) -> tuple[str, int, float, str, str]:
    """Where another point is stopped, for the same procedure: a count that it may not have is its last."""
    return "question", 1 + point.count % 2, point.delay_s, point.end, point.undo


@dataclass(frozen=True)
class Database:
    """The procedures of a database, on the embedded target as staging."""

    project: LiveProject
    url: str

    def lines(self) -> list[str]:
        """What was written, in order."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return [word for (word,) in connection.execute("SELECT word FROM drill_stopping ORDER BY number")]

    def runs(self, scenario: str, *arguments: str) -> Person:
        """`runbooks run notes …` at a terminal."""
        said = [RUNBOOKS, "run", "notes", "--target", "staging", *arguments]
        return Person(
            [*said, "--scenario", scenario] if scenario else said,
            self.project.environment(PYTHONDONTWRITEBYTECODE=""),
            self.project.root,
        )

    def journal(self) -> Path:
        """The newest."""
        found = (self.project.root / "build/journal").glob("*.jsonl")
        return max(found, key=lambda file: file.stat().st_mtime_ns)

    def undos(self) -> list[Path]:
        """Those that are kept ready."""
        return sorted((self.project.root / "build").rglob("undo/**/*.json"))

    def clear(self) -> None:
        """Nothing is written, nothing kept."""
        for file in self.undos():
            file.unlink()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS drill_stopping (number serial PRIMARY KEY, word text)")
            connection.execute("TRUNCATE drill_stopping")


@pytest.fixture
def database(whole: EmbeddedTarget, tmp_path: Path) -> Iterator[Database]:
    """A project whose staging is the embedded target."""
    url = whole.environment()["DATABASE_URL"]
    variables = live_variables(whole) | {"STAGING_TOOL": str(tmp_path / "tool.py")}
    feature = feature_of(OF_A_DATABASE, lambda word: f'python3 "$TOOL" {word}', "ls /")
    files = {"features/notes.feature": feature, "docs/notes.md": "# Notes\n", "tool.py": TOOL}
    yield Database(LiveProject.make(tmp_path, variables, files), url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS drill_stopping")


def test_runs_that_write_a_database(database: Database) -> None:
    """One behind the other: a live target takes one changing run at a time."""
    tried = []
    for point in points(OF_A_DATABASE, 60 if WHOLE else 2, SEED)[PIECE - 1 :: PIECES]:
        database.clear()
        tried.append((point, try_point(database, point)))
    said = told(tried)
    assert not said, said
