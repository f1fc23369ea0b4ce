"""An alarm of CloudWatch that rings, or that is missing."""

from __future__ import annotations

from typing import Any

from runbook_steps.engine.errors import FaultError, NotRunnableHere
from runbook_steps.engine.run.situation import Observation

__all__ = ["AlarmMissing", "AlarmRaised", "AlarmRinging"]

_KEPT = (
    "AlarmName",
    "Namespace",
    "MetricName",
    "Threshold",
    "Unit",
    "ComparisonOperator",
    "EvaluationPeriods",
    "Period",
    "Statistic",
    "Dimensions",
    "ActionsEnabled",
    "AlarmActions",
    "TreatMissingData",
)


class _Alarm:
    def __init__(self, cloudwatch: Any, alarm: str) -> None:
        self._cloudwatch = cloudwatch
        self._alarm = alarm

    def _found(self) -> dict[str, Any] | None:
        alarms = self._cloudwatch.describe_alarms(AlarmNames=[self._alarm])["MetricAlarms"]
        return dict(alarms[0]) if alarms else None


class AlarmRinging(_Alarm):
    """The alarm is in the state ALARM, as when its metric passed the threshold."""

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the alarm {self._alarm} is ringing"

    def arrange(self) -> None:
        """Sets its state."""
        self._cloudwatch.set_alarm_state(
            AlarmName=self._alarm, StateValue="ALARM", StateReason="drill: above the threshold for 3 minutes"
        )

    def observe(self) -> Observation:
        """Reads its state."""
        found = self._found()
        if found is None:
            raise NotRunnableHere(f"CloudWatch has no alarm {self._alarm}: it cannot ring, whatever happens")
        return Observation(found["StateValue"] == "ALARM", f"{self._alarm}: {found['StateValue']}")

    def clear(self) -> None:
        """Sets it back."""
        self._cloudwatch.set_alarm_state(AlarmName=self._alarm, StateValue="OK", StateReason="drill: over")


class AlarmMissing(_Alarm):
    """The alarm was deleted: what it watches can fail unheard."""

    def __init__(self, cloudwatch: Any, alarm: str) -> None:
        super().__init__(cloudwatch, alarm)
        self._before: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the alarm {self._alarm} is missing"

    def arrange(self) -> None:
        """Deletes it. Raises FaultError when it was not there to delete."""
        found = self._found()
        if found is None:
            raise FaultError(f"there is no alarm {self._alarm}")
        self._before = {key: found[key] for key in _KEPT if found.get(key) not in (None, "")}
        measured = {"MetricName": found["MetricName"], "Dimensions": found.get("Dimensions", []), "Value": 1.0}
        self._cloudwatch.put_metric_data(Namespace=found["Namespace"], MetricData=[measured])
        self._cloudwatch.delete_alarms(AlarmNames=[self._alarm])

    def observe(self) -> Observation:
        """Looks for it."""
        found = self._found()
        return Observation(found is None, f"{self._alarm}: {'missing' if found is None else found['StateValue']}")

    def clear(self) -> None:
        """Makes it as it was."""
        if self._before:
            self._cloudwatch.put_metric_alarm(**self._before)
            self._cloudwatch.set_alarm_state(AlarmName=self._alarm, StateValue="OK", StateReason="drill: over")


class AlarmRaised(_Alarm):
    """An alarm that a security tool made, and that rings."""

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the alarm {self._alarm} was raised"

    def arrange(self) -> None:
        """Makes it and sets its state."""
        self._cloudwatch.put_metric_alarm(
            AlarmName=self._alarm,
            Namespace="BeautyCort",
            MetricName="SecurityIncidents",
            Threshold=0.0,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            Period=60,
            Statistic="Sum",
        )
        self._cloudwatch.set_alarm_state(AlarmName=self._alarm, StateValue="ALARM", StateReason="drill: an attack")

    def observe(self) -> Observation:
        """Reads its state."""
        found = self._found()
        return Observation(found is not None, f"{self._alarm}: {found['StateValue'] if found else 'missing'}")

    def clear(self) -> None:
        """Removes it."""
        self._cloudwatch.delete_alarms(AlarmNames=[self._alarm])
