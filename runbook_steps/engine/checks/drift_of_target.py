"""Everything that comes apart over time, of a project and the target that its commands need tools on."""

from __future__ import annotations

from runbook_steps.engine.checks import drift
from runbook_steps.engine.checks.thresholds import threshold_drift
from runbook_steps.engine.errors import SourceError
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.sources.python_steps import load_catalog
from runbook_steps.engine.targets.by_name import make_target

__all__ = ["drift_of"]


def drift_of(project: Project, target: str) -> list[SourceError]:
    """What comes apart, in order of file and line; `target` is the one whose tools the commands need.

    Raises ConfigurationError for a target that is not known.
    """
    tools = make_target(target, project.settings, None).facts.tools
    settings = project.root / drift.SETTINGS
    registered = drift.registered_alerts(settings.read_text("utf-8") if settings.is_file() else "")
    found = [
        *drift.step_drift(project, load_catalog(project.settings)),
        *drift.alert_drift(project, registered),
        *drift.tool_drift(project, target, tools),
        *drift.mention_drift(project),
        *drift.contact_drift(project),
        *threshold_drift(project),
    ]
    return sorted(found, key=lambda problem: (problem.position.path, problem.position.line))
