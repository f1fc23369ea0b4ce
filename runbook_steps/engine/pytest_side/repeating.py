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
        shared = getattr(config, "workerinput", {}).get("runbooks_seed")
        known = (each for each in (shared, config.getoption("--seed")) if each is not None)
        config.stash[_SEED] = next(known, random.SystemRandom().randrange(_SEEDS))
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
    """What ended alike in each round, what did not, and what failed each time; one line for each scenario.

    One that a round tells nothing of, because its worker died, did not end alike.
    """
    known = sorted({key for each in rounds for key in each.outcomes})
    unsteady, failed = [], []
    for key in known:
        ended = [(str(each.outcomes[key]) if key in each.outcomes else "without a record", each) for each in rounds]
        counts = Counter(outcome for outcome, _ in ended).most_common()
        if len(counts) > 1:
            told = ", ".join(f"{outcome} {count}" for outcome, count in counts)
            first = next(each for outcome, each in ended if outcome != counts[0][0])
            unsteady.append(f"  UNSTEADY {key}: {told} ({first})")
        elif counts[0][0] == str(Outcome.FAILED):
            failed.append(f"  FAILED each time: {key}")
    times = f"{len(rounds)} round{'s' if len(rounds) > 1 else ''}"
    if not known:
        return [f"{times}, and no scenario ended in any of them"]
    scenarios = f"{len(known)} scenario{'s' if len(known) > 1 else ''}"
    return [f"{times}, {scenarios}: {len(unsteady) or 'none'} did not end alike each time", *failed, *unsteady]
