"""`make bench`: what must stay fast on this machine; `tests.bench_site` and `tests.bench_engine` compare side by side.

Prints a table, or JSON with `--format json`. It judges nothing: limits are named beside the figures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from runbook_steps.stand_in.embedded import EmbeddedTarget

ROOT = Path(__file__).parents[1]
EVERYTHING = ("postgres", "redis", "third_parties", "api", "nginx", "aws")


@dataclass(frozen=True)
class Figure:
    """One measurement: the median and the extremes of `runs`, in `unit`."""

    name: str
    unit: str
    median: float
    low: float
    high: float
    runs: int
    wanted: str


def measured(name: str, wanted: str, run: Callable[[], float], runs: int, unit: str = "s") -> Figure:
    """The figure of several runs; the first is not counted, it warms caches."""
    run()
    values = [run() for _ in range(runs)]
    return Figure(name, unit, statistics.median(values), min(values), max(values), runs, wanted)


def timed(act: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def cold_start() -> float:
    """Seconds until every part of a new embedded target is ready."""
    with EmbeddedTarget.create() as target:
        return timed(lambda: target.start(EVERYTHING))


def closing() -> float:
    """Seconds until nothing is left of a target with every part."""
    target = EmbeddedTarget.create()
    target.start(EVERYTHING)
    return timed(target.close)


def site_build() -> float:
    """Seconds of a build of the whole site in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
        return timed(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))


def collection() -> float:
    """Seconds to collect all scenarios, without starting anything."""
    command = [sys.executable, "-m", "pytest", "features/", "--collect-only", "-q", "-p", "no:cacheprovider"]
    return timed(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=("console", "json"), default="console")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    figures = []
    for name, wanted, run, unit in (
        ("cold start of the whole embedded target", "at most 5 s", cold_start, "s"),
        ("its end", "at most 1 s", closing, "s"),
        ("warm build of the site", "at most 3 s", site_build, "s"),
        ("collection of all scenarios", "no limit", collection, "s"),
    ):
        figures.append(measured(name, wanted, run, options.runs, unit))
        if options.format == "console":
            figure = figures[-1]
            sys.stdout.write(
                f"{figure.name:<54}{figure.median:6.2f} {unit}  ({figure.low:.2f} to {figure.high:.2f}, "
                f"{figure.runs} runs; {figure.wanted})\n"
            )
            sys.stdout.flush()
    if options.format == "json":
        sys.stdout.write(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
