"""When the newest whole backup was made, in a file that node_exporter reads: the alert on old backups needs it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from runbook_steps.engine.text.atomic_file import write_atomically

__all__ = ["SERIES", "VARIABLE", "write_age_file"]

VARIABLE = "BACKUP_TIMESTAMP_FILE"
SERIES = "backup_last_success_timestamp_seconds"
_FOR_ALL = 0o644  # the exporter runs as somebody else


def write_age_file(environ: Mapping[str, str], made: datetime) -> str:
    """Writes it where BACKUP_TIMESTAMP_FILE says; gives why it could not, "" when it is written or not wanted.

    `made` is the moment that a restore would go back to, which is before the command's end.
    """
    name = environ.get(VARIABLE, "").strip()
    if not name:
        return ""
    if not name.endswith(".prom"):
        return f"{VARIABLE} must end with .prom: the exporter reads no other file"
    path = Path(name)
    if not path.parent.is_dir():
        return f"{VARIABLE}: there is no folder {path.parent}, so the alert on old backups will ring"
    try:
        write_atomically(path, f"# TYPE {SERIES} gauge\n{SERIES} {int(made.timestamp())}\n")
        path.chmod(_FOR_ALL)
    except OSError as error:
        return f"{VARIABLE} cannot be written ({error.strerror}), so the alert on old backups will ring"
    return ""
