"""`runbooks serve`: a preview that renders a page when it is asked for, so that a change costs one page.

A change of any file only makes the project be read again (what did not change is not parsed again); each page is
rendered anew at its next request. What is wrong is shown in place of the page and in the terminal, with file and
line, and the preview goes on: it comes back when the fault is gone. Search is that of the start.
"""

from __future__ import annotations

import html
import logging
import posixpath
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.commands.build import _build_page, _populate_page, build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import MkDocsException
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import Files, InclusionLevel, get_files, set_exclusions
from mkdocs.structure.nav import Navigation, get_navigation
from mkdocs.structure.pages import Page

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.site.build.address import site_address
from runbook_steps.engine.site.build.evidence_views import EvidenceViews
from runbook_steps.engine.text.terminal import printable

__all__ = ["Preview", "serve_preview"]

WATCHED = ("docs", "features", "mkdocs.yml", "pyproject.toml", "build/evidence")
"""What a page can depend on, below the project."""
_log = logging.getLogger("mkdocs.preview")
_ERROR = (
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Not good yet</title>\n'
    "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "pre{white-space:pre-wrap;background:#fde8e8;color:#611;padding:1rem;border-radius:4px}</style>\n"
    "<body><h1>This page cannot be shown yet</h1>\n<pre>%s</pre>\n"
    "<p>Correct it and save: the page comes back by itself.</p></body></html>\n"
)

_Loaded = tuple[MkDocsConfig, Files, Navigation, Any]


class Preview:
    """The state behind the server: the project as it was read last, and which pages were rendered since."""

    def __init__(self, root: Path, site: Path, address: str, *, built: bool = False) -> None:
        self._root = root
        self._site = site
        self._address = address
        self._lock = threading.RLock()
        self._built = built
        self._error = ""
        self._fresh: set[str] = set()
        self._loaded: _Loaded | None = None
        self._kept: tuple[bytes, MkDocsConfig, Any, Any] | None = None

    def start(self) -> None:
        """Reads everything and builds the whole site once; what is wrong is kept, and shown."""
        self.changed()

    def changed(self) -> None:
        """Something changed on disk: reads the project again. Never raises for what a writer can get wrong."""
        with self._lock, _collected() as said:
            self._fresh.clear()
            try:
                if not self._built:
                    build(self._config(), serve_url=self._address)
                    self._built = True
                self._loaded = self._load()
                self._error = ""
            except (MkDocsException, SystemExit, OSError, ValueError) as error:
                self._error = "\n".join(said) or printable(str(error))
                if not said:  # else it is told already
                    _log.error(self._error)

    def page(self, path: str) -> str:
        """Renders the page at a path below the site, `a/b/index.html`, unless it is fresh; gives what is wrong."""
        with self._lock:
            if self._error or self._loaded is None:
                return self._error
            if path in self._fresh:
                return ""
            config, files, nav, env = self._loaded
            pages = files.documentation_pages(inclusion=InclusionLevel.is_in_serve)
            file = next((each for each in pages if each.dest_uri == path), None)
            if file is None:
                views: EvidenceViews = config.plugins["macros"].rb_evidence  # type: ignore[attr-defined]
                views.write_one(path, self._site)
                return ""
            with _collected() as said:
                try:
                    page = file.page or Page(None, file, config)
                    _populate_page(page, config, files)
                    _build_page(page, config, pages, nav, env)
                except (MkDocsException, SystemExit, OSError, ValueError) as error:
                    if not said:
                        _log.error(printable(str(error)))
            if not said:
                self._fresh.add(path)
            return "\n".join(self._located(line, file.src_uri) for line in dict.fromkeys(said))

    def _config(self) -> MkDocsConfig:
        config = load_config(config_file=str(self._root / "mkdocs.yml"), site_dir=str(self._site), strict=True)
        config.site_url = self._address
        return config

    def _load(self) -> _Loaded:
        """The first half of the site builder's own `build`, up to where it reads pages.

        Settings and templates are kept while mkdocs.yml is the same; the macros read the project each time.
        """
        settings = (self._root / "mkdocs.yml").read_bytes()
        if self._kept is None or self._kept[0] != settings:
            config = self._config()
            config.plugins.on_startup(command="serve", dirty=True)
            nav_said = config.nav
            config = config.plugins.on_config(config)
            config.plugins.on_pre_build(config=config)
            self._kept = settings, config, config.theme.get_env(), nav_said
        else:
            _, config, _, config.nav = self._kept
            config.plugins["macros"].on_config(config)
        _, config, env, _ = self._kept
        files = get_files(config)
        files.add_files_from_theme(env, config)
        files = config.plugins.on_files(files, config=config)
        set_exclusions(files, config)
        nav = get_navigation(files, config)
        nav = config.plugins.on_nav(nav, config=config, files=files)
        env = config.plugins.on_env(env, config=config, files=files)
        files.copy_static_files(dirty=True, inclusion=InclusionLevel.is_in_serve)
        return config, files, nav, env

    def _located(self, line: str, source: str) -> str:
        """A message of the site builder with its file and line: it names a link, and the link is somewhere."""
        parts = line.split("'")
        target = next((part for part in parts[3:4] if part), "")
        lines = (self._root / "docs" / source).read_text("utf-8").splitlines()
        number = next((n for n, text in enumerate(lines, 1) if target and target in text), 1)
        return line if line.startswith("docs/") else f"docs/{source}:{number}: {line}"


class PreviewServer(LiveReloadServer):
    """mkdocs' own live server; a page is rendered before it is sent."""

    def __init__(self, preview: Preview, root: Path, site: Path, at: tuple[str, int], mount: str) -> None:
        super().__init__(
            builder=preview.changed, host=at[0], port=at[1], root=str(site), mount_path=mount, polling_interval=0.2
        )
        self.build_delay = 0.05
        self._preview = preview
        self._own_name = at[0]
        own = load_settings(root).steps.partition(".")[0]
        for name in (*WATCHED, *([own] if own else ())):
            if (root / name).exists():
                self.watch(str(root / name))

    def _asked_by_its_own_name(self, said: str) -> bool:
        """A page of elsewhere can point a name of its own at this machine, and would read what is previewed."""
        try:
            name = urlsplit(f"//{said}").hostname or ""
            if name in {self._own_name, "localhost"}:
                return True
            ip_address(name)
        except ValueError:
            return False
        return True

    def _serve_request(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
        if not self._asked_by_its_own_name(environ.get("HTTP_HOST", "")):
            start_response("421 Misdirected Request", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"This preview answers to {self._own_name} and to addresses only.\n".encode()]
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "ignore")
        if not path.isprintable():
            start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"No page has such a name.\n"]
        if path.startswith(self.mount_path) and path.endswith(("/", ".html")):
            file = f"{path}index.html" if path.endswith("/") else path
            wanted = posixpath.normpath(f"/{file.removeprefix(self.mount_path)}").lstrip("/")
            with self._epoch_cond:
                self._epoch_cond.wait_for(lambda: self._visible_epoch == self._wanted_epoch)
                epoch = self._visible_epoch
            if wrong := self._preview.page(wanted):
                inject: Any = self._inject_js_into_html
                body = inject((_ERROR % html.escape(wrong)).encode(), epoch)
                start_response("500 Not good yet", [("Content-Type", "text/html; charset=utf-8")])
                return [bytes(body)]
        found: Iterable[bytes] | None = super()._serve_request(environ, start_response)
        return found


def serve_preview(root: Path, host: str, port: int) -> None:
    """Serves until it is interrupted. Raises ConfigurationError when the address is taken."""
    _talk()
    with tempfile.TemporaryDirectory(prefix="runbooks-preview-") as folder:
        mount = urlsplit(site_address(root)).path
        site = Path(folder)
        preview = Preview(root, site, f"http://{host}:{port}{mount}")
        server: Any = PreviewServer(preview, root, site, (host, port), mount)
        preview.start()
        try:
            server.serve()
        except KeyboardInterrupt:
            _log.info("stopped")
        except OSError as error:
            raise ConfigurationError(f"cannot serve on {host}:{port}: {error.strerror}") from error
        finally:
            server.shutdown()


def _talk() -> None:
    """What the site builder says goes to the terminal; what its plugins chat about does not."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)-7s %(message)s"))
    logger = logging.getLogger("mkdocs")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logging.getLogger("mkdocs.plugins").setLevel(logging.WARNING)


@contextmanager
def _collected() -> Iterator[list[str]]:
    """What the site builder warns of meanwhile; it is told in the terminal too."""
    said: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(printable(record.getMessage()))

    keeper = Keeper(logging.WARNING)
    logger = logging.getLogger("mkdocs")
    logger.addHandler(keeper)
    try:
        yield said
    finally:
        logger.removeHandler(keeper)
