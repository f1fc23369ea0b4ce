"""A built site → one file that works without a network and without a server.

In it every link names a file, search reads its index from a script, and nothing is asked of another origin.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["ARCHIVE", "FOLDER", "archive_files", "offline_index", "offline_page", "write_archive"]

ARCHIVE = "site.zip"
"""The name of the archive below the site; the home page links to it."""
FOLDER = "runbooks"
"""The folder that the archive unpacks to."""
_LEFT_OUT = ("*.map", "404.html", "sitemap.xml*", "robots.txt", ARCHIVE, "*.partly")
"""What only a server can use, or only a developer."""
_INDEX = "search/search_index.json"
_LINK = re.compile(r'(?P<before>\shref="|\bcontent="\d+; ?url=)(?P<target>[^"]*)(?=")')
_ONLINE = re.compile(r'<p class="rb-online">.*?</p>', re.DOTALL)  # what only the site on a server can offer
_BUNDLE = re.compile(r'<script src="(?P<base>[^"]*)assets/javascripts/bundle\.')
_LOCATION = re.compile(r'(?P<before>"location": ?")(?P<target>[^"]*)(?=")')
_MADE = (1980, 1, 1, 0, 0, 0)  # the same site gives the same archive, byte for byte


def write_archive(site: Path, archive: Path, folder: Path | None = None) -> int:
    """Writes the archive, and its files to `folder` when there is one; gives the number of files.

    Raises ConfigurationError when `site` holds no built site.
    """
    if not (site / "index.html").is_file():
        raise ConfigurationError(f"no site in {site}: build it first, `make site`")
    count = 0
    partly = archive.with_name(archive.name + ".partly")
    with zipfile.ZipFile(partly, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, content in archive_files(site):
            file.writestr(zipfile.ZipInfo(f"{FOLDER}/{name}", _MADE), content, zipfile.ZIP_DEFLATED)
            count += 1
            if folder is not None:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
    partly.replace(archive)  # whoever downloads it meanwhile gets the former one, whole
    return count


def archive_files(site: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the archive, in order: its path below the archive's folder, and what it holds."""
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        name = path.relative_to(site).as_posix()
        if any(PurePosixPath(name).match(pattern) for pattern in _LEFT_OUT):
            continue
        if path.suffix == ".html":
            yield name, offline_page(path.read_text("utf-8")).encode()
        elif name == _INDEX:
            yield name.removesuffix("on"), offline_index(path.read_text("utf-8")).encode()
        else:
            yield name, path.read_bytes()


def offline_page(html: str) -> str:
    """A page whose links name files, and whose search works without a server. Pure."""
    linked = _ONLINE.sub("", html)
    linked = _LINK.sub(lambda found: found["before"] + _to_file(found["target"]), linked)
    shim = r'<script src="\g<base>assets/javascripts/iframe-worker.min.js"></script>\g<0>'
    return _BUNDLE.sub(shim, linked)


def offline_index(index: str) -> str:
    """The search index as a script: a page that was opened from a file may not fetch one. Pure."""
    return "var __index = " + _LOCATION.sub(lambda found: found["before"] + _to_file(found["target"]), index)


def _to_file(target: str) -> str:
    path, sign, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
    if path.startswith("/") or re.match(r"[\w+.-]+:", path):
        return target
    if path.rpartition("/")[2] in {".", ".."}:
        path += "/"
    return f"{path}index.html{sign}{rest}" if path.endswith("/") else target
