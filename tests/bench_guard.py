"""What the guard costs a drill: the same features with and without it, in turns. Part of `make bench`.

`python -m tests.bench_guard --runs 5` prints the ratio of each feature: the seconds of its scenarios, as its evidence
has them, pair by pair, so that a busy machine slows both. As a plugin (`-p tests.bench_guard`) it takes the guard away.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from runbook_steps.engine.model import Risk, TargetFacts
from runbook_steps.engine.run.held_to_risk import Restraint

__all__ = ["FEATURES", "pytest_configure"]

ROOT = Path(__file__).parents[1]
FEATURES = ("database/daily-check", "application/redis-out-of-memory", "health/monitoring-dashboards")
"""One that only reads, and two that break something first; none that judges how busy the machine is."""


def pytest_configure() -> None:
    """Of the runs that are compared with: nothing is held."""

    def free(risk: Risk, facts: TargetFacts, base: Path) -> Restraint:
        del base
        return Restraint(risk, facts, None)

    Restraint.of = free  # type: ignore[method-assign] # for this process alone


def seconds(feature: str, *more: str) -> float:
    """Of all its scenarios. Raises RuntimeError when one did not pass."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", f"features/{feature}.feature", "--target", "embedded", "-q", *more]
        command += ["-p", "no:cacheprovider", "--evidence-dir", folder, "--journal-dir", folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{feature} did not pass:\n{done.stdout[-2000:]}")
        evidence = json.loads((Path(folder) / "embedded.json").read_text("utf-8"))
    return sum(float(record["duration_s"]) for record in evidence["scenarios"])


def pair(feature: str, *, turned: bool) -> tuple[float, float]:
    """With the guard and without; `turned` is the other one first, so that what the machine does falls on both."""
    if turned:
        free = seconds(feature, "-p", "tests.bench_guard")
        return seconds(feature), free
    return seconds(feature), seconds(feature, "-p", "tests.bench_guard")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    ratios: list[float] = []
    for feature in FEATURES:
        pairs = [pair(feature, turned=bool(run % 2)) for run in range(options.runs)]
        found = [held / free for held, free in pairs]
        ratios += found
        held, free = (statistics.median(side) for side in zip(*pairs, strict=True))
        sys.stdout.write(f"{feature:<34}{held:6.2f} s with the guard, {free:6.2f} s without: ")
        sys.stdout.write(f"{statistics.median(found):5.2f} times ({min(found):.2f} to {max(found):.2f})\n")
        sys.stdout.flush()
    sys.stdout.write(f"the guard, on all of them: {statistics.median(ratios):5.2f} times (at most 1.15)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
