"""The target containers: services in containers, gone afterwards; one line and exit code 4 without an engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from runbook_steps.engine.errors import ConfigurationError, TargetError
from runbook_steps.stand_in.containers import ContainersTarget
from runbook_steps.stand_in.containers.engine import RUN_LABEL, SERVICE_LABEL, client, remove_containers, remove_orphans
from runbook_steps.stand_in.containers.settings import IMAGE_NAMES, image_of, images_from

ROOT = Path(__file__).parents[2]
FEATURE = "features/health/daily-check.feature"
BUILT = {name: f"built/{name}:1" for name in IMAGE_NAMES}


def engine_answers() -> bool:
    """Whether there is a Docker engine."""
    try:
        client().close()
    except TargetError:
        return False
    return True


needs_engine = pytest.mark.skipif(not engine_answers(), reason="no Docker engine answers on this machine")


def containers(directory: Path | None = None) -> list[str]:
    """The services of one run, or of all, whose containers there are."""
    label = RUN_LABEL if directory is None else f"{RUN_LABEL}={directory}"
    found = client().containers.list(all=True, ignore_removed=True, filters={"label": label})
    return sorted(container.labels[SERVICE_LABEL] for container in found)


def wait_until(seen: Callable[[], bool], limit_s: float = 30.0) -> bool:
    """Whether it came about in time."""
    end = time.monotonic() + limit_s
    while not seen() and time.monotonic() < end:
        time.sleep(0.05)
    return seen()


@pytest.fixture(scope="module")
def target() -> Iterator[ContainersTarget]:
    """One that is up, with all that an API needs."""
    with ContainersTarget.over({}) as found:
        found.start({"nginx"})
        yield found


def test_without_an_engine_it_ends_in_one_line_and_with_4(tmp_path: Path) -> None:
    """Before anything is collected; within 2 seconds of a machine's time, which is measured by `make bench`."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "features/", "--target", "containers", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "engine" in line]
    assert (done.returncode, len(said)) == (4, 1)
    assert f"no Docker engine answers at unix://{tmp_path}/docker.sock: start one" in said[0]
    assert "Traceback" not in done.stdout + done.stderr


def test_images_are_settings() -> None:
    """The environment wins over the table, the table over what is built here."""
    found = images_from(
        {"CONTAINERS_REDIS_IMAGE": "redis:7"}, {"redis_image": "x:1", "nginx_image": "nginx:1.29"}, BUILT
    )
    assert found == {**BUILT, "redis": "redis:7", "nginx": "nginx:1.29"}
    assert [image_of(name, found) for name in ("redis", "api_2", "aws")] == ["redis:7", "built/api:1", "built/api:1"]


@pytest.mark.parametrize("image", ["", " ", "-v", "a b", "$(id)", "A:1", "a@sha256:12"])
def test_what_is_no_image_is_refused(image: str) -> None:
    """Before it gets near the engine; an empty one is as good as none."""
    if not image:
        assert images_from({"CONTAINERS_API_IMAGE": image}, {}, BUILT) == BUILT
        return
    with pytest.raises(ConfigurationError, match="CONTAINERS_API_IMAGE"):
        images_from({"CONTAINERS_API_IMAGE": image}, {}, BUILT)


def test_a_setting_that_is_none_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ConfigurationError, match=r"no setting redis; it has api_image"):
        images_from({}, {"redis": "x"}, BUILT)


@needs_engine
def test_each_service_runs_in_a_container_and_serves(target: ContainersTarget) -> None:
    """PostgreSQL and Redis answer; the health check sees a whole platform through nginx."""
    assert containers(target.layout.directory) == ["api_1", "api_2", "nginx", "postgres", "redis", "third_parties"]
    with psycopg.connect(target.environment()["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT count(*) > 100 FROM users").fetchone()
    assert row == (True,)
    assert redis.Redis.from_url(target.environment()["REDIS_URL"]).ping() is True


@needs_engine
def test_what_is_killed_is_seen_and_an_instance_comes_back(target: ContainersTarget) -> None:
    """Redis stays down until it is started; an API slot is started again, in a new container."""
    control = target.control
    before, slot = control.pid("redis"), control.pid("api_1")
    assert before is not None
    assert slot is not None
    os.kill(before, signal.SIGKILL)
    os.kill(slot, signal.SIGKILL)
    assert wait_until(lambda: control.pid("redis") is None)
    assert wait_until(lambda: control.pid("api_1") not in {None, slot})
    control.start("redis")
    assert redis.Redis.from_url(target.environment()["REDIS_URL"]).ping() is True


@needs_engine
def test_a_program_that_is_not_in_the_image_is_told() -> None:
    """An image without the program: which service, which image, what the engine said; nothing stays."""
    from runbook_steps.stand_in.containers.images import built_images

    target = ContainersTarget.over({"redis_image": built_images()["nginx"]})
    try:
        with pytest.raises(TargetError, match=r"redis did not start: redis cannot run in a container of .*nginx"):
            target.start({"redis"})
        directory = target.layout.directory
    finally:
        target.close()
    assert containers(directory) == []


@needs_engine
def test_after_kill_9_no_container_is_left(tmp_path: Path) -> None:
    """The process that owns the target is killed: its containers and its folder are removed without it."""
    ready = tmp_path / "ready"
    code = (
        "import pathlib, sys, time\n"
        "from runbook_steps.stand_in.containers import ContainersTarget\n"
        "target = ContainersTarget.over({})\n"
        "target.start({'postgres', 'redis'})\n"
        f"pathlib.Path({str(ready)!r}).write_text(str(target.layout.directory))\n"
        "time.sleep(300)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, start_new_session=True)
    try:
        assert wait_until(lambda: ready.exists() and bool(ready.read_text()), 90)
        directory = Path(ready.read_text())
        assert containers(directory) == ["postgres", "redis"]
    finally:
        owner.kill()
        owner.wait()
    assert wait_until(lambda: not containers(directory) and not directory.exists())


@needs_engine
def test_a_container_whose_run_is_gone_is_removed_at_the_next_start(target: ContainersTarget, tmp_path: Path) -> None:
    """The engine was away when its run was cleared; what belongs to a run that is there stays."""
    image, service = target.images()["redis"], {SERVICE_LABEL: "redis"}
    for folder in (tmp_path, tmp_path / "gone"):
        client().containers.create(image, command="x", labels={RUN_LABEL: str(folder), **service})
    try:
        assert remove_orphans() == ["redis"]
        assert (containers(tmp_path), containers(tmp_path / "gone")) == (["redis"], [])
        assert containers(target.layout.directory) != []
    finally:
        remove_containers(tmp_path)
