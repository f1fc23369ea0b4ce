"""The feedback on disk: read, and changed by one program at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from runbook_steps.engine.errors import ConfigurationError, PageError, Position
from runbook_steps.engine.sources.feedback_file import FEEDBACK, Remark, feedback_text, parse_feedback
from runbook_steps.engine.text.atomic_file import write_atomically

__all__ = ["change_feedback", "load_feedback"]

_LOCK = "build/feedback.lock"
_MODE = 0o644  # a file of the project, for everybody who works on it


def load_feedback(root: Path) -> Mapping[int, Remark]:
    """Number → remark; none when nobody said anything yet. Raises PageError for a file that is not as it should be."""
    try:
        return parse_feedback((root / FEEDBACK).read_text("utf-8"), FEEDBACK)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error.strerror
        raise PageError(Position(FEEDBACK, 1), f"cannot be read: {reason}") from error


def change_feedback(root: Path, change: Callable[[Mapping[int, Remark]], Remark]) -> Remark:
    """Adds the remark that `change` makes of what is there, or puts it in the place of its number; gives it back.

    Written whole or not at all. Raises PageError for a file that is broken, ConfigurationError when the disk refuses.
    """
    file, lock = root / FEEDBACK, root / _LOCK
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            found = load_feedback(root)
            made = change(found)
            write_atomically(file, feedback_text({**found, made.number: made}.values()))
            file.chmod(_MODE)
    except OSError as error:
        raise ConfigurationError(f"cannot write {error.filename or file}: {error.strerror}") from error
    return made
