"""The same proof again and again, in other orders: what does not end alike is named, with what gives it again."""

from __future__ import annotations

import argparse
import re

import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.pytest_side.plugin import _rounds
from runbook_steps.engine.pytest_side.repeating import Round, summary_of
from tests.unit.pytest_side.proof_project import prove, scenario, write

ORDERED = [f"s{number:02}" for number in range(6)]


def changing(command: str) -> str:
    """A feature whose command may write."""
    return scenario(command).replace("@risk_readonly", "@risk_mutating")


def order(project: pytest.Pytester, *arguments: str) -> list[str]:
    """The names of the features, as they ran."""
    log = project.path / "log"
    log.unlink(missing_ok=True)
    result = prove(project, *arguments)
    result.assert_outcomes(passed=len(ORDERED))
    (project.path / "told").write_text(result.stdout.str(), "utf-8")
    return log.read_text("utf-8").split()


def test_a_seed_gives_an_order_again(project: pytest.Pytester) -> None:
    """Without `--shuffle` it is that of the files; the seed is told."""
    for name in ORDERED:
        write(project, changing(f"echo {name} >> {project.path}/log"), name)
    assert order(project) == ORDERED
    first = order(project, "--shuffle", "--seed", "1")
    assert sorted(first) == ORDERED
    assert first != ORDERED
    assert order(project, "--shuffle", "--seed=1") == first
    made = order(project, "--shuffle", "-q")
    seed = re.search(r"--shuffle --seed (\d+) gives this order again", (project.path / "told").read_text("utf-8"))
    assert seed is not None
    assert order(project, "--shuffle", "--seed", seed[1]) == made


def test_workers_share_one_order(project: pytest.Pytester) -> None:
    """Else pytest-xdist would refuse them: they did not collect the same."""
    for name in ORDERED:
        write(project, scenario("true"), name)
    result = prove(project, "--shuffle", "-n", "2")
    result.assert_outcomes(passed=len(ORDERED))
    assert result.stdout.str().count("gives this order again") == 1


def test_what_does_not_end_alike_is_named_with_its_round(project: pytest.Pytester) -> None:
    """It fails in the second round only; the worst exit code is that of all, and each round is a run of its own."""
    write(project, scenario("true"), "steady")
    write(project, changing(f"echo >> {project.path}/times; test $(wc -l < {project.path}/times) -ne 2"), "unsteady")
    result = prove(project, "--repeat", "3", "--shuffle", "--seed", "40")
    said = result.stdout.str()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert [line for line in said.splitlines() if line.startswith("===  round") or "=== round" in line] == [
        f"=== round {number} of 3, seed {39 + number}" for number in (1, 2, 3)
    ]
    assert said.splitlines()[-2:] == [
        "3 rounds, 2 scenarios: 1 did not end alike each time",
        "  UNSTEADY features/unsteady.feature::S: passed 2, failed 1 (round 2: --shuffle --seed 41)",
    ]
    assert len(list((project.path / "build/journal").glob("*.jsonl"))) == 3


def test_rounds_that_end_alike_are_good(project: pytest.Pytester) -> None:
    """Also in the order of the files."""
    write(project, scenario("true"))
    result = prove(project, "--repeat=2")
    assert result.ret == pytest.ExitCode.OK
    assert result.stdout.str().splitlines()[-1] == "2 rounds, 1 scenario: none did not end alike each time"


def test_a_round_that_proves_nothing_is_the_last(project: pytest.Pytester) -> None:
    """Wrong use is wrong in every round, and no good news."""
    write(project, scenario("true"))
    result = prove(project, "--repeat", "5", "--shard", "9/2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "=== round 2" not in result.stdout.str()
    assert result.stdout.str().splitlines()[-1] == "1 round, and no scenario ended in any of them"


@pytest.mark.parametrize("said", ["0", "-1", "many", "1.5", ""])
def test_a_number_of_rounds_that_is_none_is_refused(said: str) -> None:
    """In one line, before anything runs."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no number of rounds: 1 or more"):
        _rounds(said)


def test_what_failed_each_time_is_no_flake() -> None:
    """It is said all the same; the round that is named is the first of the rarer kind."""
    ended = [
        {"a": Outcome.FAILED, "b": Outcome.FAILED},
        {"a": Outcome.FAILED, "b": Outcome.PASSED},
        {"a": Outcome.FAILED, "b": Outcome.FAILED},
    ]
    rounds = [Round(number, None, outcomes) for number, outcomes in enumerate(ended, 1)]
    assert summary_of(rounds) == [
        "3 rounds, 2 scenarios: 1 did not end alike each time",
        "  FAILED each time: a",
        "  UNSTEADY b: failed 2, passed 1 (round 2)",
    ]


def test_what_a_round_tells_nothing_of_did_not_end_alike() -> None:
    """Its worker died there: nothing was told, and that is no good news."""
    rounds = [Round(1, 7, {"a": Outcome.PASSED, "b": Outcome.PASSED}), Round(2, 8, {"a": Outcome.PASSED})]
    assert summary_of(rounds) == [
        "2 rounds, 2 scenarios: 1 did not end alike each time",
        "  UNSTEADY b: passed 1, without a record 1 (round 2: --shuffle --seed 8)",
    ]
