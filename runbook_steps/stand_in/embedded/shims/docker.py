"""`docker compose ps|restart|stop|start|up -d|logs` on the supervised services of the run, and some of plain docker.

`restart` and `start` keep the settings that a container was created with; `up -d` creates anew what they were changed
for, `--force-recreate` everything, `--no-recreate` nothing; without `--scale` it goes back to the number that the
compose file has. `docker restart CONTAINER…` restarts single slots,
`docker exec CONTAINER COMMAND…` runs a command with the settings of one.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterable

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.stand_in.embedded.api import diverged, forget_container
from runbook_steps.stand_in.embedded.control import EmbeddedControl
from runbook_steps.stand_in.embedded.environment import service_environment
from runbook_steps.stand_in.embedded.layout import API_SLOTS, DEFAULT_SLOTS
from runbook_steps.stand_in.embedded.shims.common import err, out, own_control, own_layout, run
from runbook_steps.stand_in.reference_api.release import read_env_file

__all__ = ["main"]

_PLAIN = ("redis", "nginx", "postgres", "third_parties", "aws")
_NAMES = ("api", *_PLAIN)
_USAGE = 1
_UNKNOWN_SERVICE = 1
_DEFAULT_TAIL = 1000


def main(arguments: list[str]) -> int:
    """Gives the exit code that docker gives."""
    words = _without_global_options(arguments)
    verbs: dict[str, Callable[[list[str]], int]] = {
        "ps": _ps,
        "restart": _restart,
        "stop": _stop,
        "start": _start,
        "up": _up,
        "logs": _logs,
        "exec": _compose_exec,
    }
    plain: dict[str, Callable[[list[str]], int]] = {"restart": _restart_containers, "exec": _exec}
    if words and words[0] == "compose":
        verb, rest = verbs.get(words[1] if len(words) > 1 else ""), words[2:]
    else:
        verb, rest = plain.get(words[0] if words else ""), words[1:]
    if verb is None or (words[0] in plain and not rest):
        err(
            "docker (shim of the embedded target): only `docker compose "
            f"{'|'.join(verbs)}`, `docker restart CONTAINER` and `docker exec CONTAINER COMMAND` work here"
        )
        return _USAGE
    try:
        return verb(rest)
    except ConfigurationError as error:
        err(str(error))
        return _UNKNOWN_SERVICE


def _without_global_options(arguments: list[str]) -> list[str]:
    """`docker compose -f FILE -p NAME …` and `--project-directory` say nothing here."""
    words: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if len(words) == 1 and word in ("-f", "--file", "-p", "--project-name", "--project-directory"):
            rest[:1] = []
        else:
            words.append(word)
    return words


def _split(arguments: list[str], with_value: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Options (with their values) and names; `--tail=5` and `--tail 5` are the same."""
    options, names, rest, takes = {}, [], list(arguments), set(with_value)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            names.append(word)
            continue
        option, equals, value = word.partition("=")
        if not equals and option in takes and rest:
            value = rest.pop(0)
        options[option] = value
    for name in names:
        if name not in _NAMES:
            raise ConfigurationError(f"no such service: {name}; the embedded target has {', '.join(_NAMES)}")
    return options, names


def _running_slots(control: EmbeddedControl) -> list[str]:
    status = control.status()
    return [slot for slot in API_SLOTS if status[slot]["state"] != "stopped"]


def _services(control: EmbeddedControl, names: Iterable[str]) -> list[str]:
    """The services behind compose's names: `api` is every slot that runs, or the first two."""
    found: list[str] = []
    for name in names:
        found += (_running_slots(control) or API_SLOTS[:DEFAULT_SLOTS]) if name == "api" else [name]
    return found


def _container(service: str) -> str:
    name, _, number = service.partition("api_")
    return f"beautycort-api-{number}" if number else f"beautycort-{name}-1"


def _each(names: list[str], change: Callable[[str], None], said: str) -> int:
    for service in names:
        change(service)
        err(f" Container {_container(service)}  {said}")
    return 0


def _restart(arguments: list[str]) -> int:
    _, names = _split(arguments, ("-t", "--timeout"))
    control = own_control()
    return _each(_services(control, names or _NAMES), control.restart, "Restarted")


def _service_of(control: EmbeddedControl, containers: Iterable[str]) -> list[str]:
    """The services behind names of containers."""
    absent = [slot for slot in API_SLOTS[DEFAULT_SLOTS:] if control.pid(slot) is None]
    services = {_container(service): service for service in control.services() if service not in absent}
    for name in containers:
        if name not in services:
            raise ConfigurationError(f"No such container: {name}; there are {', '.join(services)}")
    return [services[name] for name in containers]


def _restart_containers(arguments: list[str]) -> int:
    names = [word for word in arguments if not word.startswith("-")]
    control = own_control()
    for name, service in zip(names, _service_of(control, names), strict=True):
        control.restart(service)
        out(name)
    return 0


def _compose_exec(arguments: list[str]) -> int:
    """`docker compose exec [-T] [--index N] api COMMAND…`."""
    number, rest = "1", list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option.partition("=")[0] == "--index":
            number = option.partition("=")[2] or (rest.pop(0) if rest else "")
    if not rest or rest[0] != "api" or not (number.isascii() and number.isdigit()):
        raise ConfigurationError("only `docker compose exec -T --index N api COMMAND` works on the embedded target")
    return _exec([f"beautycort-api-{number}", *rest[1:]])


def _exec(arguments: list[str]) -> int:
    """A command with the settings that the container of an API slot was created with."""
    words = list(arguments)
    while words and words[0].startswith("-"):
        words.pop(0)
    control, layout = own_control(), own_layout()
    service = _service_of(control, words[:1])[0]
    if service not in API_SLOTS or control.pid(service) is None or len(words) < 2:  # noqa: PLR2004 - one word more
        raise ConfigurationError(f"Container {words[0]} is not running, is none of the API, or no command was given")
    created = layout.container(service)
    environment = {
        **service_environment(layout),
        **read_env_file(created / "api.env"),
        **read_env_file(created / "release" / "release.env"),
    }
    return subprocess.run(words[1:], env=environment, check=False).returncode


def _stop(arguments: list[str]) -> int:
    _, names = _split(arguments, ("-t", "--timeout"))
    control = own_control()
    return _each(_services(control, names or _NAMES), control.stop, "Stopped")


def _start(arguments: list[str]) -> int:
    _, names = _split(arguments, ())
    control = own_control()
    return _each(_services(control, names or _NAMES), control.start, "Started")


def _up(arguments: list[str]) -> int:
    options, names = _split(arguments, ("--scale", "-t", "--timeout"))
    if "-d" not in options and "--detach" not in options:
        raise ConfigurationError("the embedded target's services run in the background: `up -d`")
    control, layout = own_control(), own_layout()
    there = [slot for slot in API_SLOTS if layout.container(slot).is_dir()] if "api" in (names or _NAMES) else []
    forced, kept = "--force-recreate" in options, "--no-recreate" in options
    anew = [] if kept else [slot for slot in there if forced or diverged(layout, slot)]
    running = [slot for slot in anew if control.pid(slot) is not None]
    for slot in anew:
        if control.pid(slot) is None:  # it has died of its settings: compose does not start it again with them
            forget_container(layout, slot)
    if "--scale" in options:
        name, _, number = options["--scale"].partition("=")
        if name != "api" or not (number.isascii() and number.isdigit()):
            raise ConfigurationError("only `--scale api=N` works on the embedded target")
        control.scale(int(number))
    elif len(there) > DEFAULT_SLOTS:  # compose forgets what was scaled before
        control.scale(DEFAULT_SLOTS)
        there = there[:DEFAULT_SLOTS]
    if still := [slot for slot in running if control.pid(slot) is not None]:
        control.recreate(still)
    _each(anew, lambda _: None, "Recreated")
    services = [name for name in names or _NAMES if name != "api"]
    if "api" in (names or _NAMES) and "--scale" not in options:
        services += there or API_SLOTS[:DEFAULT_SLOTS]
    return _each(services, control.start, "Running")


def _ps(arguments: list[str]) -> int:
    options, names = _split(arguments, ("--format",))
    status, layout = own_control().status(), own_layout()
    everything = "-a" in options or "--all" in options
    rows = []
    for service, state in status.items():
        name = "api" if service in API_SLOTS else service
        if name == "api" and not layout.container(service).is_dir():
            continue  # it was never created, or was taken away
        if name not in (names or _NAMES) or (state["state"] != "running" and not everything):
            continue
        rows.append({"Name": _container(service), "Service": name, "State": _state(state["state"])})
    if "-q" in options or "--quiet" in options:
        for row in rows:
            out(hashlib.sha256(f"{layout.directory}/{row['Name']}".encode()).hexdigest())
        return 0
    if options.get("--format") == "json":
        for row in rows:
            out(json.dumps(row))
        return 0
    out(f"{'NAME':<30}{'SERVICE':<16}STATUS")
    for row in rows:
        out(f"{row['Name']:<30}{row['Service']:<16}{row['State']}")
    return 0


def _state(word: str) -> str:
    return "running" if word == "running" else "exited"


def _logs(arguments: list[str]) -> int:
    options, names = _split(arguments, ("--tail", "-n", "--since"))
    tail = options.get("--tail") or options.get("-n") or str(_DEFAULT_TAIL)
    if "-f" in options or "--follow" in options:
        raise ConfigurationError("the embedded target's logs are not followed: leave out -f")
    layout, control = own_layout(), own_control()
    wanted = dict.fromkeys(_services(control, names or _NAMES))
    if "api" in (names or _NAMES):  # a slot that does not start has the most to tell
        wanted |= dict.fromkeys(slot for slot in API_SLOTS if layout.service_log(slot).exists())
    for service in sorted(wanted):
        file = layout.service_log(service)
        lines = file.read_text("utf-8", errors="replace").splitlines() if file.exists() else []
        shown = lines if tail == "all" else lines[-int(tail) :] if int(tail) else []
        for line in shown:
            out(f"{_container(service)}  | {line}")
    return 0


if __name__ == "__main__":
    run("docker", main)
