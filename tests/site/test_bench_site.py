"""What the bench of the site measures is a site: both projects build, and a changed page is shown."""

from __future__ import annotations

from pathlib import Path

from tests.bench_site import build_cpu_s, change_s
from tests.generated import generate, plain_twin


def test_a_generated_project_and_its_plain_twin_are_built(tmp_path: Path) -> None:
    """Every runbook of it, in both: a bench that cannot build measures nothing."""
    ours, plain = tmp_path / "ours", tmp_path / "plain"
    generate(ours, 3)
    plain_twin(ours, plain)
    for root in (ours, plain):
        assert build_cpu_s(root, root / "site") > 0
        pages = [root / f"site/area-{number}/runbook-000{number}/index.html" for number in range(3)]
        assert [page.is_file() and "idle in transaction" in page.read_text("utf-8") for page in pages] == [True] * 3


def test_a_changed_page_is_seen_by_the_preview() -> None:
    """The seconds of a change are those until the page shows it."""
    assert len(change_s(2, 1)) == 1
