"""The programs of the monitoring, found on the PATH; where RUNBOOKS_MONITORING_BIN names a folder, only there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from runbook_steps.engine.errors import NotRunnableHere

__all__ = ["FOLDER", "find_programs"]

FOLDER = "RUNBOOKS_MONITORING_BIN"
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "prometheus": ("prometheus",),
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
    "postgres_exporter": ("postgres_exporter", "prometheus-postgres-exporter"),
    "redis_exporter": ("redis_exporter", "prometheus-redis-exporter"),
    "node_exporter": ("node_exporter", "prometheus-node-exporter"),
    "blackbox_exporter": ("blackbox_exporter", "prometheus-blackbox-exporter"),
}
"""Service → its names, upstream's first, then Debian's."""


def find_programs(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Service → path. Raises NotRunnableHere, which names all that are missing."""
    path = environ.get(FOLDER) or environ.get("PATH", os.defpath)
    found = {
        service: next(filter(None, (shutil.which(name, path=path) for name in names)), None)
        for service, names in PROGRAMS.items()
    }
    missing = [service for service, program in found.items() if program is None]
    if missing:
        raise NotRunnableHere(f"no {', '.join(missing)} here: install them, or name their folder in {FOLDER}")
    return {service: program for service, program in found.items() if program is not None}
