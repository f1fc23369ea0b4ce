"""Evidence in the built site: a view for each runbook and target, and the evidence files to download."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import Evidence
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.site.blocks.evidence_page import Surroundings, evidence_address, evidence_data, evidence_page
from runbook_steps.engine.site.machines.catalog import published

__all__ = ["PROOF_PAGE", "EvidenceViews"]

PROOF_PAGE = "about/proof"
"""The stem of the page with the matrix that leads to the views."""


class EvidenceViews:
    """Of one build. `site_name` is the site's; `folders`: its pages are `name/index.html`, not `name.html`."""

    def __init__(self, project: Project, settings: Settings, site_name: str, *, folders: bool) -> None:
        self._project = project
        self._settings = settings
        proof_page = PROOF_PAGE if project.page(PROOF_PAGE) else ""
        self._around = Surroundings(site_name, folders=folders, proof_page=proof_page)

    def write(self, site: Path) -> None:
        """Writes all of them. The files are as the runs left them, with every secret taken out."""
        for evidence in self._project.evidence:
            around = self._with_data(evidence, site)
            for runbook, _ in published(self._project):
                _write(site / evidence_address(evidence.target, runbook.stem), evidence_page(runbook, evidence, around))

    def write_one(self, address: str, site: Path) -> bool:
        """Writes the view at that address below the site; False when there is none."""
        for evidence in self._project.evidence:
            for runbook, _ in published(self._project):
                if evidence_address(evidence.target, runbook.stem) == address:
                    _write(site / address, evidence_page(runbook, evidence, self._with_data(evidence, site)))
                    return True
        return False

    def _with_data(self, evidence: Evidence, site: Path) -> Surroundings:
        """The surroundings of a target's views, its evidence file written beside them if it bears its name."""
        there = site / evidence_data(evidence.target)
        data = None
        with contextlib.suppress(ConfigurationError, OSError):
            data = self._settings.evidence_file(evidence.target).read_bytes()
        if data is not None:
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(data)
        return replace(self._around, data=data is not None)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8", errors="replace")  # evidence may hold half a character, which no file can
