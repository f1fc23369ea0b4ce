"""What a scenario leaves to the next one on the stand-in: no used-up limit, no dead connection to the database."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.layout import API_SLOTS, DEFAULT_SLOTS
from runbook_steps.stand_in.embedded.wire import ask
from tests.contract.test_embedded_control import proxied
from tests.contract.test_proof_end_to_end import ROOT, Run

BURST = 20  # what production lets through at once

# The second scenario is the first one's neighbour: both come from the same address.
NEIGHBOURS = """\
@risk_readonly @needs_nginx
Feature: Neighbours

  Scenario: One uses up the limit
    When I ask much too often:
      \"""bash
      curl -sS -o /dev/null -w '%{http_code}\\n' "$API_BASE_URL/api/version?[1-60]" | grep -c 503
      \"""
    Then it ends with exit code 0

  Scenario: The next one is held to the same limit
    When I ask as often as anybody may at once:
      \"""bash
      curl -sS -o /dev/null -w '%{http_code}\\n' "$API_BASE_URL/api/version?[1-20]" | grep -c 200 | grep -x 20
      \"""
    And I go on asking:
      \"""bash
      curl -sS -o /dev/null -w '%{http_code}\\n' "$API_BASE_URL/api/version?[1-60]" | grep -c 503
      \"""
    Then it ends with exit code 0
"""


def test_a_scenario_begins_in_a_calm_minute(tmp_path: Path) -> None:
    """Behind one that used up the limit nobody is refused; who then asks too often still is."""
    feature = tmp_path / "neighbours.feature"
    feature.write_text(NEIGHBOURS)
    run = Run(tmp_path, str(feature), "--rootdir", str(ROOT))
    assert run.process.wait(timeout=240) == 0, run.log.read_text()


def codes(client: httpx.Client, times: int = BURST) -> list[int]:
    """What the proxy answers to so many questions, one at once after the other."""
    return [client.get("/api/version").status_code for _ in range(times)]


def use_up(client: httpx.Client) -> None:
    """Asks until the proxy refuses."""
    while 503 not in codes(client):
        pass


def test_what_a_page_did_to_the_limit_stays(whole: EmbeddedTarget) -> None:
    """Only who asked is forgotten: rate and burst stay as a page has set them."""
    file = whole.layout.nginx / "limits.d" / "api.conf"
    before = file.read_text("utf-8")
    file.write_text(before.replace("rate=100r/m", "rate=30r/m").replace("burst=20", "burst=10"), "utf-8")
    try:
        for _ in range(3):
            with proxied(whole) as client:
                codes(client)
            whole.control.settle()
            text = file.read_text("utf-8")
            assert "rate=30r/m" in text
            assert "burst=10" in text
        with proxied(whole) as client:
            assert 503 in codes(client)
    finally:
        file.write_text(before, "utf-8")
        whole.control.reload("nginx")


def test_nothing_is_reloaded_where_nobody_asked(whole: EmbeddedTarget) -> None:
    """A drill that sent nothing through the proxy costs the next one no time; one request is enough to settle."""
    file = whole.layout.nginx / "limits.d" / "api.conf"
    with proxied(whole) as client:
        codes(client)
    whole.control.settle()
    settled = file.read_text("utf-8")

    whole.control.settle()
    assert settled == file.read_text("utf-8")

    with proxied(whole) as client:
        client.get("/api/health")
    whole.control.settle()
    assert settled != file.read_text("utf-8")


def test_what_is_broken_for_practice_is_left_alone(whole: EmbeddedTarget) -> None:
    """While somebody practises, nothing is reloaded: who asked too often stays refused."""
    whole.control.settle()
    with proxied(whole) as client:
        use_up(client)
        ask(whole.layout.control_socket, "hold", pid=os.getpid(), fault="nothing")
        try:
            whole.control.settle()
            assert 503 in codes(client)
        finally:
            ask(whole.layout.control_socket, "healed")
        whole.control.settle()
        assert codes(client) == [200] * BURST


def test_a_reading_command_cannot_settle(whole: EmbeddedTarget, tmp_path: Path) -> None:
    """Who cannot read the run's token has no way to the limit."""
    (tmp_path / "control").symlink_to(whole.layout.control_socket)
    with pytest.raises(TargetError, match="`settle` changes a service"):
        ask(tmp_path / "control", "settle")


def ask_database(target: EmbeddedTarget, slot: str) -> int:
    """The status of a question that only the database can answer."""
    return httpx.get(f"{target.layout.slot_url(slot)}/api/services?limit=1", timeout=30).status_code


def fill_pool(target: EmbeddedTarget, slot: str) -> None:
    """Has the slot open more than one connection: so many ask at once that one does not suffice."""

    def connections() -> int:
        with psycopg.connect(target.environment()["DATABASE_URL"]) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            row = connection.execute(query, [f"beautycort {slot}"]).fetchone()
        assert row is not None
        return int(row[0])

    with ThreadPoolExecutor(10) as many:
        while connections() < 3:
            list(many.map(lambda _: ask_database(target, slot), range(30)))


@pytest.mark.parametrize("slot", API_SLOTS[:DEFAULT_SLOTS])
def test_the_first_request_behind_an_outage_is_served(whole: EmbeddedTarget, slot: str) -> None:
    """However many connections of the slot ended with the database, and however often it asked meanwhile."""
    fill_pool(whole, slot)
    whole.control.restart("postgres")
    assert ask_database(whole, slot) == 200

    fill_pool(whole, slot)
    whole.control.stop("postgres")
    assert [ask_database(whole, slot) for _ in range(2)] == [503] * 2
    whole.control.start("postgres")
    assert ask_database(whole, slot) == 200
