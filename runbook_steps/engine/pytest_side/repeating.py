"""`--repeat` and `--shuffle`: the same proof again and again, in other orders, and what did not end alike each time.

Each round is a pytest of its own with a target of its own, as a person would start it: nothing of one is left in the
next. The seed of a round gives its order again.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from runbook_steps.engine.errors import RunbookError
from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import load_evidence
from runbook_steps.engine.pytest_side.session_settings import settings_of

__all__ = ["Round", "repeat", "seed_of", "shuffled", "summary_of"]

_SEEDS = 1_000_000
_SEED = pytest.StashKey[int]()
_GOES_ON = frozenset({pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED})


@dataclass(frozen=True)
class Round:
    """One of the runs: its number from 1, its seed (None: in the order of the files), how each scenario ended."""

    number: int
    seed: int | None
    outcomes: Mapping[str, Outcome]

    def __str__(self) -> str:
        """How to have it again."""
        return f"round {self.number}" + (f": --shuffle --seed {self.seed}" if self.seed is not None else "")


def seed_of(config: pytest.Config) -> int:
    """The seed that was given, or one for this run; workers of pytest-xdist get that of their session."""
    if _SEED not in config.stash:
        given = config.getoption("--seed")
        shared = getattr(config, "workerinput", {}).get("runbooks_seed")
        made = random.SystemRandom().randrange(_SEEDS) if given is None and shared is None else 0
        config.stash[_SEED] = shared if shared is not None else given if given is not None else made
    return config.stash[_SEED]


def shuffled(items: Sequence[pytest.Item], seed: int) -> list[pytest.Item]:
    """The same items in an order that the seed decides."""
    order = list(items)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, no secret
    return order


def repeat(config: pytest.Config, times: int) -> int:
    """Runs so many rounds, tells what did not end alike, and gives the worst exit code.

    A round that could not prove anything (wrong use, interrupted) is the last one, and its code is given.
    """
    first = seed_of(config) if config.getoption("--shuffle") else None
    rounds: list[Round] = []
    codes: list[int] = []
    for number in range(1, times + 1):
        seed = None if first is None else first + number - 1
        _say(f"=== round {number} of {times}" + (f", seed {seed}" if seed is not None else ""))
        began = datetime.now(UTC)
        codes.append(_run(config, seed))
        rounds.append(Round(number, seed, _outcomes_since(config, began)))
        if codes[-1] not in _GOES_ON:
            break
    _say("", *summary_of(rounds))
    return codes[-1] if codes[-1] not in _GOES_ON else max(codes)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _run(config: pytest.Config, seed: int | None) -> int:
    order = [] if seed is None else ["--shuffle", f"--seed={seed}"]
    command = [sys.executable, "-m", "pytest", *config.invocation_params.args, "--repeat=1", *order]
    with subprocess.Popen(command, cwd=config.invocation_params.dir) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the terminal sent it to both; that one cleans up
            return child.wait() or int(pytest.ExitCode.INTERRUPTED)


def _outcomes_since(config: pytest.Config, began: datetime) -> dict[str, Outcome]:
    try:
        settings = settings_of(config)
        file = settings.evidence_file(config.getoption("--target") or settings.default_target)
        records = load_evidence(file).records if file.exists() else {}
    except RunbookError:
        return {}  # the round has said it
    return {key: record.outcome for key, record in records.items() if datetime.fromisoformat(record.started) >= began}


def summary_of(rounds: Sequence[Round]) -> list[str]:
    """What ended alike in each round, what did not, and what failed each time; one line for each scenario."""
    ended: dict[str, Counter[Outcome]] = {}
    for each in rounds:
        for key, outcome in each.outcomes.items():
            ended.setdefault(key, Counter())[outcome] += 1
    lines = []
    for key, counts in sorted(ended.items()):
        failed = [each for each in rounds if each.outcomes.get(key) not in {None, counts.most_common(1)[0][0]}]
        if len(counts) > 1:
            told = ", ".join(f"{outcome} {count}" for outcome, count in counts.most_common())
            lines.append(f"  UNSTEADY {key}: {told} ({failed[0]})")
        elif Outcome.FAILED in counts:
            lines.append(f"  FAILED each time: {key}")
    unsteady = sum(line.startswith("  UNSTEADY") for line in lines)
    times = f"{len(rounds)} round{'s' if len(rounds) > 1 else ''}"
    known = f"{len(ended)} scenario{'s' if len(ended) > 1 else ''}"
    head = f"{times}, {known}: {unsteady or 'none'} did not end alike each time"
    return [head if ended else f"{times}, and no scenario ended in any of them", *lines]
