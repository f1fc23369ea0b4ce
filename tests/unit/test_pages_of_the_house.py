"""What the pages of this project must say, beyond the rules that every project has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runbook_steps.engine.checks.drift import contact_drift
from runbook_steps.engine.guided.brief import shows_a_refusal
from runbook_steps.engine.model import COUNTER_EXAMPLE, Risk
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.run.pasted import PSQL
from runbook_steps.engine.site.blocks.procedure import procedure_block
from runbook_steps.engine.site.blocks.status import status_strip

ROOT = Path(__file__).parents[2]
KNOBS = ("${MINUTE", "HEALTH_PAUSE", "STABILITY_WATCH", "ACME_CA", "leaking-worker", "ROLLBACK_MINUTE")
DIRECT = "never the pooler in transaction mode"


def test_no_page_shows_a_knob_of_the_drill() -> None:
    """What a drill shortens, its target supplies: the page has production's command."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    assert [(c.position, knob) for c in commands for knob in KNOBS if knob in c.text] == []


def test_no_page_restarts_a_container_to_load_a_setting() -> None:
    """Docker keeps the settings of the container's creation: who changes the file creates the instances anew."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    changing = [c for c in commands if "API_ENV_FILE" in c.text and "sed -i" in c.text]
    assert changing
    assert [c.position for c in changing if "docker restart" in c.text or "docker compose up -d" not in c.text] == []


def test_what_a_reader_does_is_named_by_the_task() -> None:
    """Under Mitigation: “Free memory”, not “Memory is freed”, the result that a test proves."""
    first = re.compile(r"(?:(?! that | before | when | while | until |,).)*")
    result = re.compile(r" (?:is|are|was|were) ")
    changing = [p for r in load_project(ROOT).runbooks for p in r.procedures if p.risk is not Risk.READONLY]
    told = [p.name for p in changing if COUNTER_EXAMPLE not in p.tags and not any(c.may_fail for c in p.commands)]
    assert [name for name in told if (said := first.match(name)) and result.search(said[0])] == []


def test_what_only_shows_a_refusal_stands_among_no_remedies() -> None:
    """Under Background, as what must not be done does."""
    shown = {(r.page_path, p.name) for r in load_project(ROOT).runbooks for p in r.procedures if shows_a_refusal(p)}
    remedies = {
        page: (ROOT / page).read_text("utf-8").partition("\n## Mitigation")[2].partition("\n## ")[0]
        for page, _ in shown if page
    }  # fmt: skip
    assert len(shown) > 5
    assert [(page, name) for page, name in shown if page and f'procedure("{name}")' in remedies[page]] == []


def test_no_wait_is_for_a_number_of_the_drill() -> None:
    """On a cluster with more instances it never ends well; a counter-example waits for what it shows."""
    procedures = [p for r in load_project(ROOT).runbooks for p in r.procedures if COUNTER_EXAMPLE not in p.tags]
    exact = re.compile(r"[rR]eplicas\}'?=\d|--replicas=\d|\"m(?:ax|in)Replicas\": \d")
    assert [c.position for p in procedures for c in p.commands if exact.search(c.text)] == []


def test_what_takes_long_is_not_cancelled_by_the_role() -> None:
    """A `statement_timeout` of the role ends the build of an index, and leaves it invalid."""
    long = re.compile(r"\b(?:CREATE|REINDEX) .*CONCURRENTLY|^\s*VACUUM", re.MULTILINE)
    for runbook in load_project(ROOT).runbooks:
        commands = [c for p in runbook.procedures for c in p.commands if c.media_type == "sql"]
        if any(long.search(command.text) for command in commands):
            assert "`SHOW statement_timeout`" in (ROOT / f"docs/{runbook.stem}.md").read_text("utf-8"), runbook.stem


def test_no_page_takes_a_setting_away() -> None:
    """The drill has a second one behind it; production has none: the right value is written, the line never removed."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    settings = [c for c in commands if "API_ENV_FILE" in c.text]
    assert [c.position for c in settings if re.search(r"""sed -i\S* ["']/\^""", c.text)] == []


def test_no_page_leaves_one_instance_for_all_customers() -> None:
    """Who creates instances anew keeps half of them; one is enough for a drill with two."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    rolling = [c for c in commands if "--no-recreate" in c.text and "API_ENV_FILE" in c.text]
    assert rolling
    assert [c.position for c in rolling if "api=1" in c.text or "-lt 2" not in c.text] == []


def test_no_page_says_that_a_restart_loads_a_setting() -> None:
    """A person reads “restart the slots” as `docker restart`."""
    said = re.compile(
        r"(?:put|write|set|change)[^.`]*(?:`[^`]*`)?[^.`]*\brestart (?:the|every|all) (?:slots?|instances?)"
    )
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name not in {"about", "decisions"}]
    assert [path.name for path in pages if said.search(path.read_text("utf-8"))] == []


def test_no_page_shows_a_placeholder_of_an_outline() -> None:
    """Words hold every value of the column, a command that of the first row."""
    for runbook in load_project(ROOT).runbooks:
        for procedure in runbook.procedures:
            shown = procedure_block(procedure, runbook.feature_path, ())
            for column in procedure.examples[0] if procedure.examples else ():
                assert f"&lt;{column}&gt;" not in shown, (runbook.stem, procedure.name)


def test_a_page_with_sql_names_the_direct_address() -> None:
    """Through a pooler in transaction mode settings, locks and dumps misbehave; whatever the folder of the page."""
    asks = re.compile(r"\bpsql\b|beautycort (?:database-backup|migrate|validate)")
    for runbook in load_project(ROOT).runbooks:
        commands = [c for p in runbook.procedures for c in p.commands]
        if any(c.media_type == "sql" or asks.search(c.text) for c in commands):
            text = (ROOT / f"docs/{runbook.stem}.md").read_text("utf-8")
            assert DIRECT in text or "not through a pooler" in text, runbook.stem


def test_a_role_that_nobody_fills_is_red() -> None:
    """In the strip of its pages, and in what drifts."""
    project = load_project(ROOT)
    nobody = [role for role, contact in project.contacts.items() if contact.missing]
    drifted = [str(problem) for problem in contact_drift(project)]
    assert len(drifted) == len(nobody)
    for runbook in project.runbooks:
        if runbook.front_matter and runbook.front_matter.owner in nobody:
            strip = status_strip(runbook, (), project.severities, project.contacts)
            assert "nobody can be reached" in strip


def test_a_missing_table_is_looked_for_before_anything_is_restored() -> None:
    """More often it is another database, a search_path or a right: the look comes before the first restore."""
    text = (ROOT / "docs/database/backup-and-restore.md").read_text("utf-8")
    assert text.index("to_regclass('public.bookings')") < text.index("{{ procedure(")


def test_no_alarm_is_made_in_the_drills_namespace() -> None:
    """With another namespace than production's it has no data, and rings at once."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    making = [c for c in commands if "put-metric-alarm" in c.text]
    assert making
    assert [c.position for c in making if '--namespace "$namespace"' not in c.text] == []


def test_the_image_that_runs_is_scanned() -> None:
    """`latest` may be newer or older than what is deployed."""
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    scans = [c for c in commands if "trivy image" in c.text]
    assert scans
    assert [c.position for c in scans if ":latest" in c.text or "docker inspect" not in c.text] == []


def test_two_changes_of_one_sql_block_are_one_transaction() -> None:
    """An error does not end psql: the second change would be made to what the first one did not make."""
    change = re.compile(r"^(?:ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|TRUNCATE|GRANT|REVOKE)\b", re.MULTILINE)

    def parted(text: str) -> bool:
        starts = [found.start() for found in change.finditer(text)]
        return len(starts) > 1 and "BEGIN;" not in text[: starts[0]]

    assert [parted(text) for text in ("DROP ROLE a;\nDROP ROLE b;", "BEGIN;\nDROP ROLE a;\nDROP ROLE b;")] == [
        True,
        False,
    ]
    commands = [c for r in load_project(ROOT).runbooks for p in r.procedures for c in p.commands]
    assert [c.position for c in commands if c.media_type == "sql" and parted(c.text)] == []


@pytest.mark.parametrize(
    "page", ["emergency/incident-response", "infrastructure/nginx", "performance/api-responses",
             "security/breach-response", "security/certificate-renewal"],
)  # fmt: skip
def test_a_page_about_nginx_has_the_form_for_a_container(page: str) -> None:
    """On the host, and in a container: whoever is on call has one of the two."""
    assert "docker compose exec nginx nginx" in (text := (ROOT / f"docs/{page}.md").read_text("utf-8")) or (
        "docker compose start nginx" in text
    )


def test_evidence_is_more_than_the_files_of_one_host() -> None:
    """Said before the step that creates containers anew."""
    text = (ROOT / "docs/security/breach-response.md").read_text("utf-8")
    before = text[: text.index("### Investigation")]
    for where in ("docker logs", "cloudtrail lookup-events", "pg_stat_activity", "redis-cli --rdb", "snapshot"):
        assert where in before


def test_space_taken_by_docker_has_its_commands() -> None:
    """Images without a tag, the build cache, the logs of containers, the journal."""
    text = (ROOT / "docs/infrastructure/disk-space.md").read_text("utf-8")
    for command in ("docker image prune", "docker builder prune", "/var/lib/docker/containers", "journalctl --vacuum"):
        assert command in text


def test_the_first_night_is_prepared() -> None:
    """Install with the lock, which machine, which systems, the least versions, what stands in front of what."""
    text = (ROOT / "docs/reference/before-your-first-night.md").read_text("utf-8")
    for needed in ("--require-hashes", "requirements.lock", "Which machine a block runs on", "Supported systems",
                   "`psql` 15", "`redis-cli` 7", "`curl` 7.76", "`kubectl` 1.23", "(variables.md)"):  # fmt: skip
        assert needed in text
    for page in ("infrastructure/load-balancer", "health/daily-check"):
        assert "reference/before-your-first-night.md" in (ROOT / f"docs/{page}.md").read_text("utf-8")


def test_pages_agree_on_what_stands_in_front_of_the_api() -> None:
    """The load balancer asks the instances past nginx: nginx is the only way in only where there is no balancer."""
    for page in (ROOT / "docs/infrastructure").glob("*.md"):
        for line in page.read_text("utf-8").splitlines():
            assert "only way in" not in line or "without a load balancer" in line, page.name


def test_a_page_with_sql_says_where_it_is_pasted() -> None:
    """A block of bare SQL, at night, in a shell: forty lines of “command not found”.

    Opened as the gate does: somebody's ~/.psqlrc changes what is pasted, and a pager takes it for its own commands.
    """
    opened = " ".join(PSQL)
    assert f"`{opened}`" in (ROOT / "docs/reference/before-your-first-night.md").read_text("utf-8")
    for runbook in load_project(ROOT).runbooks:
        if any(command.media_type == "sql" for procedure in runbook.procedures for command in procedure.commands):
            text = (ROOT / f"docs/{runbook.stem}.md").read_text("utf-8")
            assert f"open `{opened}` in a shell that has these variables" in text, runbook.stem


@pytest.mark.parametrize(
    "way",
    [
        "beautycort releases record VERSION",
        "kubectl rollout history deployment api",
        "kubectl rollout undo deployment api",
        "kubectl rollout status deployment api",
        "docker compose up -d --no-deps --scale api=N api",
    ],
)
def test_a_way_back_that_the_pipeline_did_not_record_stands_on_the_page(way: str) -> None:
    """Before anything is rolled back: without a record the command knows of no previous release."""
    text = (ROOT / "docs/deployment/rollback.md").read_text("utf-8")
    assert f"`{way}`" in text[text.index("## Before you start") : text.index("## Diagnosis")]


@pytest.mark.parametrize(
    "said",
    ["is one more swap", "And it changes nothing at all", "A check is not healthy: it names", "None, in this order",
     "rings and wakes nobody.", "A leaking process is told", "A word in the channel", "Eviction costs", "build it.",
     "First choice: the former secret", "Its space is not freed, and the log is lost", "start it again with a limit",
     "so a slot must restart to free one"],
)  # fmt: skip
def test_a_sentence_that_was_a_riddle_is_gone(said: str) -> None:
    """What a tired person had to read twice."""
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name not in {"about", "decisions"}]
    assert [path.name for path in pages if said in path.read_text("utf-8")] == []
