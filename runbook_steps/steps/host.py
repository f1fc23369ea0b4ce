"""The host: who takes the processor, the memory, the disk; and who has let go again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.full_volume import FullVolume
from runbook_steps.faults.hungry_process import LeakingProcess, SpinningProcess
from runbook_steps.operations.host import disk_of, held_files
from runbook_steps.steps.monitoring import Watch

ENDED_S = 10.0
ROOM_PERCENT = 50.0


@pytest.fixture
def culprit() -> dict[str, Any]:
    """The process or volume of the scenario's fault."""
    return {}


def only_disposable(target: Target, what: str) -> None:
    """Raises NotRunnableHere on a live target: there the machine is not ours to burden."""
    if not target.facts.disposable:
        raise NotRunnableHere(f"{what} is arranged on a disposable target only")


def burden(
    situation: Situation,
    fault: SpinningProcess | LeakingProcess,
    culprit: dict[str, Any],
    variables: dict[str, str],
    watch: Watch,
) -> None:
    """Starts a process that takes too much, and names it for the commands."""
    situation.arrange(fault)
    watch.host_has(process=fault.pid)
    culprit["pid"], variables["SUSPECT"] = fault.pid, fault.called


@given("a process uses a whole CPU core")
def a_process_spins(
    target: Target,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    culprit: dict[str, Any],
    variables: dict[str, str],
    watch: Watch,
) -> None:
    only_disposable(target, "a spinning process")
    burden(situation, SpinningProcess(environment()), culprit, variables, watch)


@given("a process leaks memory")
def a_process_leaks(
    target: Target,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    culprit: dict[str, Any],
    variables: dict[str, str],
    watch: Watch,
) -> None:
    only_disposable(target, "a leak")
    variables["HOST_MINUTE"] = "250ms"  # nobody waits ten minutes in a drill
    burden(situation, LeakingProcess(environment()), culprit, variables, watch)


@given("the log volume is full of rotated logs")
def volume_full_of_logs(
    target: Target,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    culprit: dict[str, Any],
    variables: dict[str, str],
    watch: Watch,
) -> None:
    fill(target, situation, FullVolume(environment()), culprit, variables, watch)


@given("the log volume is full of a log that was deleted while it is written")
def volume_full_of_a_deleted_log(
    target: Target,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    culprit: dict[str, Any],
    variables: dict[str, str],
    watch: Watch,
) -> None:
    fill(target, situation, FullVolume(environment(), held=True), culprit, variables, watch)


def fill(
    target: Target,
    situation: Situation,
    fault: FullVolume,
    culprit: dict[str, Any],
    variables: dict[str, str],
    watch: Watch,
) -> None:
    """Makes the volume, and tells the procedure where it is."""
    only_disposable(target, "a full volume")
    situation.arrange(fault)
    watch.host_has(volume=fault.path)
    culprit["pid"], culprit["volume"] = fault.pid, fault.path
    variables["LOG_VOLUME"] = str(fault.path)


@given("the process of instance 2 is noted")
def known_process(control: ServiceControl, culprit: dict[str, Any], variables: dict[str, str]) -> None:
    culprit["pid"] = control.pid("api_2")
    variables["INSTANCE"] = "beautycort-api-2"
    assert culprit["pid"] is not None


@then("that process is among those that use the most CPU")
def spinning_is_listed(last_result: Result, culprit: dict[str, Any], note: Callable[[str], None]) -> None:
    rows = {row["pid"]: row["cpu_percent"] for row in answer_of(last_result)["processes"]}
    note(f"{rows.get(culprit['pid'])} % of a core")
    assert rows.get(culprit["pid"], 0) > 0


@then("that process is the one that grows most")
def leaking_grows(last_result: Result, culprit: dict[str, Any], note: Callable[[str], None]) -> None:
    growing = answer_of(last_result)["growing"]
    note(f"{growing[0]['growth'] // (1024 * 1024)} MiB a second" if growing else "nothing grows")
    assert culprit["pid"] == growing[0]["pid"]


@then("that process is gone")
def process_is_gone(culprit: dict[str, Any]) -> None:
    end = time.monotonic() + ENDED_S
    while psutil.pid_exists(culprit["pid"]) and psutil.Process(culprit["pid"]).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > end:
            raise CheckFailed(f"process {culprit['pid']} still lives")
        time.sleep(0.02)


@then("the numbers are those of this host")
def numbers_are_true(last_result: Result) -> None:
    answer = answer_of(last_result)
    assert os.cpu_count() == answer.get("cores", os.cpu_count())
    assert psutil.virtual_memory().total == answer.get("total", psutil.virtual_memory().total)


@then("the disk that is reported holds the log folder")
def disk_is_true(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    found = disk_of(Path(environment()["LOG_DIR"]))
    assert found.size == answer_of(last_result)["size"]
    assert abs(found.used_percent - answer_of(last_result)["used_percent"]) < 5  # noqa: PLR2004 - others write as well


@then(parsers.parse('the biggest file it names is "{name}"'))
def biggest_file_is(last_result: Result, name: str) -> None:
    assert name == Path(answer_of(last_result)["biggest"][0]["file"]).name


@then("the volume has room, and the application writes its log again")
def volume_has_room(culprit: dict[str, Any], note: Callable[[str], None]) -> None:
    volume: Path = culprit["volume"]
    note(f"{disk_of(volume).used_percent} % used")
    assert disk_of(volume).used_percent < ROOM_PERCENT
    handles = Path(f"/proc/{culprit['pid']}/fd").iterdir()
    (log,) = [handle for handle in handles if "app.log" in str(handle.readlink())]
    size, end = log.stat().st_size, time.monotonic() + ENDED_S
    while log.stat().st_size <= size:
        if time.monotonic() > end:
            raise CheckFailed("the log does not grow")
        time.sleep(0.02)


@then("no security log was removed")
def security_logs_are_there(culprit: dict[str, Any]) -> None:
    names = sorted(file.name for file in culprit["volume"].glob("security.log*"))
    assert names == ["security.log", "security.log.1"]


@then("no deleted file takes up space any more")
def nothing_is_held(culprit: dict[str, Any]) -> None:
    assert [file for file in held_files(culprit["volume"]) if file.size > 4096] == []  # noqa: PLR2004 - what it wrote since


@then("another process serves as instance 2, and it answers")
def another_process(control: ServiceControl, culprit: dict[str, Any], api: Any) -> None:
    now = control.pid("api_2")
    assert now is not None
    assert now != culprit["pid"]
    served = {api.get("/api/version").headers["X-Served-By"] for _ in range(20)}
    assert "api_2" in served
