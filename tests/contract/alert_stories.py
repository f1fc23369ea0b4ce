"""The stories that Prometheus' own test runner is told of each rule: series over time, and when it must ring."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.sources.alerts_file import Alert, seconds_of

__all__ = ["CASES", "PROJECT", "RULED", "promtool_tests"]

PROJECT = load_project(Path(__file__).parents[2])
RULED = {name: alert for name, alert in PROJECT.alerts.items() if alert.expr}
CASES: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "alert_cases.yml").read_text("utf-8"))
STEP_S = 15
BLIND = "MonitoringBlind"  # about every job
FEW = 10

Series = Mapping[str, Any]


class Timeline:
    """Phases of a test, in steps of 15 s; a series is a value in each phase."""

    def __init__(self) -> None:
        self.steps = 0
        self._values: dict[str, list[str]] = {}
        self._counted: dict[str, float] = {}

    def phase(self, minutes: float, series: Series) -> None:
        """Adds minutes in which the series are so; one that is not among them is not there."""
        count = int(minutes * 60 // STEP_S)
        for name in {**self._values, **series}:
            values = self._values.setdefault(name, ["_"] * self.steps)
            for step in range(count):
                values.append(self._value(name, series.get(name, "none"), self.steps + step, first=step == 0))
        self.steps += count

    def _value(self, name: str, value: object, step: int, *, first: bool) -> str:
        if isinstance(value, str) and value.startswith("reset "):
            self._counted[name] = 0.0 if first else self._counted[name]
            value = value.removeprefix("reset ")
        if isinstance(value, str) and value.startswith("once "):
            value = value.removeprefix("once ") if first else "+0"
        if value in {"none", "gap"}:  # what a scrape no longer finds is over at once
            return "stale" if first or (value == "none" and step % 4 == 0) else "_"
        if isinstance(value, str) and (value == "now" or value.startswith(("now +", "now -"))):
            return str(step * STEP_S + float(value.removeprefix("now") or 0))
        if value in {"0 or 1", "1 of 10 fails"}:
            return str(step % 2 if value == "0 or 1" else int(step % 10 > 0))
        if value == "now in ms":
            return str(step * STEP_S * 1000)
        if isinstance(value, str) and value.startswith("+"):
            self._counted[name] = self._counted.get(name, 0.0) + float(value)
            return f"{self._counted[name]:.6f}"
        return str(value)

    def input(self) -> list[dict[str, str]]:
        """As promtool takes it."""
        return [{"series": name, "values": " ".join(values)} for name, values in self._values.items()]


def series_of(alert: Alert, case: Mapping[str, Any], changed: Series) -> Series:
    """All series of a rule, `changed` among them; where it asks for a job, another job is well all the time."""
    others = of_another_job(case["healthy"]) if 'job="' in alert.expr else {}
    return {**others, **case["healthy"], **changed}


def of_another_job(series: Series) -> Series:
    """The same, and nothing of the jobs that a rule is about."""
    return {re.sub(r'job="\w+"', 'job="elsewhere"', name): value for name, value in series.items()}


def expected(alert: Alert, timeline: Timeline, *, rings: bool, before_s: int = 60) -> tuple[int, str, bool]:
    """Whether it must ring so long before the end of what the timeline holds so far; the second of it."""
    return timeline.steps * STEP_S - before_s, alert.name, rings


def long(alert: Alert) -> int:
    """Minutes after which it must have rung: what it holds, its window, and a little."""
    return ((seconds_of(alert.hold) or 0) + (seconds_of(alert.window) or 0)) // 60 + 5


def story(alert: Alert, case: Mapping[str, Any], fault: Series, *, gap: bool = False) -> tuple[Timeline, list[Any]]:
    """Healthy for a while, the fault, perhaps a gap of two minutes in the readings, healthy again."""
    line, checks = Timeline(), []
    healthy, broken = series_of(alert, case, {}), series_of(alert, case, fault)
    line.phase(long(alert), healthy)
    checks.append(expected(alert, line, rings=False))
    line.phase(long(alert), broken)
    checks.append(expected(alert, line, rings=True))
    if gap:
        line.phase(2, dict.fromkeys(broken, "gap"))
        checks.append(expected(alert, line, rings=True))
        line.phase(long(alert), broken)
        checks.append(expected(alert, line, rings=True))
    line.phase(long(alert) + 12, healthy)
    checks.append(expected(alert, line, rings=False))
    return line, checks


def brief(alert: Alert, case: Mapping[str, Any]) -> tuple[Timeline, list[Any]]:
    """A fault that is over before its `for` is: nobody is woken."""
    line = Timeline()
    line.phase(long(alert), series_of(alert, case, {}))
    line.phase((seconds_of(alert.hold) or 0) / 60 - 0.5, series_of(alert, case, case["fault"]))
    during = expected(alert, line, rings=False, before_s=STEP_S)
    line.phase(long(alert), series_of(alert, case, {}))
    return line, [during, expected(alert, line, rings=False)]


def elsewhere(alert: Alert, case: Mapping[str, Any]) -> Series:
    """The fault in the same series of another job, which the rule is not about; {} where it asks for no job."""
    jobs = {job for name in case["fault"] for job in re.findall(r'job="(\w+)"', name)}
    if alert.name == BLIND or not jobs or not all(f'job="{job}"' in alert.expr for job in jobs):
        return {}
    return of_another_job({**case["healthy"], **case["fault"]})


def always_quiet(alert: Alert, case: Mapping[str, Any], changed: Series) -> tuple[Timeline, list[Any]]:
    """What must never ring: neither when it begins nor later."""
    line, checks = Timeline(), []
    line.phase(long(alert), series_of(alert, case, {}))
    series = series_of(alert, case, changed)
    for _ in range(2 * long(alert)):
        line.phase(1, series)
        checks.append(expected(alert, line, rings=False))
        series = {name: later(value) for name, value in series.items()}
    return line, checks


def later(value: object) -> object:
    """What becomes of a value after its beginning."""
    if not isinstance(value, str):
        return value
    return "+0" if value.startswith("once ") else value.removeprefix("reset ")


def stories(alert: Alert) -> Iterator[tuple[str, Timeline, list[Any]]]:
    """Every case of a rule, with its name."""
    case = CASES[alert.name]
    if case.get("rings") == "always":
        line = Timeline()
        line.phase(10, {"other": 1})
        yield "always", line, [(60, alert.name, True), (540, alert.name, True)]
        return
    yield "rings and resolves", *story(alert, case, case["fault"])
    yield "survives a gap", *story(alert, case, case["fault"], gap=True)
    yield "is over at once", *brief(alert, case)
    if other := elsewhere(alert, case):
        yield "of another job", *always_quiet(alert, case, other)
    for below in filter(None, [case.get("nearly")]):
        yield "nearly", *always_quiet(alert, case, below)
    for above in filter(None, [case.get("just")]):
        yield "just", *story(alert, case, above)
    for name, changed in case.get("also_rings", {}).items():
        yield name, *story(alert, case, changed)
    for name, changed in case.get("quiet", {}).items():
        yield name, *always_quiet(alert, case, changed)


def promtool_tests(name: str, as_well: Sequence[str] = ()) -> dict[str, Any]:
    """The file of tests of a rule. Only whether it rings is compared; `as_well` are rules that should do the same.

    Of what must never ring those are asked at every tenth minute only.
    """
    tests = [
        {
            "interval": f"{STEP_S}s",
            "name": f"{name}: {case}",
            "input_series": line.input(),
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{rule}",alertstate="firing"}}) > bool 0 or vector(0)',
                    "eval_time": f"{second}s",
                    "exp_samples": [{"labels": "{}", "value": int(wanted)}],
                }
                for number, (second, alert, wanted) in enumerate(checks)
                for rule in (alert, *(as_well if len(checks) < FEW or number % FEW == FEW - 1 else ()))
            ],
        }
        for case, line, checks in stories(RULED[name])
    ]
    return {"rule_files": ["rules.yml"], "evaluation_interval": f"{STEP_S}s", "tests": tests}
