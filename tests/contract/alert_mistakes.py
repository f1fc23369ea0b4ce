"""The mistakes that a rule can have, each planted in every place where it can be made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runbook_steps.engine.sources.alerts_file import Alert, alternatives

__all__ = ["mistakes"]

Rule = Mapping[str, Any]
_PATTERNS = (
    ("a label that no series has", r'job="(\w+)"', r'jab="\1"'),
    ("the job is not asked for", r'job="\w+",?', r""),
    ("a window shorter than two scrapes", r"\[\d+m\]", r"[10s]"),
    ("a window of hours", r"\[(\d+)m\]", r"[\1h]"),
    ("seconds for milliseconds", r"\b1000 \* ", r""),
    ("a share for a percentage", r"\b100 \* ", r""),
    ("hours for days", r"/ 86400", r"/ 3600"),
    ("minutes for hours", r"/ 3600", r"/ 60"),
    ("a ratio that is a product", r" / ", r" * "),
    ("a division by zero", r" > 0(\.05)?\)", r")"),
    ("no case of absence", r"\babsent\(([^()]*)\)", r"(\1)"),
    ("the other way round", r" (>=?|<) (\d+)(?= or |$)", None),
    ("the threshold is a twentieth higher", r" (>=?|<) (\d+)(?= or |$)", 1.05),
    ("the threshold is a twentieth lower", r" (>=?|<) (\d+)(?= or |$)", 0.95),
)


def mistakes(alert: Alert, rule: Rule) -> Iterator[tuple[str, Rule]]:
    """What is wrong → the rule with that mistake. A threshold of one or two things is no measure that could be near."""
    expr = str(rule["expr"])
    for what, pattern, to in _PATTERNS:
        if isinstance(to, float) and alert.comparison == "at_least" and alert.unit != "%":
            continue
        for number, found in enumerate(re.finditer(pattern, expr), 1):
            put = found.expand(to) if isinstance(to, str) else _compared(found, to)
            yield f"{what}, {number}", {**rule, "expr": f"{expr[: found.start()]}{put}{expr[found.end() :]}"}
    parts = alternatives(expr)
    for number in range(len(parts) if len(parts) > 1 else 0):
        kept = [part.strip() for place, part in enumerate(parts) if place != number]
        yield f"an alternative is missing, {number + 1}", {**rule, "expr": " or ".join(kept)}
    if rule["for"] != "0s":
        yield "no `for`", {name: value for name, value in rule.items() if name != "for"}
        yield "a `for` of hours", {**rule, "for": "10h"}
        yield "it ends with a gap", {name: value for name, value in rule.items() if name != "keep_firing_for"}


def _compared(found: re.Match[str], factor: float | None) -> str:
    sign, threshold = found[1], float(found[2])
    if factor is None:
        return f" {'>' if sign == '<' else '<'} {found[2]}"
    return f" {sign} {threshold * factor:g}"
