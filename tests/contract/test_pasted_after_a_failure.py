"""A block that is pasted although the one before it failed: what cannot be taken back is not done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runbook_steps.engine.model import Result
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.test_pasted import ANY, Paste, block_of, like, paste

__all__ = ["paste"]

HOUR_AGO = "find {file} -exec touch -d '1 hour ago' {{}} +"
Alone = Callable[..., tuple[Result, str]]


@pytest.fixture
def alone(paste: Paste, tmp_path: Path, embedded: EmbeddedTarget) -> Alone:
    """Pastes one block, with programs that only note how they were called and say what they are told to."""
    programs, calls = tmp_path / "programs", tmp_path / "calls"
    programs.mkdir()

    def run(feature: str, purpose: str, says: dict[str, str], **variables: str) -> tuple[Result, str]:
        calls.write_text("", "utf-8")
        for name, body in says.items():
            (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {calls}\n{body}\n', "utf-8")
            (programs / name).chmod(0o755)
        path = f"{programs}:{embedded.environment()['PATH']}"
        done = paste(block_of(feature, purpose), PATH=path, **variables)
        return done, calls.read_text("utf-8")

    return run


@pytest.mark.parametrize(("accepted", "in_place"), [(False, True), (True, False), (True, True)])
def test_the_former_pair_stays_until_nginx_has_the_new_one(
    alone: Alone, tmp_path: Path, accepted: bool, in_place: bool
) -> None:
    """The way back would be gone, and the next restart keeps nginx down, or serves the old one for ever."""
    pair = {"TLS_CERTIFICATE": str(tmp_path / "cert.pem"), "TLS_KEY": str(tmp_path / "key.pem")}
    former = [Path(file + ".before") for file in pair.values()]
    for file in former:
        file.write_text("former", "utf-8")
    (tmp_path / "fullchain.pem").write_text("new", "utf-8")
    (tmp_path / "cert.pem").write_text("new" if in_place else "former", "utf-8")
    says = {"nginx": "exit 0" if accepted else "exit 1"}
    done, calls = alone("security/certificate-renewal", "remove the former pair", says, RENEWED=str(tmp_path), **pair)
    removed = accepted and in_place
    assert (done.exit_code == 0, [file.exists() for file in former]) == (removed, [not removed] * 2)
    assert ("nginx -s reload" in calls) == removed, "it may never have been loaded"


def test_nobody_is_signed_out_for_a_secret_that_was_not_rotated(alone: Alone, tmp_path: Path) -> None:
    """A refused rotation: the settings hold the secret that is in use, and no instance is created anew."""
    settings = tmp_path / "api.env"
    settings.write_text("JWT_SECRET=stolen\n", "utf-8")
    says = {"docker": "printf %s stolen | sha256sum"}
    block = ("security/breach-response", "create every instance anew")
    done, calls = alone(*block, says, API_ENV_FILE=str(settings))
    assert (done.exit_code, "compose up" in calls) == (1, False)
    assert "the secret in the settings is the one in use" in done.stdout


def test_a_secret_that_was_not_rotated_is_not_called_new(alone: Alone, paste: Paste, tmp_path: Path) -> None:
    """Every instance has it: it is the stolen one."""
    settings = tmp_path / "api.env"
    settings.write_text("JWT_SECRET=stolen\n", "utf-8")
    paste(like(ANY, HOUR_AGO.format(file=settings)))
    block = ("security/breach-response", "make sure that every instance has the new secret")
    done, calls = alone(*block, {"docker": "echo one"}, API_ENV_FILE=str(settings))
    assert (done.exit_code, calls) == (1, "")
    assert "no secret was rotated in the last half hour" in done.stdout


@pytest.mark.parametrize("secret", ["too-short", "long-enough-" * 3])
def test_no_instance_is_created_with_a_secret_that_none_starts_with(alone: Alone, tmp_path: Path, secret: str) -> None:
    """The one that still serves would end too."""
    settings = tmp_path / "api.env"
    settings.write_text(f"JWT_SECRET={secret}\n", "utf-8")
    block = ("application/jwt-issues", "create every instance anew")
    done, calls = alone(*block, {"docker": "echo one", "curl": "exit 0"}, API_ENV_FILE=str(settings))
    assert (done.exit_code == 0, "compose up" in calls) == (len(secret) >= 32, len(secret) >= 32)


def test_an_instance_that_still_gets_requests_is_not_restarted(alone: Alone) -> None:
    """Taking it out has failed: the load balancer still lists it."""
    known = {"ALB_TARGET_GROUP_ARN": "arn", "SICK_TARGET": "10.0.0.3", "INSTANCE": "beautycort-api-1"}
    block = ("infrastructure/load-balancer", "restart the instance, and wait")
    done, calls = alone(*block, {"aws": "echo unhealthy", "docker": "exit 0"}, **known)
    assert (done.exit_code, "docker" in calls) == (1, False)
    assert "10.0.0.3 is still in the load balancer (unhealthy)" in done.stdout


@pytest.mark.parametrize(("serve", "taken"), [(r"10.0.0.1\t10.0.0.3", False), (r"10.0.0.1\t10.0.0.31", True)])
def test_a_target_that_serves_is_not_taken_out(alone: Alone, serve: str, taken: bool) -> None:
    """NEW_TARGETS may be those of another day; another address that begins alike is another one."""
    known = {"ALB_TARGET_GROUP_ARN": "arn", "NEW_TARGETS": "10.0.0.3 10.0.0.4"}
    block = ("maintenance/manual-scaling", "deregister them again")
    done, calls = alone(*block, {"aws": f"printf '{serve}\\n'"}, **known)
    assert (done.exit_code == 0, "deregister-targets" in calls) == (taken, taken)


def test_a_rate_limit_without_its_former_one_is_not_changed(alone: Alone, tmp_path: Path) -> None:
    """Nobody could put it back."""
    limit = tmp_path / "limits.d" / "api.conf"
    limit.parent.mkdir()
    limit.write_text("rate=600r/m burst=50\n", "utf-8")
    says = {"nginx": "echo rate=30r/m"}
    done, calls = alone("security/breach-response", "allow each address 30", says, NGINX_PREFIX=str(tmp_path))
    assert (done.exit_code != 0, calls, limit.read_text("utf-8")) == (True, "", "rate=600r/m burst=50\n")


@pytest.mark.parametrize(
    ("listed", "instances", "stopped"),
    [
        (r"10.0.0.1\t10.0.0.3", "5", False),  # one of them still gets requests
        (r"10.0.0.1\t10.0.0.31", "5", True),  # another address that begins alike
        (r"10.0.0.1", "2", False),  # nobody would be left
    ],
)
def test_an_instance_that_customers_reach_is_not_stopped(
    alone: Alone, listed: str, instances: str, stopped: bool
) -> None:
    """And pasted twice it stops the same ones, never three more: the number was read before."""
    block = ("maintenance/manual-scaling", "stop them; each ends")
    says = {"aws": f"printf '{listed}\\n'", "docker": "echo one"}
    known = {"ALB_TARGET_GROUP_ARN": "arn", "NEW_TARGETS": "10.0.0.3 10.0.0.4", "INSTANCES": instances}
    done, calls = alone(*block, says, **known)
    _, again = alone(*block, says, **known)
    assert (done.exit_code == 0, "--scale api=3 api" in calls, calls == again) == (stopped, stopped, True)
    assert "docker compose up" not in calls or stopped


def test_what_was_not_started_is_not_registered(alone: Alone) -> None:
    """The load balancer would send customers where nobody is, when it finds all of them unhealthy."""
    known = {"ALB_TARGET_GROUP_ARN": "arn", "NEW_TARGETS": "10.0.0.3 10.0.0.4", "INSTANCES": "2"}
    says = {"docker": "printf 'one\\ntwo\\n'", "aws": "exit 0"}
    done, calls = alone("maintenance/manual-scaling", "register them with the load balancer", says, **known)
    assert (done.exit_code != 0, "aws" in calls) == (True, False)


def test_the_old_role_is_not_shut_while_nobody_signs_in_as_the_new_one(paste: Paste, embedded: EmbeddedTarget) -> None:
    """Every instance would be refused by the database."""
    embedded.start({"postgres"})
    known = {"LEAKED_ROLE": "old_way", "NEW_ROLE": "new_way"}
    paste(like(ANY, "CREATE ROLE old_way LOGIN;\nCREATE ROLE new_way LOGIN;", "sql"), **known)
    try:
        block = block_of("security/breach-response", "let nobody sign in as the old role")
        done = paste(block, **known)
        after = paste(like(ANY, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'old_way';", "sql"), **known)
        assert "nothing was shut" in done.stdout + done.stderr
        assert "\n t\n" in after.stdout
    finally:
        paste(like(ANY, "DROP ROLE old_way;\nDROP ROLE new_way;", "sql"), **known)
