"""Whether somebody listens is asked at the address as people write it; no form of it is taken for silence."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from runbook_steps.engine.targets.listens import silent_at


@pytest.fixture
def port() -> Iterator[int]:
    """Where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that is held, and where nobody does."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


FORMS = (
    "postgresql://u:p%40ss%3A%2F@127.0.0.1:{}/Salon-Staging?sslmode=disable",
    "postgresql+asyncpg://u@127.0.0.1:{}/x",
    "host=127.0.0.1 port={} dbname=x",
    "postgresql:///x?host=127.0.0.1&port={}",
    "redis://:w%40rd@127.0.0.1:{}/3",
    "https://127.0.0.1:{}/salon",
)


@pytest.mark.parametrize("form", FORMS)
def test_somebody_is_found_in_every_form(form: str, port: int) -> None:
    """Query, key words, a driver in the scheme, a path, a password with what a URL means something by."""
    assert silent_at(form.format(port)) == ""


@pytest.mark.parametrize("form", FORMS)
def test_nobody_is_told_with_the_place_and_without_a_secret(form: str, nobody: int) -> None:
    """Host, port and the reason."""
    assert silent_at(form.format(nobody)) == f"127.0.0.1:{nobody} (Connection refused)"


def test_one_of_several_hosts_will_do(port: int, nobody: int) -> None:
    """As libpq tries them in turn."""
    assert silent_at(f"postgresql://u@127.0.0.1:{nobody},127.0.0.1:{port}/x") == ""
    assert silent_at(f"postgresql://u@127.0.0.1:{nobody},127.0.0.1:{nobody}/x").count("Connection refused") == 2


def test_a_socket_is_a_place(tmp_path: Path) -> None:
    """Of PostgreSQL, whose folder stands in the address, and of Redis."""
    folder = quote(str(tmp_path), safe="")
    addresses = (f"postgresql://u:p@/x?host={folder}&port=5433", f"unix://{tmp_path}/.s.PGSQL.5433")
    assert [silent_at(each) for each in addresses] == [f"{tmp_path}/.s.PGSQL.5433 (No such file or directory)"] * 2
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / ".s.PGSQL.5433"))
        server.listen()
        assert [silent_at(each) for each in addresses] == ["", ""]


def test_what_the_client_knows_by_itself_is_left_to_it() -> None:
    """Libpq's own folder of sockets, and a kind that is not known here."""
    assert silent_at("postgresql:///x") == silent_at("amqp://127.0.0.1:1/") == ""
