"""What the site costs: a build against the same pages as plain Markdown, and one changed page in the preview.

`python -m tests.bench_site --pages 50 500` prints both; the two builds take turns, each in a process of its own.
CPU seconds are compared, pair by pair and by the least that each took: what others do on the machine only adds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from runbook_steps.engine.site.build.preview import Preview
from tests.generated import generate, plain_twin

_FEW = 100  # pages

__all__ = ["build_cpu_s", "change_s", "pairs"]


def build_cpu_s(root: Path, site: Path) -> float:
    """CPU seconds of one build in a process of its own."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(site)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every build would compile our modules anew, and no other's
    process = subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the build of {root} failed")
    return usage.ru_utime + usage.ru_stime


def pairs(pages: int, runs: int) -> list[tuple[float, float]]:
    """CPU seconds of ours and of plain, once for each pair of runs; the first is not counted, it warms caches."""
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder) / "ours", Path(folder) / "plain"
        generate(ours, pages)
        plain_twin(ours, plain)
        found = [(build_cpu_s(ours, ours / "site"), build_cpu_s(plain, plain / "site")) for _ in range(runs + 1)]
    return found[1:]


def change_s(pages: int, runs: int) -> list[float]:
    """Seconds from a changed page on disk until the preview has it rendered, once for each run."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "ours"
        generate(root, pages)
        preview = Preview(root, Path(folder) / "site", "http://127.0.0.1/", built=True)
        preview.start()
        page = root / "docs/area-1/runbook-0001.md"
        for number in range(runs + 1):
            page.write_text(f"{page.read_text('utf-8')}\n    More {number}.\n", encoding="utf-8")
            began = time.perf_counter()
            preview.changed()
            wrong = preview.page("area-1/runbook-0001/index.html")
            found.append(time.perf_counter() - began)
            made = (Path(folder) / "site/area-1/runbook-0001/index.html").read_text("utf-8")
            if wrong or f"More {number}." not in made:
                raise RuntimeError(f"the preview did not follow: {wrong}")
    return found[1:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    for pages in options.pages:
        both = pairs(pages, options.runs * (3 if pages <= _FEW else 1))  # a short build is a noisy one
        found = [ours / plain for ours, plain in both]
        best = min(ours for ours, _ in both) / min(plain for _, plain in both)
        sys.stdout.write(
            f"site build of {pages} runbooks, against plain Markdown: {best:.2f} × by the least of each, "
            f"{statistics.median(found):.2f} × by pairs "
            f"({min(found):.2f} to {max(found):.2f}, {len(found)} pairs; at most 1.15)\n"
        )
        changed = change_s(pages, options.runs)
        sys.stdout.write(
            f"one changed page in the preview of {pages} runbooks: {statistics.median(changed):.2f} s "
            f"({min(changed):.2f} to {max(changed):.2f}, {len(changed)} runs; at most 1 s, and 0.2 s to notice it)\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
