"""Evidence in a built site: what is written, that it is searched for secrets, and its colours."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.model import Evidence, Outcome
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.proof.evidence_file import write_evidence
from runbook_steps.engine.run.secrets_left import leaking_files, site_files
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.site.build.evidence_views import EvidenceViews
from runbook_steps.engine.site.build.links import broken_links, read_site
from runbook_steps.engine.text.redact import Redactor
from tests.unit.git_project import make_project
from tests.unit.records import LOOKED, scenario_record

STYLES = Path(__file__).parents[4] / "docs/assets/stylesheets"
VIEW = "evidence/embedded/database/slow.html"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two runbooks, one of them with a record on `embedded`."""
    make_project(tmp_path)
    record = scenario_record(
        "features/database/slow.feature", "The cause is found", outcome=Outcome.FAILED,
        started="2026-11-23T10:00:00Z", steps=(LOOKED,), reason="the cause is hidden",
    )  # fmt: skip
    found = Evidence("embedded", "2026-11-23T10:00:00Z", {record.id: record})
    write_evidence(tmp_path / "build/evidence/embedded.json", found)
    return tmp_path


def views(root: Path) -> EvidenceViews:
    """Those of the project as it is now."""
    return EvidenceViews(load_project(root), load_settings(root), "Runbooks", folders=True)


def written(site: Path) -> set[str]:
    """Every file below a folder."""
    return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}


def test_every_runbook_has_a_view_on_every_target_and_the_file_lies_beside(root: Path, tmp_path: Path) -> None:
    """Also the one that was never proven there; the file is the run's own, byte for byte."""
    site = tmp_path / "site"
    views(root).write(site)

    assert {VIEW, "evidence/embedded/database/down.html", "evidence/embedded.json"} == written(site)
    assert (root / "build/evidence/embedded.json").read_bytes() == (site / "evidence/embedded.json").read_bytes()
    assert "the cause is hidden" in (site / VIEW).read_text("utf-8")


def test_its_links_are_checked_with_those_of_the_site(root: Path, tmp_path: Path) -> None:
    """`runbooks links` reads the views too."""
    site = tmp_path / "site"
    views(root).write(site)
    (site / "index.html").write_text(f'<a href="{VIEW}#the-cause-is-found">x</a> <a href="{VIEW}#no">y</a>')
    said = {str(bad) for bad in broken_links(read_site(site))}

    assert f"index.html: {VIEW}#no: there is no anchor “no” on that page" in said
    assert f"{VIEW}: ../../../database/slow/index.html: there is no such page" in said
    assert not any("embedded.json" in each for each in said)


def test_half_a_character_does_not_stop_the_build(root: Path, tmp_path: Path) -> None:
    """JSON can hold it, a file of text cannot."""
    file = root / "build/evidence/embedded.json"
    file.write_text(file.read_text("utf-8").replace("the cause is hidden", "half \\ud800 of it"), encoding="utf-8")
    views(root).write(tmp_path / "site")

    assert "half ⟨U+D800⟩ of it" in (tmp_path / "site" / VIEW).read_text("utf-8")


def test_evidence_under_another_name_writes_nothing(root: Path, tmp_path: Path) -> None:
    """A file that somebody renamed, or whose target is a path: refused before there is any page of it."""
    folder, site = root / "build/evidence", tmp_path / "site"
    text = (folder / "embedded.json").read_text("utf-8")
    (folder / "embedded.json").unlink()
    (folder / "renamed.json").write_text(text.replace('"target": "embedded"', '"target": "../../up"'), encoding="utf-8")

    with pytest.raises(EvidenceError, match=r"is evidence of \.\./\.\./up"):
        views(root).write(site)
    assert not site.exists()


def test_one_view_is_written_when_it_is_asked_for(root: Path, tmp_path: Path) -> None:
    """For the preview."""
    made = [views(root).write_one(address, tmp_path / "site") for address in (VIEW, "evidence/no.html", "404.html")]

    assert [True, False, False] == made
    assert {VIEW, "evidence/embedded.json"} == written(tmp_path / "site")


def test_a_secret_in_a_view_or_in_the_file_is_found(root: Path, tmp_path: Path) -> None:
    """What a site is searched for covers both."""
    file, site = root / "build/evidence/embedded.json", tmp_path / "site"
    file.write_text(file.read_text("utf-8").replace("is hidden", "is S3cr3t-Value"), encoding="utf-8")
    views(root).write(site)
    leaking = leaking_files(site_files(site), Redactor({"S3cr3t-Value"}))

    assert {site / "evidence/embedded.json", site / VIEW} == set(leaking)


def test_the_colours_are_those_of_the_site() -> None:
    """In the dark too: the views say them again, because no theme sets their scheme."""
    named = re.compile(r"(--[\w-]+): ([^;]+);")
    site = (STYLES / "runbooks.css").read_text("utf-8").partition('[data-md-color-scheme="slate"] {')[2].partition("}")
    own = (STYLES / "evidence.css").read_text("utf-8").partition("(prefers-color-scheme: dark)")[2].partition("}")

    dark = dict(named.findall(own[0]))
    assert {name: value for name, value in named.findall(site[0]) if name in dark} == dark
