"""The trend of the last runs as a drawing, the scenarios that come out now so, now so, and badges. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from runbook_steps.engine.model import Evidence, Outcome, Runbook
from runbook_steps.engine.proof.past_runs import PastRun, flaky
from runbook_steps.engine.proof.standing import Standing, Tone, standings
from runbook_steps.engine.site.words import duration, local_time
from runbook_steps.engine.text.html_text import inert, markdown_text

__all__ = ["badge_json", "badge_svg", "flaky_table", "overall_badge", "runbook_badge", "trend"]

_HEIGHT, _BAR, _GAP = 120, 14, 4
_COLOURS = {Tone.GOOD: "#1b7f3b", Tone.BAD: "#b3261e", Tone.PARTLY: "#8a5a00", Tone.NONE: "#5f6368"}
"""White text on each has a contrast of at least 4.5, WCAG 2.1 AA."""
_WORDS = {Tone.GOOD: "brightgreen", Tone.BAD: "red", Tone.PARTLY: "yellow", Tone.NONE: "lightgrey"}
_CHAR = 6.6  # wide, in pixels: Verdana at 11, on average


def trend(runs: Sequence[PastRun]) -> str:
    """HTML: for each target a bar per run, what passed below what did not; the numbers as a table beneath."""
    if not runs:
        return "\nNo run was kept yet: each one adds a bar here, the last 30 are shown.\n"
    targets = dict.fromkeys(run.target for run in runs)
    return "\n".join(_target([run for run in runs if run.target == target]) for target in targets)


def _target(runs: Sequence[PastRun]) -> str:
    most = max(1, *(len(run.outcomes) for run in runs))
    width = len(runs) * (_BAR + _GAP) + _GAP
    bars = []
    for number, run in enumerate(runs):
        passed = run.counted()[Outcome.PASSED]
        left, high = _GAP + number * (_BAR + _GAP), _HEIGHT * passed / most
        rest = _HEIGHT * (len(run.outcomes) - passed) / most
        bars.append(f'<rect class="rb-good" x="{left}" y="{_HEIGHT - high:.1f}" width="{_BAR}" height="{high:.1f}"/>')
        if rest:
            top = _HEIGHT - high - rest
            bars.append(f'<rect class="rb-bad" x="{left}" y="{top:.1f}" width="{_BAR}" height="{rest:.1f}"/>')
    name = inert(runs[0].target)
    last = runs[-1]
    says = f"{last.counted()[Outcome.PASSED]} of {len(last.outcomes)} scenarios passed in the last of {len(runs)} runs"
    rows = "".join(
        f"<tr><td>{inert(local_time(run.started))}</td><td>{inert(run.commit[:7])}</td>"
        f"<td>{run.counted()[Outcome.PASSED]} of {len(run.outcomes)}</td><td>{duration(run.duration_s)}</td></tr>"
        for run in reversed(runs)
    )
    return (
        f'\n<figure class="rb-trend"><svg viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}" '
        f'role="img" aria-label="{name}: {says}">{"".join(bars)}</svg><figcaption>{name}: {says}</figcaption></figure>'
        f"<details><summary>The runs on {name}, as a table</summary><table><thead><tr><th>Run</th><th>Commit</th>"
        f"<th>Passed</th><th>Took</th></tr></thead><tbody>{rows}</tbody></table></details>\n"
    )


def flaky_table(runs: Sequence[PastRun]) -> str:
    """Markdown: the scenarios that passed and failed on one commit."""
    found = flaky(runs)
    if not found:
        return "\nNone: no scenario both passed and failed on the same commit in the runs that are kept.\n"
    rows = [
        f"| {markdown_text(scenario.partition('::')[2])} | {markdown_text(target)} | {good} | {bad} |"
        for (target, scenario), (good, bad) in found.items()
    ]
    return "\n".join(["", "| Scenario | Target | Passed | Failed |", "| --- | --- | --- | --- |", *rows, ""])


# ── badges ───────────────────────────────────────────────────────────────────────────────────────


def runbook_badge(runbook: Runbook, evidence: Sequence[Evidence]) -> tuple[str, Tone]:
    """What a badge says of a runbook: the worst of its verdicts."""
    order = [Tone.BAD, Tone.PARTLY, Tone.NONE, Tone.GOOD]
    worst: Standing = min(standings(runbook, evidence), key=lambda standing: order.index(standing.tone))
    counted = f" {worst.proven}/{worst.total}" if worst.tone is Tone.PARTLY else ""
    return worst.headline.lower() + counted, worst.tone


def overall_badge(runbooks: Sequence[Runbook], evidence: Sequence[Evidence]) -> tuple[str, Tone]:
    """What the badge of the whole project says: how many runbooks are proven somewhere, and failed nowhere."""
    tones = [runbook_badge(runbook, evidence)[1] for runbook in runbooks]
    good = tones.count(Tone.GOOD)
    tone = Tone.BAD if Tone.BAD in tones else Tone.GOOD if good == len(tones) else Tone.PARTLY
    return f"{good} of {len(tones)} proven", tone


def badge_json(message: str, tone: Tone) -> str:
    """As shields.io asks for it: https://shields.io/badges/endpoint-badge."""
    return json.dumps({"schemaVersion": 1, "label": "runbooks", "message": message, "color": _WORDS[tone]}) + "\n"


def badge_svg(message: str, tone: Tone, label: str = "runbooks") -> str:
    """A badge that needs no service."""
    left, right = round(len(label) * _CHAR) + 12, round(len(message) * _CHAR) + 12
    said = inert(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{said}">'
        f'<title>{said}</title><rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[tone]}"/>'
        '<g fill="#fff" font-family="Verdana,Geneva,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{inert(label)}</text><text x="{left + right / 2}" y="14">{inert(message)}</text>'
        "</g></svg>\n"
    )
