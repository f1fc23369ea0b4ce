"""The exporters that the alerts rest on: one that has ended, and that it answers again."""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_bdd import given, then

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.faults.exporter_ended import ExporterEnded
from runbook_steps.faults.sessions import wait_until
from runbook_steps.stand_in.monitoring.stack import Monitoring
from runbook_steps.stand_in.monitoring.units import UNITS_VARIABLE
from runbook_steps.steps.monitoring import Watch

JOB, SERVICE, UNIT = "redis", "redis_exporter", "prometheus-redis-exporter"


def watching(watch: Watch) -> Monitoring:
    """The monitoring of the target. Raises NotRunnableHere where there is none: then there is no exporter."""
    if watch.monitoring is None:
        raise NotRunnableHere(f"no exporter runs here: {watch.absent}")
    return watch.monitoring


def answers(monitoring: Monitoring) -> bool | None:
    """Whether its last scrape was answered; None when there was none."""
    up = monitoring.value(f'up{{job="{JOB}"}}')
    return None if up is None else up == 1


@given("the exporter of Redis has ended")
def exporter_has_ended(
    watch: Watch, situation: Situation, variables: dict[str, str], note: Callable[[str], None]
) -> None:
    monitoring = watching(watch)
    assert monitoring.units is not None
    variables["EXPORTER"], variables[UNITS_VARIABLE] = UNIT, str(monitoring.units.folder)
    fault = ExporterEnded(
        JOB, lambda: monitoring.pid(SERVICE), lambda: answers(monitoring), lambda: monitoring.restart(SERVICE)
    )
    note(situation.arrange(fault).detail)


@then("it does not run")
def it_does_not_run(last_result: Result) -> None:
    if not re.search(r"^\s*Active: (inactive|failed)\b", last_result.stdout, re.MULTILINE):
        raise CheckFailed(f"the unit is not told as ended: {last_result.stdout.strip()[:200]}")


@then("Prometheus reads it again")
def it_is_read_again(watch: Watch) -> None:
    monitoring = watching(watch)
    wait_until(lambda: answers(monitoring) is True, "Prometheus reads the exporter again")
