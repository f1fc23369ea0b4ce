"""What holds a command to the risk of its procedure: the guard before the services, the lock on the host."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_steps.engine.errors import NotRunnableHere, RiskExceeded
from runbook_steps.engine.guards.kernel.lockdown import lacking
from runbook_steps.engine.model import Command, Result, Risk, TargetFacts
from runbook_steps.engine.text.not_held import not_held

if TYPE_CHECKING:
    from runbook_steps.engine.guards.services.guard import Guard

__all__ = ["Restraint", "can_lock_down"]

_KERNEL_SAYS = ("Permission denied", "Operation not permitted")
_WRITABLE = ("HOME", "TMPDIR")  # beside the folder that a command runs in


@dataclass(frozen=True)
class Held:
    """What a command gets: its environment, and what is put before it."""

    environment: Mapping[str, str]
    prefix: tuple[str, ...] = ()


def _guard(risk: Risk, folder: Path, marks: tuple[str, ...]) -> Guard:
    from runbook_steps.engine.guards.services.guard import Guard  # noqa: PLC0415 - it reads SQL and signs for AWS: half a second

    return Guard(risk, folder, marks)


def can_lock_down() -> bool:
    """Whether this kernel can hold a command to what it may do."""
    from runbook_steps.engine.guards.services.guard import can_lock_down  # noqa: PLC0415 - as above

    return can_lock_down()


class Restraint:
    """Of one risk and run. On a disposable target only read-only procedures are held: the others may break it."""

    def __init__(self, risk: Risk, facts: TargetFacts, folder: Path | None) -> None:
        """`folder` is None when nothing is to be held; otherwise private to this run and removed by `close`."""
        self._risk = risk
        self._facts = facts
        self._folder = folder
        self._guard = _guard(risk, folder, facts.marks) if folder is not None else None

    @classmethod
    def of(cls, risk: Risk, facts: TargetFacts, base: Path) -> Restraint:
        """The restraint that a procedure of that risk needs there; its files are kept below `base`.

        Raises NotRunnableHere when a live target is to be only read and this machine cannot enforce it.
        """
        free = risk is not Risk.READONLY and facts.disposable
        if risk is Risk.READONLY and not facts.disposable and not can_lock_down():
            raise NotRunnableHere(
                f"{facts.name} is live and this kernel cannot lock a command down: it lacks {lacking()}. "
                "Run from a machine that can"
            )
        if free or risk is Risk.DESTRUCTIVE:
            return cls(risk, facts, None)
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(risk, facts, Path(tempfile.mkdtemp(prefix="guard-", dir=base)))

    def hold(self, environment: Mapping[str, str], workspace: Path | None = None) -> Held:
        """The environment behind the guard, and for a command that runs in `workspace` the lock; as it is when free."""
        if self._guard is None:
            return Held(environment)
        guarded = self._guard.environment(environment)
        if workspace is None or not can_lock_down():
            return Held(guarded)
        if self._risk is not Risk.READONLY:
            return Held(guarded, self._guard.prefix_of_changes())
        own = {name: self._own(name) for name in _WRITABLE}
        prefix = self._guard.prefix([workspace, *own.values()], *self._apart())
        return Held({**guarded, **{name: str(folder) for name, folder in own.items()}}, prefix)

    def _own(self, name: str) -> Path:
        """A folder that commands of other risks never see: what is left in it configures none of them."""
        if self._folder is None:  # pragma: no cover - then nothing is held
            raise AssertionError
        folder = self._folder / name.lower()
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _apart(self) -> tuple[list[Path], list[Path]]:
        """What may not be read, and the UNIX sockets that may be talked to."""
        return [Path(path) for path in self._facts.hidden], [Path(path) for path in self._facts.sockets]

    def forget(self) -> None:
        """What was refused before does not count any more: a scenario answers for itself."""
        if self._guard is not None and self._folder is not None:
            self._guard.take_refusals(self._facts.refusals)
            for name in _WRITABLE:
                shutil.rmtree(self._folder / name.lower(), ignore_errors=True)

    def judge(self, command: Command, result: Result) -> None:
        """Raises RiskExceeded when the guard, or visibly the kernel, refused something that the command tried."""
        refused = self._guard.take_refusals(self._facts.refusals) if self._guard else ()
        if refused and all(why := [not_held(each.operation) for each in refused]):
            raise NotRunnableHere(f"“{command.purpose}” needs PostgreSQL, and what it gets is {why[0]}")
        if refused:
            what = "; ".join(dict.fromkeys(str(each) for each in refused))
            raise RiskExceeded(
                f"“{command.purpose}” went beyond its procedure’s risk, {self._risk}, and was stopped: {what}"
            )

        locked = self._guard is not None and self._risk is Risk.READONLY and can_lock_down()
        failed = result.exit_code not in {0, None} and not command.may_fail
        if locked and failed and any(words in result.stderr for words in _KERNEL_SAYS):
            raise RiskExceeded(
                f"“{command.purpose}” was refused by the kernel: a read-only procedure may write in its own folder "
                "only, connect to the target's services only, and signal nobody"
            )

    def close(self) -> None:
        """Ends the guard and removes its folder; idempotent."""
        if self._guard is not None:
            self._guard.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                self._folder.parent.rmdir()  # refused as long as a scenario of the run is in it
