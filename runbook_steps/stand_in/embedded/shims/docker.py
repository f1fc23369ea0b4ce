"""`docker compose ps|restart|stop|start|up -d [--scale api=N]|logs` on the supervised services of the run.

Also `docker restart CONTAINER…`: compose restarts all slots of a service, this restarts one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.stand_in.embedded.control import EmbeddedControl
from runbook_steps.stand_in.embedded.layout import API_SLOTS, DEFAULT_SLOTS
from runbook_steps.stand_in.embedded.shims.common import err, out, own_control, own_layout, run

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
    }
    restart_one = len(words) > 1 and words[0] == "restart"
    if not restart_one and (len(words) < 2 or words[0] != "compose" or words[1] not in verbs):  # noqa: PLR2004
        err(
            "docker (shim of the embedded target): only `docker compose "
            f"{'|'.join(verbs)}` and `docker restart CONTAINER` work here"
        )
        return _USAGE
    try:
        if restart_one:
            return _restart_containers(words[1:])
        return verbs[words[1]](words[2:])
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


def _restart_containers(arguments: list[str]) -> int:
    names = [word for word in arguments if not word.startswith("-")]
    control = own_control()
    absent = [slot for slot in API_SLOTS[DEFAULT_SLOTS:] if control.pid(slot) is None]
    services = {_container(service): service for service in control.services() if service not in absent}
    for name in names:
        if name not in services:
            raise ConfigurationError(f"No such container: {name}; there are {', '.join(services)}")
    for name in names:
        control.restart(services[name])
        out(name)
    return 0


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
    control = own_control()
    if "--scale" in options:
        name, _, number = options["--scale"].partition("=")
        if name != "api" or not (number.isascii() and number.isdigit()):
            raise ConfigurationError("only `--scale api=N` works on the embedded target")
        control.scale(int(number))
    return _each(_services(control, names or _NAMES), control.start, "Running")


def _ps(arguments: list[str]) -> int:
    options, names = _split(arguments, ("--format",))
    status = own_control().status()
    everything = "-a" in options or "--all" in options
    rows = []
    for service, state in status.items():
        name = "api" if service in API_SLOTS else service
        if name not in (names or _NAMES) or (state["state"] != "running" and not everything):
            continue
        rows.append({"Name": _container(service), "Service": name, "State": _state(state["state"])})
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
