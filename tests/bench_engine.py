"""What the engine costs: scenarios of empty steps against plain test functions, and against pytest-bdd by itself.

`python -m tests.bench_engine --scenarios 500` prints the ratios; the runs take turns, each in a process of its own.
CPU seconds are compared, turn by turn: what others do on the machine only adds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.unit.conftest import HERE_TARGET

__all__ = ["PLUGINS", "generate", "turns"]

STEPS = 6
PLUGINS: dict[str, list[str]] = {"ours": [], "pytest-bdd": ["-p", "no:runbooks"], "plain": []}
"""What a run leaves out: the same plugins are loaded for all three, but for the one that takes the features."""
_STEPS_MODULE = """
from pytest_bdd import given, parsers, then, when

@given("nothing is there")
@when("nothing is done")
@then("nothing has changed")
def nothing():
    pass
"""
_SETTINGS = """
[tool.pytest.ini_options]
markers = ["risk_readonly", "risk_mutating", "risk_destructive"]

[tool.runbooks]
default_target = "here"
"""


def generate(root: Path, scenarios: int) -> None:
    """As many scenarios as features of ten, the same for pytest-bdd, and as many plain functions."""
    for name in PLUGINS:
        (root / name / "features").mkdir(parents=True)
        (root / name / "pyproject.toml").write_text(_SETTINGS, encoding="utf-8")
    (root / "ours/conftest.py").write_text(HERE_TARGET + _STEPS_MODULE, encoding="utf-8")
    (root / "pytest-bdd/conftest.py").write_text(_STEPS_MODULE, encoding="utf-8")
    body = "".join(
        f"    {word}\n"
        for word in (
            *("Given nothing is there", "And nothing is there", "When nothing is done"),
            *("And nothing is done", "Then nothing has changed", "And nothing has changed"),
        )
    )
    for start in range(0, scenarios, 10):
        few = range(start, min(start + 10, scenarios))
        feature = "@risk_readonly\nFeature: F\n" + "".join(f"  Scenario: S {n}\n{body}\n" for n in few)
        for name in ("ours", "pytest-bdd"):
            (root / name / f"features/f{start}.feature").write_text(feature, encoding="utf-8")
        bound = f"from pytest_bdd import scenarios\nscenarios('f{start}.feature')\n"
        (root / f"pytest-bdd/features/test_f{start}.py").write_text(bound, encoding="utf-8")
        functions = "".join(f"def test_{n}():\n" + "    nothing()\n" * STEPS for n in few)
        plain = f"def nothing():\n    pass\n\n{functions}"
        (root / f"plain/features/test_f{start}.py").write_text(plain, encoding="utf-8")


def cpu_s(root: Path, name: str) -> float:
    """CPU seconds of one run in a process of its own. Raises RuntimeError when it did not pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGINS[name], "features/"]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # as on a machine of a person: compiled once
    process = subprocess.Popen(command, cwd=root / name, env=environ, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the run of {root / name} failed")
    return usage.ru_utime + usage.ru_stime


def turns(scenarios: int, runs: int) -> list[dict[str, float]]:
    """CPU seconds of each, once for each turn; the first turn is not counted, it warms caches."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), scenarios)
        return [{name: cpu_s(Path(folder), name) for name in PLUGINS} for _ in range(runs + 1)][1:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    measured = turns(options.scenarios, options.runs)
    plain = statistics.median(turn["plain"] for turn in measured)
    sys.stdout.write(f"{options.scenarios} scenarios of {STEPS} empty steps; plain pytest {plain:.2f} s of CPU\n")
    for name, wanted in (("ours", "at most 2.5"), ("pytest-bdd", "no limit")):
        ratios = [turn[name] / turn["plain"] for turn in measured]
        ratio = statistics.median(ratios)
        sys.stdout.write(f"  {name:<12}{ratio:5.2f} times  ({min(ratios):.2f} to {max(ratios):.2f}; {wanted})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
