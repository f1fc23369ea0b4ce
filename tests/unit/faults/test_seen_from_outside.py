"""What is broken is seen by looking at it, whoever broke it."""

from __future__ import annotations

import ast
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runbook_steps import faults
from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.faults.certificates import KINDS, what_is_served, write_pair
from runbook_steps.faults.lost_rows import what_is_lost
from runbook_steps.faults.replica import ReplicaFollows
from runbook_steps.faults.stopped_instance import first_that_is_down
from runbook_steps.steps.proxy import target_of

BACKUP: dict[str, Any] = {"tables": {"public.payments": {"rows": 40}, "public.users": {"rows": 100}}}


@contextmanager
def served(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    """The address of a server with such a certificate, and a bundle that knows its authority where one should."""
    ca = write_pair(folder / "own.pem", folder / "own.key", KINDS[kind])
    other = write_pair(folder / "other.pem", folder / "other.key", KINDS["renewed"])
    (folder / "ca.pem").write_bytes(ca if KINDS[kind].trusted else other)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answer_once, args=(listening, context), daemon=True)
        thread.start()
        yield f"https://localhost:{listening.getsockname()[1]}", str(folder / "ca.pem")
        thread.join(timeout=10)


def _answer_once(listening: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listening.accept()
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:  # the client did not like what it was shown
        connection.close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_with_a_certificate_is_seen_by_connecting(kind: str, tmp_path: Path) -> None:
    """Nothing is known of who made it."""
    with served(tmp_path, kind) as (url, bundle):
        assert what_is_served(url, bundle)[0] == kind


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        ({"public.payments": 40, "public.users": 100}, []),
        ({"public.payments": 41, "public.users": 99}, []),
        ({"public.users": 100}, ["the table public.payments with 40 rows"]),
        ({"public.payments": 40, "public.users": 60}, ["40 of 100 rows of public.users"]),
    ],
)
def test_what_a_backup_has_and_the_database_no_longer_is_lost(now: dict[str, int], lost: list[str]) -> None:
    """A table, or more than a few of its rows; a few are deleted every day."""
    assert what_is_lost(BACKUP, now) == lost


def test_after_a_restore_not_one_row_may_be_missing() -> None:
    """There nothing was deleted since."""
    now = {"public.payments": 40, "public.users": 99}
    assert what_is_lost(BACKUP, now, share=1.0) == ["1 of 100 rows of public.users"]


def test_the_first_instance_that_nobody_answers_at_is_the_one() -> None:
    """Whichever number it has; where none is named, nobody could look."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert first_that_is_down({"API_SLOTS": f"http://127.0.0.1:{port}"}) == 1
    with pytest.raises(NotRunnableHere, match="names no instance"):
        first_that_is_down({"API_SLOTS": ""})


def row(name: str, state: str = "healthy") -> dict[str, Any]:
    """A target as the load balancer tells of it."""
    return {"Target": {"Id": name}, "TargetHealth": {"State": state}}


SLOTS = ["http://10.0.0.7:3000", "http://10.0.0.8:3000"]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([row("10.0.0.8"), row("10.0.0.7")], "10.0.0.8"),
        ([row("i-one", "unhealthy"), row("i-three"), row("i-two")], "i-one"),
        ([row("i-one"), row("i-two")], "i-two"),
    ],
)
def test_the_target_of_an_instance_is_told(known: list[dict[str, Any]], expected: str) -> None:
    """By its host, by being the only ill one, or by its place."""
    assert target_of(2, SLOTS, known) == expected


def test_a_target_that_cannot_be_told_is_not_guessed() -> None:
    """The wrong one would be taken out."""
    with pytest.raises(NotRunnableHere, match="cannot be told"):
        target_of(2, SLOTS, [row("i-one"), row("i-two"), row("i-three")])


def test_no_fault_needs_hands_on_a_process_to_be_seen() -> None:
    """A live target has none: what looks asks an address, and what it calls of its own does so too."""
    handed = []
    for file in sorted(Path(faults.__file__).parent.glob("*.py")):
        for kind in (node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.ClassDef)):
            methods = {node.name: node for node in kind.body if isinstance(node, ast.FunctionDef)}
            todo, seen = ["observe"], set[str]()
            while todo:
                name = todo.pop()
                if name in methods and name not in seen:
                    seen.add(name)
                    own = [node.attr for node in ast.walk(methods[name]) if isinstance(node, ast.Attribute)]
                    todo += own
                    handed += [f"{file.name}: {kind.name}.{name}"] * ("_control" in own)
    assert handed == []


def test_replicas_of_others_are_not_told_to_be_none() -> None:
    """They have another name than a drill's: what follows is told, and what to do, and not that nothing does."""

    class Live:
        def __enter__(self) -> Live:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing."""

        def execute(self, query: str, names: list[str]) -> Live:
            self.rows = [("walreceiver",)] if "<>" in query else []
            assert names == ["beautycort_replica"]
            return self

        def fetchall(self) -> list[tuple[str]]:
            return self.rows

    nobody: Any = None
    with pytest.raises(NotRunnableHere, match=r"replicas follow \(walreceiver\), and none of a drill: by hand"):
        ReplicaFollows(Live, nobody, {}).observe()
