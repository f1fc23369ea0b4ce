"""The Docker engine. The only module that knows testcontainers; started by the keeper, one container a service."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.containers.docker_engine import no_engine, refuse_without_engine
from runbook_steps.stand_in.containers.settings import image_of
from runbook_steps.stand_in.embedded.layout import Layout
from runbook_steps.stand_in.embedded.processes import start_mark
from runbook_steps.stand_in.embedded.service import Service

__all__ = ["client", "launch", "prepare_ryuk", "remove_containers", "remove_orphans"]

RUN_LABEL = "com.beautycort.runbooks.run"
SERVICE_LABEL = "com.beautycort.runbooks.service"
_ANSWER_S = 1.5
_PROGRAMS = {"postgres": ("postgres",), "redis": ("redis-server",), "nginx": ("nginx",)}
_UNKNOWN_EXIT = -1


def client(timeout_s: float = 60.0) -> docker.DockerClient:
    """A client of the engine that answers. Raises TargetError, in one line, when none does within 1.5 s."""
    refuse_without_engine(os.environ)
    try:
        docker.from_env(timeout=_ANSWER_S).ping()
        return docker.from_env(timeout=timeout_s)
    except (DockerException, requests.RequestException, OSError) as error:
        raise no_engine(os.environ) from error


def prepare_ryuk(say: Any) -> None:
    """Leaves testcontainers' own reaper on where its image can be had; this target has a reaper of its own as well."""
    if testcontainers_config.ryuk_disabled:
        return
    engine, image = client(), testcontainers_config.ryuk_image
    try:
        engine.images.get(image)
    except ImageNotFound:
        try:
            engine.images.pull(image)
        except (APIError, requests.RequestException) as error:
            testcontainers_config.ryuk_disabled = True
            say(f"without Ryuk: {image} cannot be had ({type(error).__name__}); the run's own reaper clears up")


class ContainerProcess:
    """The main process of a container, as `subprocess.Popen` would show it. `pid` is the host's number."""

    def __init__(self, container: Container, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._container = container
        self._start = start_mark(pid)

    def poll(self) -> int | None:
        """The exit code once it has ended; the container is removed then."""
        now = start_mark(self.pid)
        if self.returncode is None and (now is None or now != self._start):
            self.returncode = self._exit_code()
            with contextlib.suppress(APIError, requests.RequestException):
                self._container.remove(force=True, v=True)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Raises ProcessLookupError when it has ended."""
        try:
            os.kill(self.pid, number)
        except PermissionError:  # the engine may, where the runner may not
            try:
                self._container.kill(signal=int(number))
            except APIError as error:
                raise ProcessLookupError(self.pid) from error

    def _exit_code(self) -> int:
        try:
            return int(self._container.wait(timeout=5)["StatusCode"])
        except (APIError, requests.RequestException, KeyError):
            return _UNKNOWN_EXIT


def launch(service: Service, layout: Layout) -> ContainerProcess:
    """Starts the service in its container; its output goes to its log. Raises TargetError.

    The run's folder is mounted where it is, and network, process and IPC numbers are the host's, so that an
    address, a path or a pid on a page means the same inside and outside.
    """
    image = image_of(service.name, layout.images or {})
    program, arguments = _program(service)
    uid, gid = service.account or (os.geteuid(), os.getegid())
    container = (
        DockerContainer(image)
        .with_command(list(arguments))
        .with_volume_mapping(str(layout.directory), str(layout.directory), "rw")
        .with_kwargs(
            entrypoint=[program],
            network_mode="host",
            pid_mode="host",
            ipc_mode="host",
            user=f"{uid}:{gid}",
            working_dir=str(service.cwd),
            labels={RUN_LABEL: str(layout.directory), SERVICE_LABEL: service.name},
            security_opt=["no-new-privileges"],
        )
    )
    for name, value in _environment(service.environment).items():
        container = container.with_env(name, value)
    try:
        container.start()
        wrapped: Container = container.get_wrapped_container()
        wrapped.reload()
    except (DockerException, requests.RequestException) as error:
        raise TargetError(f"{service.name} cannot run in a container of {image}: {_reason(error)}") from error
    pid = int(wrapped.attrs["State"]["Pid"])
    if pid <= 1:  # 0 is what the engine says of one that has ended; a signal to 0 or 1 would go to others
        said = wrapped.logs(tail=15).decode(errors="replace").strip()
        _remove(wrapped)
        raise TargetError(f"{service.name} ended at once in its container of {image}: {said or 'it said nothing'}")
    threading.Thread(target=_copy_output, args=(wrapped, layout.service_log(service.name)), daemon=True).start()
    return ContainerProcess(wrapped, pid)


def _program(service: Service) -> tuple[str, tuple[str, ...]]:
    """What runs inside: the image's own program with the same arguments; the images have other paths than the host."""
    if service.name in _PROGRAMS:
        return _PROGRAMS[service.name][0], service.argv[1:]
    return "python3", service.argv[1:]


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what names places of the host."""
    return {name: value for name, value in environment.items() if name not in {"PATH", "PYTHONPATH", "VIRTUAL_ENV"}}


def _copy_output(container: Container, log: Path) -> None:
    with contextlib.suppress(APIError, requests.RequestException, OSError), log.open("ab") as file:
        for chunk in container.logs(stream=True, follow=True):
            file.write(chunk)
            file.flush()


def _reason(error: Exception) -> str:
    explained = getattr(error, "explanation", None) or str(error)
    return " ".join(str(explained).split())


def remove_containers(directory: Path) -> list[str]:
    """Removes every container of a run, running or not; gives their services. Nothing to do without an engine."""
    return _remove_all(_labelled(f"{RUN_LABEL}={directory}"))


def remove_orphans() -> list[str]:
    """Removes the containers of runs whose folder is gone: their engine was away while they were cleared."""
    return _remove_all(each for each in _labelled(RUN_LABEL) if not Path(each.labels[RUN_LABEL]).is_dir())


def _labelled(label: str) -> list[Container]:
    try:
        found: list[Container] = client(timeout_s=20).containers.list(
            all=True, ignore_removed=True, filters={"label": label}
        )
    except (TargetError, DockerException, requests.RequestException):
        return []
    return found


def _remove_all(found: Iterable[Container]) -> list[str]:
    gone = list(found)
    _all(threading.Thread(target=_remove, args=(container,)) for container in gone)
    return [str(container.labels.get(SERVICE_LABEL, container.short_id)) for container in gone]


def _remove(container: Container) -> None:
    with contextlib.suppress(APIError, requests.RequestException):
        container.remove(force=True, v=True)


def _all(threads: Iterable[threading.Thread]) -> None:
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
