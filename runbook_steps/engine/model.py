"""The values that everything else passes around: frozen, without behaviour that touches the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import Position

__all__ = [
    "Command",
    "Evidence",
    "FrontMatter",
    "Outcome",
    "Position",
    "Procedure",
    "Result",
    "Risk",
    "Role",
    "Row",
    "Runbook",
    "ScenarioRecord",
    "Step",
    "StepRecord",
    "TargetFacts",
]


class Risk(StrEnum):
    """What a procedure may do to the system it runs on; exactly one per scenario."""

    READONLY = "readonly"
    MUTATING = "mutating"
    DESTRUCTIVE = "destructive"

    @property
    def rank(self) -> int:
        """0 for readonly, 1 for mutating, 2 for destructive: a larger rank may do more harm."""
        return list(Risk).index(self)


class Role(StrEnum):
    """What a step is for: Given is the situation, When the procedure, Then the check."""

    GIVEN = "given"
    WHEN = "when"
    THEN = "then"


class Outcome(StrEnum):
    """The words for results, everywhere the same."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    INTERRUPTED = "interrupted"
    NOT_REACHED = "not reached"
    NOT_APPLICABLE = "not applicable now"
    NOT_RUNNABLE = "not runnable here"
    ATTESTED = "attested"
    NEVER_PROVEN = "never proven"
    STALE = "stale"


@dataclass(frozen=True)
class Command:
    """One command of a procedure, byte for byte as the feature holds it.

    `media_type` is `bash` or `sql`; `timeout_s` is in seconds and always set;
    `may_fail` marks a command whose refusal the scenario wants to see; `undo` one that is kept ready and
    run only when the scenario stops half-way; `ends_undo` one that takes the way back of what is kept away, or is it.
    """

    text: str
    media_type: str
    purpose: str
    position: Position
    timeout_s: float
    may_fail: bool = False
    undo: bool = False
    ends_undo: bool = False


@dataclass(frozen=True)
class Step:
    """One step of a scenario, its `And`/`But` resolved to a role.

    `text` is without the keyword. `manual` steps only a person can do.
    `table` is the step's data table, rows of cells, header first; `said` a docstring that is no command.
    `harmless` are the ways to break it that its feature declares to do no harm, each with the sentence that says why;
    `good_without` the blocks before it, counted from 1, that may have failed when it is pasted, in the same way.
    """

    role: Role
    keyword: str
    text: str
    position: Position
    command: Command | None = None
    manual: bool = False
    table: tuple[tuple[str, ...], ...] = ()
    said: str = ""
    from_background: bool = False
    harmless: tuple[tuple[Break, str], ...] = ()
    good_without: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of an outline as it runs: the steps with its cells in their places. `name` is a line of plain text."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Procedure:
    """One scenario. `name` is unique in its feature; a step's place in `steps` is its key, from here to the page.

    Of an outline `steps` are as written, `examples` its rows, header first, and `rows` what runs.
    `row` is the row's name in what `runs` gives. `text_hash` is the SHA-256 of all that the scenario says.
    """

    name: str
    description: str
    risk: Risk
    tags: frozenset[str]
    steps: tuple[Step, ...]
    position: Position
    examples: tuple[tuple[str, ...], ...] = ()
    rows: tuple[Row, ...] = ()
    row: str = ""
    text_hash: str = ""

    @property
    def runs(self) -> tuple[Procedure, ...]:
        """What is run: the scenario itself, or each row of an outline."""
        rows = tuple(replace(self, steps=row.steps, rows=(), row=row.name) for row in self.rows)
        return rows or (self,)

    @property
    def title(self) -> str:
        """The name, and for a row of an outline the row's: `Memory is freed[cache-1]`."""
        return f"{self.name}[{self.row}]" if self.row else self.name

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands, in the order they run."""
        return tuple(step.command for step in self.steps if step.command is not None)

    def id_in(self, feature: str) -> str:
        """The id in evidence and for pytest: `features/a.feature::Name`, `[row]` behind it for a row."""
        return f"{feature}::{self.title}"

    def tagged(self, prefix: str) -> tuple[str, ...]:
        """The rest of every tag that starts with `prefix`, sorted: `tagged("requires_")`."""
        return tuple(sorted(t.removeprefix(prefix) for t in self.tags if t.startswith(prefix)))


@dataclass(frozen=True)
class FrontMatter:
    """The head of a page. Dates are ISO 8601; `reviewed` is a person's claim, empty when nobody made it.

    `review_every` is in days. `severity` is a key of the severity data file, `owner` of the contacts file.
    `errors` are messages that a person sees, word for word. `moved_from` are former stems, `former_ids` former ids:
    both lead here. `parameters` are what a person must give: name and meaning.
    """

    title: str
    owner: str
    severity: str
    alerts: tuple[str, ...]
    services: tuple[str, ...]
    reviewed: str
    review_every_days: int
    expected_minutes: int
    id: str
    symptoms: tuple[str, ...] = ()
    moved_from: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    errors: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()


CONFIRMED = "RUNBOOKS_CONFIRMED"
"""The variable that answers a command's own question: the target's name. A run sets it that has asked."""
COUNTER_EXAMPLE = "counter_example"
"""The tag of a scenario that shows what must not be done: it stands under Background and is not copied."""


@dataclass(frozen=True)
class Runbook:
    """A page and its feature: they share the stem, `redis/out-of-memory`."""

    stem: str
    feature_path: str
    name: str
    description: str
    procedures: tuple[Procedure, ...]
    page_path: str | None = None
    front_matter: FrontMatter | None = None

    def procedure(self, name: str) -> Procedure | None:
        """The procedure of that name, or None."""
        return next((p for p in self.procedures if p.name == name), None)


@dataclass(frozen=True)
class Result:
    """What a command did. Output is what it printed, undecodable bytes replaced, cut in the middle when long.

    `exit_code` is None when the command was killed at its time limit. Times are in seconds.
    """

    command: Command
    exit_code: int | None
    stdout: str
    stderr: str
    duration_s: float
    timed_out: bool = False


@dataclass(frozen=True)
class StepRecord:
    """What happened at one step, redacted. `line` is the step's line in the feature."""

    role: Role
    keyword: str
    text: str
    line: int
    outcome: Outcome
    duration_s: float = 0.0
    command: str | None = None
    media_type: str | None = None
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScenarioRecord:
    """What happened to one scenario on one target, in one run.

    `id` is `features/a.feature::Name` (an outline's row adds `[row]`), `text_hash` the SHA-256 of the
    scenario's text, `sources` maps each file the proof rests on to its SHA-256.
    """

    id: str
    feature: str
    scenario: str
    risk: Risk
    outcome: Outcome
    started: str
    duration_s: float
    commit: str
    dirty: bool
    target: str
    emulated: Mapping[str, str]
    tools: Mapping[str, str]
    steps: tuple[StepRecord, ...]
    reason: str = ""
    text_hash: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    run: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything known to be proven, or not, on one target: one record per scenario id, the newest.

    `claimed` says why nobody has to believe it; empty when it is signed, or nobody asks for that.
    """

    target: str
    written: str
    records: Mapping[str, ScenarioRecord]
    claimed: str = ""

    @cached_property
    def by_scenario(self) -> Mapping[str, tuple[ScenarioRecord, ...]]:
        """`features/a.feature::Name` → its records: one, or one per row of an outline."""
        found: dict[str, list[ScenarioRecord]] = {}
        for record in self.records.values():
            found.setdefault(f"{record.feature}::{record.scenario}", []).append(record)
        return {name: tuple(records) for name, records in found.items()}


@dataclass(frozen=True)
class TargetFacts:
    """What the plan needs to know of a target.

    `disposable` targets may be broken on purpose; on others Given only observes.
    `tools` are the names of executables found on the target's PATH. `hidden` are files and folders that
    a read-only command must not see, `sockets` the UNIX sockets it may talk to, `refusals` the file in
    which what listens there writes what it refused, one JSON list a line. `parts` are those it has, None for all.
    `marks` are patterns of keys in a store that a mutating command may overwrite and remove. `places` are marks of
    where a live one is.
    """

    name: str
    disposable: bool
    allowed: Risk
    tools: frozenset[str] = frozenset()
    emulated: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    refusals: str = ""
    parts: frozenset[str] | None = None
    marks: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
