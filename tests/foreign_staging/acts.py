"""What a person does in each of the nine incidents beside running what is shown, and what the report says of it.

Each thing that a prompt offers is done in one of them: a note, an edit, a retry, a skip, an approval, an undo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbook_steps.engine.model import Outcome
from tests.foreign_staging.staging import ForeignStaging
from tests.foreign_staging.worked import SECOND, Hand, Turn

__all__ = ["ACTS", "Acts"]

USED = 'redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" info memory | grep -E \'^(used_memory|maxmemory)\''
BY_HAND = "done by hand: as its page says"


@dataclass(frozen=True)
class Acts:
    """`turns` are what is answered at the prompt of a command. `mend` is done where one failed, and it is tried again.

    `first` are the turns of a run before that one, which is stopped, and undone. `attested` counts the commands that
    are no proof for it, `outcome` and `code` are how it then ends. `report` is what must stand in the report, `undone`
    in that of the run before.
    """

    turns: tuple[Turn, ...] = ()
    mend: Hand | None = None
    first: tuple[Turn, ...] = ()
    second_person: bool = False
    attested: int = 0
    outcome: Outcome = Outcome.PASSED
    code: int = 0
    report: tuple[str, ...] = ()
    undone: tuple[str, ...] = field(default=())


def mistype_another(staging: ForeignStaging) -> None:
    """Somebody else writes a file at the same time."""
    (staging.folder / "nginx/conf.d/others.conf").write_text("keepalive_timeuot 5s;\n")


def remove_the_other(staging: ForeignStaging) -> None:
    """By hand, as `nginx -t` has just named it."""
    (staging.folder / "nginx/conf.d/others.conf").unlink()


ACTS: Mapping[str, Acts] = {
    "redis full": Acts(
        (Turn("info memory | tr -d", ("e", USED, ".", "y")),),
        attested=1, outcome=Outcome.ATTESTED,
        report=("I read used memory again: attested, exit code 0", "edited by", "used_memory:"),
    ),
    "redis stopped": Acts(
        (Turn("docker compose start redis", ("n", "its host was started anew at 02:10 | by nobody we know")),),
        report=("noted by", "its host was started anew at 02:10 \\| by nobody we know", BY_HAND),
    ),
    "forgotten transaction": Acts(
        second_person=True, report=(f" {SECOND}: approves step ", f"approved by {SECOND}"),
    ),
    "instance stopped": Acts(
        (Turn("describe-target-group-attributes", ("s", "it is 30 seconds here, as everybody knows")),),
        outcome=Outcome.NOT_REACHED, code=1,
        report=("I read how long connections drain; skipped by", "it is 30 seconds here, as everybody knows"),
    ),
    "nginx mistyped": Acts(
        (Turn("nginx -t && nginx -s reload", ("r",), mistype_another),), remove_the_other,
        attested=1, outcome=Outcome.ATTESTED,
        report=("I test, and reload only if the test is good: attested, exit code 0", "tried again by",
                "ended with exit code 1"),
    ),
    "certificate expired": Acts(
        first=(Turn("nginx -t && nginx -s reload", ("q",)),),
        undone=("kept ready: “put the former pair back”", "undone: “put the former pair back”",
                "I put the new pair in place, the key readable by its owner alone: passed, exit code 0"),
        report=("I test, and reload only if the new pair is in place and the test is good: passed, exit code 0",),
    ),
    "migration failed": Acts(
        (Turn("CORRECTED_FILE", ("n", "<b>the default</b> was agreed on")),),
        report=("\\<b\\>the default\\</b\\> was agreed on", BY_HAND),
    ),
    "table dropped": Acts(
        (Turn("database-backup restore", ("r", "7", "r", SECOND)),), second_person=True,
        report=(f" {SECOND}: approves step ",),
    ),
    "payments failing": Acts(
        (Turn("beautycort notify", ("n", "their status page says nothing yet")),),
        report=("their status page says nothing yet", "opens a ticket with the vendor"),
    ),
}  # fmt: skip
"""By the name of the incident."""
