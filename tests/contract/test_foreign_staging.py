"""A staging of Debian's own services that this project did not build: checked as a whole, and nine incidents on it.

In the gate three incidents are worked on; all nine, and stagings that are set up otherwise, with
RUNBOOKS_INCIDENTS=all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from runbook_steps.engine.guards.services.guard import can_lock_down
from tests.foreign_staging import aws
from tests.foreign_staging.acts import ACTS, Acts
from tests.foreign_staging.incidents import INCIDENTS
from tests.foreign_staging.staging import ForeignStaging
from tests.foreign_staging.variation import missing_programs
from tests.foreign_staging.varied import VARIED
from tests.foreign_staging.worked import Worked, project_beside, work

LACKING = missing_programs() + ([] if can_lock_down() else ["a kernel with Landlock and TCP rules"])
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(LACKING), reason=f"no foreign staging on this machine, it lacks {', '.join(LACKING)}"),
]
IN_THE_GATE = ("forgotten transaction", "instance stopped", "table dropped")
EVERYTHING = os.environ.get("RUNBOOKS_INCIDENTS") == "all"
CHOSEN = tuple(INCIDENTS) if EVERYTHING else IN_THE_GATE
AS_SHOWN = Acts()
RAW = ("KeyError", "TypeError", "AttributeError", "IndexError", "ZeroDivisionError", "ValueError", "UndefinedTable",
       "UndefinedColumn", "the step itself is at fault")  # fmt: skip


@pytest.fixture(scope="module")
def staging() -> Iterator[ForeignStaging]:
    """Stood up once. Its folder is one that other accounts can enter."""
    with tempfile.TemporaryDirectory(prefix="foreign-staging-") as folder:
        Path(folder).chmod(0o755)
        with ForeignStaging(Path(folder) / "services") as found:
            yield found


def program(root: Path, staging: ForeignStaging, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of this project, as somebody runs it who has that `.env.staging`."""
    name, *rest = arguments
    command = [str(Path(sys.executable).with_name(name)), *rest]
    return subprocess.run(
        command, cwd=root, env={**os.environ, **staging.variables, **more}, capture_output=True, text=True, timeout=900,
        check=False,
    )  # fmt: skip


def results(root: Path) -> list[dict[str, Any]]:
    """What the evidence says of each scenario."""
    found: list[dict[str, Any]] = json.loads((root / "build/evidence/staging.json").read_text("utf-8"))["scenarios"]
    return found


def looked(record: dict[str, Any]) -> bool:
    """Whether it says something of the staging: it ran, or a Given looked and found nothing."""
    if record["outcome"] in {"passed", "failed"}:
        return True
    return record["outcome"] == "not applicable now" and any(
        step["outcome"] == "not applicable now" for step in record["steps"]
    )


def test_what_is_healthy_is_seen_so(staging: ForeignStaging, tmp_path: Path) -> None:
    """No raw exception, no failure that is not the staging's own, and 80 scenarios say something about it."""
    assert says_of_itself(project_beside(tmp_path / "project"), staging) >= 80


def says_of_itself(root: Path, staging: ForeignStaging, unlooked: str = "", to_blame: tuple[str, ...] = ()) -> int:
    """How many scenarios say something of a healthy staging, after all that must not be among them.

    `unlooked` is what the run says, red, of what it could not look at; `to_blame` is what fails by its fault.
    """
    done = program(root, staging, "pytest", "features/", "--target", "staging", "-q", "-p", "no:cacheprovider")
    found = results(root)
    told = {record["scenario"]: f"{record['outcome']}: {record['reason']}" for record in found}
    assert {name: said for name, said in told.items() if any(word in said for word in RAW)} == {}
    failed = {record["scenario"]: record["reason"] for record in found if record["outcome"] == "failed"}
    assert {name: reason for name, reason in failed.items() if name not in to_blame} == {}
    assert failed.keys() == set(to_blame)
    assert done.returncode == (1 if unlooked or to_blame else 0), done.stdout[-4000:]
    assert unlooked in done.stdout
    print(Counter(record["outcome"] for record in found))  # noqa: T201 - shown where it says too little
    return sum(map(looked, found))


@pytest.mark.parametrize("name", CHOSEN)
def test_an_incident_is_recognised_worked_on_and_over(name: str, staging: ForeignStaging, tmp_path: Path) -> None:
    """Made by hand, seen without going on anyway, led through, over for its users, and recorded as it was."""
    acts = ACTS[name]
    is_worked_on(name, staging, project_beside(tmp_path / "project", second_person=acts.second_person), acts)


@pytest.mark.skipif(not EVERYTHING, reason="RUNBOOKS_INCIDENTS is not all")
@pytest.mark.parametrize("how", VARIED)
def test_a_staging_that_is_set_up_otherwise_is_no_other_case(how: str, tmp_path: Path) -> None:
    """Healthy it is seen so, as far as it can be looked at; the incidents that its ways touch are over at the end."""
    varied = VARIED[how]
    with tempfile.TemporaryDirectory(prefix="foreign-staging-") as folder:
        Path(folder).chmod(0o755)
        with ForeignStaging(Path(folder) / "services", varied.variation) as staging:
            said = says_of_itself(project_beside(tmp_path / "healthy"), staging, varied.unlooked, varied.to_blame)
            assert said >= varied.say
            for name in varied.incidents:
                is_worked_on(name, staging, project_beside(tmp_path / name))


def is_worked_on(name: str, staging: ForeignStaging, root: Path, acts: Acts = AS_SHOWN) -> None:
    """One incident, from its breaking to its end; the report tells of each step, and of all that a person did."""
    incident = INCIDENTS[name]
    stopped, worked = incident.acted(staging, root, acts)
    if stopped is not None:
        assert stopped.exit_code == 130, stopped.seen
        assert {said for said in acts.undone if said not in stopped.report} == set(), stopped.report
    assert "Go on anyway?" not in worked.seen, worked.seen
    assert worked.exit_code == acts.code, worked.seen
    assert incident.good(staging), worked.seen
    attested = incident.by_a_person + acts.attested
    assert worked.outcome == (acts.outcome if acts.code or not attested else "attested"), worked.reason
    assert len([text for text, outcome in worked.steps.items() if outcome == "attested"]) == attested
    assert set(worked.steps.values()) <= {"passed", "attested", "not runnable here", acts.outcome}
    assert {said for said in acts.report if said not in worked.report} == set(), worked.report
    assert worked.report.startswith(f"# {worked.scenario}: {worked.outcome}, on staging\n"), worked.report
    timeline = worked.report.partition("## Timeline")[2]
    assert {text for text in worked.steps if told(text) not in plain(timeline)} == set(), worked.report
    unproven = worked.report.partition("## What stays unproven")[2].partition("## Timeline")[0]
    left = {text for text, outcome in worked.steps.items() if outcome != "passed"}
    assert {text for text in left if text.removesuffix(":") not in plain(unproven)} == set(), worked.report
    assert (not left) == (unproven.strip() == "- Nothing."), worked.report
    incident.heals(staging)


def told(step: str) -> str:
    """The words for a step in a report: an undo that is kept ready has done nothing yet."""
    words, undo = step.removesuffix(":"), "I get ready to "
    return f"kept ready: “{words.removeprefix(undo)}”" if words.startswith(undo) else words


def plain(markdown: str) -> str:
    """As a reader sees it."""
    return re.sub(r"\\(.)", r"\1", markdown)


def test_what_a_restore_does_not_bring_back_fails(staging: ForeignStaging, tmp_path: Path) -> None:
    """A table that only the damage knows of: no backup has it, so nothing is recognised, and nothing passes."""
    with staging.admin() as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS never_backed_up AS SELECT 1 AS id")
        admin.execute("DROP TABLE never_backed_up")
    incident = INCIDENTS["table dropped"]
    worked: Worked = incident.looked_at(staging, project_beside(tmp_path / "project"))
    assert "no table has lost rows since" in worked.seen or "there is no backup of" in worked.seen, worked.seen
    assert worked.outcome == "not applicable now"
    assert worked.exit_code == 3


def one_of(root: Path, staging: ForeignStaging, feature: str, words: str, **more: str) -> dict[str, Any]:
    """What came of one scenario, by words of its name; `more` are further variables."""
    program(root, staging, "pytest", f"features/{feature}.feature", "--target", "staging", "-q", "-p",
            "no:cacheprovider", "-k", words.replace(" ", " and "), **more)  # fmt: skip
    (found,) = [record for record in results(root) if words in record["scenario"]]
    return found


def test_an_attack_is_found_and_kept_wherever_it_came_in(staging: ForeignStaging, tmp_path: Path) -> None:
    """By another door than the drill's: what counts is what the logs tell of that address."""
    attacker, root = "127.0.0.2", project_beside(tmp_path / "project")
    with httpx.Client(
        base_url=staging.site,
        transport=httpx.HTTPTransport(verify=staging.authority.trusted(), local_address=attacker),
    ) as client:
        codes = {client.post("/api/auth/refresh", json={"refreshToken": f"{n:064x}"}).status_code for n in range(3)}
    assert codes == {401}
    folder = tmp_path / "incident"
    known = {**staging.variables, "STAGING_ATTACKER": attacker, "STAGING_INCIDENT_DIR": str(folder)}
    found = one_of(root, staging, "security/breach-response", "guessing codes", STAGING_ATTACKER=attacker)
    assert found["outcome"] == "passed", found["reason"]
    nobody = one_of(root, staging, "security/breach-response", "guessing codes", STAGING_ATTACKER="192.0.2.9")
    assert nobody["outcome"] == "not applicable now", nobody["reason"]
    kept = work(root, known, "breach-response", "Copy the evidence", allow="mutating")
    assert set(kept.steps.values()) == {"passed", "attested"}, kept.seen
    assert attacker in (folder / "access.log").read_text("utf-8")


def test_an_empty_log_is_no_good_news(staging: ForeignStaging, tmp_path: Path) -> None:
    """The review of the security log does not pass on a file in which nothing stands."""
    (staging.folder / "logs" / "security.log").write_text("")
    found = one_of(project_beside(tmp_path / "project"), staging, "maintenance/monthly-maintenance", "security review")
    assert found["outcome"] == "not applicable now"
    assert "is empty: it names nobody, and does not tell whether anybody was there" in found["reason"]


def test_no_alarm_at_all_is_red(staging: ForeignStaging, tmp_path: Path) -> None:
    """An empty list of alarms does not read as calm."""
    url = f"http://127.0.0.1:{staging.addresses.aws}"
    aws.forget_the_alarms(url)
    try:
        found = one_of(project_beside(tmp_path / "project"), staging, "health/monitoring-dashboards", "Every threshold")
    finally:
        aws.watch(url)
    assert found["outcome"] == "failed"
    assert "CloudWatch knows no alarm: nothing would ring" in found["reason"]


def test_redis_and_the_api_stopped_is_red(staging: ForeignStaging, tmp_path: Path) -> None:
    """The health pages, and `target check`, each with what is down."""
    root = project_beside(tmp_path / "project")
    stopped = ("redis", "api_1", "api_2")
    for service in stopped:
        staging.stop(service)
    try:
        health = program(root, staging, "pytest", "features/health", "--target", "staging", "-q", "-p",
                         "no:cacheprovider")  # fmt: skip
        check = program(root, staging, "runbooks", "target", "check", "staging", "--format", "json")
    finally:
        for service in stopped:
            staging.start(service)
    assert health.returncode == 1, health.stdout
    told = {record["scenario"]: (record["outcome"], record["reason"]) for record in results(root)}
    assert told["The platform is healthy"][0] == "failed"
    assert [said for _, said in told.values() if any(word in said for word in RAW)] == []
    assert check.returncode != 0
    good = {part["part"]: part["good"] for part in json.loads(check.stdout)["parts"]}
    assert (good["redis"], good["api"], good["postgres"]) == (False, False, True)
