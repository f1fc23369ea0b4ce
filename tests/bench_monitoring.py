"""What the monitoring costs a drill: the scenarios that watch an alert, with Prometheus and its exporters and without.

`python -m tests.bench_monitoring --pairs 3` runs them in turns, each run a process of its own. The seconds more are
compared with those of the whole drill, which the evidence tells when it was made by a run of all scenarios. These are
sums: what a person waits for is shorter, where one worker goes on while another waits for an alert. `--whole` measures
that: all scenarios, as `make prove` runs them, with and without.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.sources.alerts_file import RINGS
from runbook_steps.stand_in.monitoring.programs import FOLDER, find_programs

__all__ = ["rest_of_the_drill_s", "scenarios", "seconds"]

ROOT = Path(__file__).parents[1]
MOST_PERCENT = 20
WHOLE = ("features/", "-n", "2", "--dist", "loadgroup")


def scenarios(project: Project) -> dict[str, bool]:
    """Id of each scenario, an outline's rows too → whether it watches an alert."""
    return {
        run.id_in(runbook.feature_path): any(re.fullmatch(RINGS, step.text) for step in run.steps)
        for runbook in project.runbooks
        for procedure in runbook.procedures
        for run in procedure.runs
    }


def rest_of_the_drill_s(project: Project) -> float | None:
    """Seconds of all scenarios that watch no alert, as the evidence has them; None where it does not have them all."""
    evidence = next((each for each in project.evidence if each.target == "embedded"), None)
    took = {record.id: record.duration_s for record in evidence.records.values()} if evidence else {}
    others = [name for name, watches in scenarios(project).items() if not watches]
    return sum(took[name] for name in others) if set(others) <= set(took) else None


def seconds(names: Sequence[str], *, watch: bool) -> float:
    """Seconds of one run in a process of its own. Raises RuntimeError when it did not pass."""
    with tempfile.TemporaryDirectory() as folder:
        kept = [f"--evidence-dir={folder}/evidence", f"--journal-dir={folder}/journal"]
        command = [sys.executable, "-m", "pytest", *names, "--target=embedded", "-q", *kept]
        environ = os.environ if watch else {**os.environ, FOLDER: folder}  # no program is in that folder
        began = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"the run did not pass:\n{done.stdout[-2000:]}")
    return took


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument(
        "--whole", action="store_true", help="every scenario, with two workers: about a quarter of an hour a pair"
    )
    options = parser.parse_args(arguments)
    try:
        find_programs()
    except NotRunnableHere as error:
        sys.stdout.write(f"what the monitoring costs is not measured: {error}\n")
        return 0
    project = load_project(ROOT)
    watching = [name for name, watches in scenarios(project).items() if watches]
    names, rest = (WHOLE, 0.0) if options.whole else (watching, rest_of_the_drill_s(project))
    more, without = [], []
    for _ in range(options.pairs):
        with_it, plain = seconds(names, watch=True), seconds(names, watch=False)
        without.append(plain)
        more.append(with_it - plain)
        what = "all scenarios" if options.whole else f"{len(watching)} scenarios"
        sys.stdout.write(f"{what}: {with_it:.0f} s with the monitoring, {plain:.0f} s without\n")
        sys.stdout.flush()
    if rest is None:
        sys.stdout.write("prove every runbook first (`make prove`): the seconds of the whole drill are not known\n")
        return 0
    percent = 100 * statistics.median(more) / (rest + statistics.median(without))
    sys.stdout.write(f"of the whole drill: {percent:.0f} % more (at most {MOST_PERCENT} %)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
