"""The site in one file: every link names a file, search needs no server, and the same site gives the same bytes."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.site.build.archive import (
    ARCHIVE,
    FOLDER,
    archive_files,
    offline_index,
    offline_page,
    write_archive,
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site."""
    root = tmp_path / "site"
    for name, text in {
        "index.html": '<a href="a/b/">b</a><p class="rb-online"><a href="site.zip">zip</a></p>',
        "a/b/index.html": '<script src="../../assets/javascripts/bundle.1.min.js"></script><a href="../..">home</a>',
        "404.html": "<a href='/x/'>x</a>",
        "search/search_index.json": '{"docs":[{"location":"a/b/#c","text":"location: a/"}]}',
        "assets/javascripts/bundle.1.min.js.map": "{}",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("../x/", "../x/index.html"),
        ("../x/#part", "../x/index.html#part"),
        ("./", "./index.html"),
        (".", "./index.html"),
        ("../..", "../../index.html"),
        ("#part", "#part"),
        ("a.css", "a.css"),
        ("https://a.com/x/", "https://a.com/x/"),
        ("mailto:a@b.com", "mailto:a@b.com"),
        ("/x/", "/x/"),
    ],
)
def test_a_link_to_a_folder_names_its_file(target: str, expected: str) -> None:
    """Without a server nobody answers with the index of a folder."""
    assert f'<a class="x" href="{expected}">' == offline_page(f'<a class="x" href="{target}">')


def test_a_page_that_leads_on_leads_to_a_file() -> None:
    """The page at a former address."""
    page = '<meta http-equiv="refresh" content="0; url=../b/">'
    assert '<meta http-equiv="refresh" content="0; url=../b/index.html">' == offline_page(page)


def test_the_archive_holds_what_works_without_a_server(site: Path) -> None:
    """And leaves out what only a server or a developer can use."""
    files = {name: content.decode() for name, content in archive_files(site)}

    assert {
        "a/b/index.html": (
            '<script src="../../assets/javascripts/iframe-worker.min.js"></script>'
            '<script src="../../assets/javascripts/bundle.1.min.js"></script><a href="../../index.html">home</a>'
        ),
        "index.html": '<a href="a/b/index.html">b</a>',
        "search/search_index.js": ('var __index = {"docs":[{"location":"a/b/index.html#c","text":"location: a/"}]}'),
    } == files
    assert 'var __index = {"location": "a/index.html"}' == offline_index('{"location": "a/"}')


def test_the_same_site_gives_the_same_archive_and_never_holds_itself(site: Path) -> None:
    """Byte for byte, also the second time."""
    assert 3 == write_archive(site, site / ARCHIVE)
    first = (site / ARCHIVE).read_bytes()
    assert 3 == write_archive(site, site / ARCHIVE)

    assert first == (site / ARCHIVE).read_bytes()
    with zipfile.ZipFile(site / ARCHIVE) as archive:
        assert archive.testzip() is None
        assert f"{FOLDER}/index.html" in archive.namelist()


def test_the_command_writes_the_archive_and_the_folder(site: Path, tmp_path: Path) -> None:
    """The folder can be opened right away."""
    done = CliRunner().invoke(app, ["archive", str(site), "--folder", str(tmp_path / "offline")])

    assert 0 == done.exit_code
    assert "3 files" in done.stderr
    assert (tmp_path / "offline/a/b/index.html").is_file()


def test_without_a_site_there_is_no_archive(tmp_path: Path) -> None:
    """One line that says what to do."""
    with pytest.raises(ConfigurationError, match="build it first"):
        write_archive(tmp_path, tmp_path / ARCHIVE)
