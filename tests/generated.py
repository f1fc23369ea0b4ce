"""Projects of any size, and the same pages as plain Markdown: what a build is measured against."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from mkdocs.config import load_config
from mkdocs.structure.files import get_files
from mkdocs.structure.nav import get_navigation
from mkdocs.structure.pages import Page

from tests.house import ENTRY_POINTS, HOUSE
from tests.site.conftest import DEMO, OF_THIS_PROJECT, ROOT, DemoProject

__all__ = ["generate", "plain_twin"]

_STEM = "database/connections-exhausted"
_FOLDERS = 10
DATA = ("assets", "data")


def generate(root: Path, count: int) -> DemoProject:
    """A project of `count` runbooks with three procedures each, all proven, and the settings of this one."""
    (root / "docs").mkdir(parents=True)
    shutil.copy(ROOT / "mkdocs.yml", root)
    (root / "pyproject.toml").write_text(f'[project]\nname = "generated"\n{HOUSE}{ENTRY_POINTS}', encoding="utf-8")
    for name in DATA:
        shutil.copytree(ROOT / "docs" / name, root / "docs" / name)
    for of_this_project in ("alerts.yml", *OF_THIS_PROJECT):
        (root / "docs/data" / of_this_project).unlink(missing_ok=True)
    (root / "docs/index.md").write_text("---\ntitle: Home\n---\n\n# Home\n\n{{ symptoms() }}\n", encoding="utf-8")
    page = (DEMO / "docs" / f"{_STEM}.md").read_text("utf-8")
    page = page.replace("alerts: [DatabaseConnectionsHigh]", "alerts: []")
    feature = (DEMO / "features" / f"{_STEM}.feature").read_text("utf-8")
    feature = feature.replace(" @alert_DatabaseConnectionsHigh", "")
    for number in range(count):
        stem = f"area-{number % _FOLDERS}/runbook-{number:04}"
        for folder, text, suffix in (("docs", page, "md"), ("features", feature, "feature")):
            file = root / folder / f"{stem}.{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            own = re.sub(r"^id: .*$", f"id: runbook-{number:04}", text, flags=re.MULTILINE)
            file.write_text(own.replace("are exhausted", f"are exhausted {number}"), encoding="utf-8")
    project = DemoProject(root)
    project.prove()
    return project


def plain_twin(root: Path, plain: Path) -> None:
    """The pages of a project as they leave the macros, in a project with the same settings and without macros."""
    config = load_config(config_file=str(root / "mkdocs.yml"), site_dir=str(plain / "unused"))
    config = config.plugins.on_config(config)
    files = get_files(config)
    nav = get_navigation(files, config)
    macros: Any = config.plugins["macros"]
    macros.on_nav(nav, config=config, files=files)
    shutil.copytree(root / "docs", plain / "docs")
    for file in files.documentation_pages():
        page = file.page or Page(None, file, config)
        page.read_source(config)
        assert page.markdown is not None
        text = macros.on_page_markdown(page.markdown, page=page, config=config, files=files)
        head = f"---\ntitle: {page.title}\n---\n\n"
        (plain / "docs" / file.src_uri).write_text(head + text, encoding="utf-8")
    settings = (root / "mkdocs.yml").read_text("utf-8")
    settings, count = re.subn(r"^  - macros:\n(?:      .*\n)+", "", settings, flags=re.MULTILINE)
    assert count == 1
    (plain / "mkdocs.yml").write_text(settings, encoding="utf-8")
