"""Layout, secrets, parts, environment: what a run is made of, before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded.environment import (
    command_environment,
    server_environment,
    service_environment,
)
from runbook_steps.stand_in.embedded.layout import (
    PORT_NAMES,
    Layout,
    draw_secrets,
    read_layout,
    target_address,
)
from runbook_steps.stand_in.embedded.parts import PARTS, SERVICES, with_needs


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A run that was never started."""
    return Layout(
        name="embedded",
        directory=tmp_path,
        ports={name: 40000 + number for number, name in enumerate(PORT_NAMES)},
        secrets=draw_secrets(),
        created="2026-01-01T00:00:00+00:00",
        owner_pid=7,
        owner_start="123",
        account=(65534, 65534),
    )


def test_a_layout_survives_the_disk(layout: Layout) -> None:
    """What is written is what is read."""
    (layout.directory / "run.json").write_text(layout.to_json())

    assert layout == read_layout(layout.directory)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "x"}'])
def test_a_broken_layout_is_told_with_a_way_out(tmp_path: Path, text: str) -> None:
    """A half written file is no crash."""
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(TargetError, match="runbooks target prune"):
        read_layout(tmp_path)


def test_secrets_differ_from_run_to_run() -> None:
    """And are of the kind that the application asks for."""
    one, two = draw_secrets(), draw_secrets()

    assert set() == one.values() & two.values()
    assert len(one.jwt) >= 32
    assert len(bytes.fromhex(one.backup_key)) == 32


def test_planted_secrets_are_in_everything_that_can_hold_them() -> None:
    """A test looks for the one value; the key of backups is made of it, as it must be hexadecimal."""
    secrets = draw_secrets("p@ss/word")

    assert {"p@ss/word"} == {secrets.postgres, secrets.redis}
    assert "p@ss/word" in secrets.jwt
    assert len(secrets.jwt) >= 32
    assert secrets.backup_key == draw_secrets("p@ss/word").backup_key
    assert {"p@ss/word", "p%40ss%2Fword"} <= secrets.values()


def test_urls_quote_the_password(layout: Layout) -> None:
    """A password may hold what has a meaning in a URL."""
    odd = replace(layout, secrets=draw_secrets("p@ss/word"))

    assert odd.redis_url == f"redis://:p%40ss%2Fword@127.0.0.1:{odd.ports['redis']}/0"
    assert odd.database_url("other").endswith(f"p%40ss%2Fword@127.0.0.1:{odd.ports['postgres']}/other")


def test_servers_of_others_get_no_secret(layout: Layout) -> None:
    """PostgreSQL, Redis and nginx have what they need in files; the application has its environment."""
    values = " ".join(server_environment(layout).values())

    assert [secret for secret in layout.secrets.values() if secret in values] == []
    assert layout.secrets.jwt in service_environment(layout).values()


def test_the_targets_own_commands_come_first(layout: Layout) -> None:
    """Then this environment's, then PostgreSQL's, then the system's."""
    folders = command_environment(layout)["PATH"].split(":")

    assert str(layout.bin) == folders[0]
    assert folders.index("/usr/bin") > max(
        index for index, folder in enumerate(folders) if "site-packages" in folder or folder == str(layout.bin)
    )


@pytest.mark.parametrize(
    ("asked", "started"),
    [
        ({"redis"}, {"redis"}),
        ({"api"}, {"api", "postgres", "redis", "third_parties"}),
        ({"nginx"}, {"nginx", "api", "postgres", "redis", "third_parties"}),
        ({"aws", "postgres"}, {"aws", "postgres"}),
        (set(), set()),
    ],
)
def test_a_part_brings_what_it_needs(asked: set[str], started: set[str]) -> None:
    """And nothing else."""
    assert started == with_needs(asked)


def test_an_unknown_part_is_named() -> None:
    """With those there are."""
    with pytest.raises(TargetError, match="no part 'mongodb'; it has postgres"):
        with_needs({"mongodb"})


def test_every_service_has_a_port_and_parts_hold_services() -> None:
    """The names agree."""
    assert set(SERVICES) == set(PORT_NAMES)
    assert {name for names in PARTS.values() for name in names} <= set(SERVICES)


def test_slots_have_addresses_of_their_own() -> None:
    """The load balancer tells its targets apart by address."""
    assert (target_address("api_1"), target_address("api_2")) == ("10.20.0.11", "10.20.0.12")
