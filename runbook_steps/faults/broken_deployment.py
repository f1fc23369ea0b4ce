"""A release that was really deployed on every slot and whose own code is broken."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

import runbook_steps
from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["BrokenDeployment", "copy_application", "make_release"]

DEADLINE_S = 10.0
BROKEN_PATH = "/api/service-categories"
_FOUND = '"""GET /api/service-categories."""'
_PLANTED = {
    "fails": _FOUND + '\n    raise RuntimeError("the list of categories was moved")',
    "is slow": _FOUND + "\n    import asyncio\n\n    await asyncio.sleep(0.15)",
}
SLOW_MS = 150.0


def copy_application(code: Path) -> Path:
    """The application and what it imports, as a package of its own below `code`; gives the application's folder."""
    package, copied = Path(runbook_steps.__file__).parent, code / "runbook_steps"
    own = Path("stand_in", "reference_api")
    shutil.copytree(package / own, copied / own, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "stand_in/__init__.py", "engine/__init__.py", "engine/errors.py"):
        (copied / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(package / name, copied / name)
    return copied / own


def make_release(releases: Path, version: str, mistake: str) -> None:
    """A folder for that version; a bad one carries its own copy of the application, with the mistake in it."""
    folder = releases / f"v{version}"
    folder.mkdir(exist_ok=True)
    (folder / "release.env").write_text(f"APP_VERSION={version}\n", "utf-8")
    if not mistake:
        return
    catalogue = copy_application(folder / "code") / "catalogue.py"
    text = catalogue.read_text("utf-8")
    if _FOUND not in text:
        raise FaultError(f"{catalogue} changed: nothing to plant the mistake at")
    catalogue.write_text(text.replace(_FOUND, _PLANTED[mistake], 1), "utf-8")


def deploy(control: ServiceControl, releases: Path, version: str, slots: Sequence[str]) -> None:
    """Points `current` at the version and creates the slots anew, as the pipeline does."""
    fresh = releases / ".current.drill"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(f"v{version}")
    fresh.replace(releases / "current")
    _recreate(control, slots)


class BrokenDeployment:
    """`urls` are the slots' own addresses by name; `record(version)` writes a deployment down, as the pipeline does.

    `upstream` is the proxy's list of slots: a procedure that stopped half-way may have left one out.
    """

    def __init__(
        self,
        control: ServiceControl,
        releases: Path,
        upstream: Path,
        urls: Mapping[str, str],
        record: Callable[[str], object],
        *,
        version: str = "1.3.0",
        mistake: str = "fails",
    ) -> None:
        self._control = control
        self._releases = releases
        self._upstream = upstream
        self._urls = urls
        self._record = record
        self._version = version
        self._mistake = mistake
        self._before: tuple[str, bytes | None, str] | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the release {self._version} was deployed" + (f" and {self._mistake}" if self._mistake else "")

    def arrange(self) -> None:
        """Records what runs, then deploys the release on every slot and records it."""
        log, link = self._releases / "releases.jsonl", str((self._releases / "current").readlink())
        self._before = (link, log.read_bytes() if log.exists() else None, self._upstream.read_text("utf-8"))
        if not log.exists():
            self._record(link.removeprefix("v"))
        make_release(self._releases, self._version, self._mistake)
        deploy(self._control, self._releases, self._version, tuple(self._urls))
        self._record(self._version)

    def observe(self) -> Observation:
        """Asks every slot for its version, and for what the release broke."""
        versions = {slot: _version(url) for slot, url in self._urls.items()}
        there = [slot for slot, version in versions.items() if version == self._version]
        detail = ", ".join(f"{slot} runs {version}" for slot, version in versions.items())
        if there and self._mistake:
            answer = httpx.get(self._urls[there[0]] + BROKEN_PATH, timeout=DEADLINE_S, trust_env=False)
            took = 1000 * answer.elapsed.total_seconds()
            bad = answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
            seen = bad if self._mistake == "fails" else took >= SLOW_MS
            return Observation(seen, f"{detail}; GET {BROKEN_PATH} answers {answer.status_code} in {took:.0f} ms")
        return Observation(bool(there), detail)

    def clear(self) -> None:
        """Puts link, record and proxy back, creates the slots anew that still run the release, removes it."""
        if self._before is None:
            return
        link, log, upstream = self._before
        current = self._releases / "current"
        with contextlib.suppress(FileNotFoundError):
            current.unlink()
        current.symlink_to(link)
        if log is None:
            (self._releases / "releases.jsonl").unlink(missing_ok=True)
            (self._releases / link / "api.env").unlink(missing_ok=True)
        else:
            (self._releases / "releases.jsonl").write_bytes(log)
        _recreate(self._control, [s for s, url in self._urls.items() if _version(url) != link.removeprefix("v")])
        if self._upstream.read_text("utf-8") != upstream:
            self._upstream.write_text(upstream, "utf-8")
            self._control.restart("nginx")
        shutil.rmtree(self._releases / f"v{self._version}", ignore_errors=True)


def _recreate(control: ServiceControl, slots: Sequence[str]) -> None:
    if slots:
        control.recreate(slots)


def _version(url: str) -> str:
    try:
        answer = httpx.get(f"{url}/api/version", timeout=DEADLINE_S, trust_env=False)
        return str(answer.raise_for_status().json()["version"])
    except (httpx.HTTPError, ValueError, KeyError):
        return "nothing"
