"""The preview: every kind of change shows within moments, a mistake is shown, and nothing ends the server."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.site.conftest import DemoProject

PAGE = "docs/database/connections-exhausted.md"
FEATURE = "features/database/connections-exhausted.feature"
DEADLINE_S = 30.0


class Served:
    """A preview in a process of its own."""

    def __init__(self, project: DemoProject) -> None:
        self.project = project
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/runbooks/"
        self.log = project.root / "preview.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("runbooks")), "serve", "--address", f"127.0.0.1:{port}"],
                cwd=project.root,
                stdout=log,
                stderr=log,
            )

    def until(self, wanted: str, path: str = "database/connections-exhausted/", *, status: int = 200) -> float:
        """Asks for a page until it holds the words; gives the seconds that took."""
        began = time.monotonic()
        said = ""
        while time.monotonic() - began < DEADLINE_S:
            assert self.process.poll() is None, self.log.read_text()
            try:
                answer = httpx.get(self.address + path, timeout=DEADLINE_S)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            said = answer.text
            if answer.status_code == status and wanted in said:
                return time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(f"“{wanted}” never came, but {said[-2000:]}\n{self.log.read_text()}")

    def close(self) -> None:
        """Ends it as Ctrl-C does not: at once."""
        self.process.terminate()
        self.process.wait(DEADLINE_S)


@pytest.fixture
def served(demo: DemoProject) -> Iterator[Served]:
    """The demo project, previewed."""
    demo.prove()
    preview = Served(demo)
    try:
        preview.until("Proven on embedded")
        yield preview
    finally:
        preview.close()


def test_each_kind_of_change_shows_on_the_page(served: Served) -> None:
    """The page, the feature, a data file, the evidence and its view; how fast is measured by `make bench`."""
    demo = served.project
    demo.edit(PAGE, "Full again", "Full yet again")
    served.until("Full yet again")
    demo.edit(FEATURE, "Then a new session can connect", "Then a fresh session can connect")
    served.until("fresh session can connect")
    severities = (demo.root / "docs/data/severity.yml").read_text("utf-8")
    (demo.root / "docs/data/severity.yml").write_text(severities.replace("escalation: ", "escalation: First "), "utf-8")
    served.until("First ")
    served.until("and is stale: the scenario has changed", "evidence/embedded/database/connections-exhausted.html")
    (demo.root / "build/evidence/embedded.json").unlink()
    served.until("Never proven")


def test_a_typo_is_shown_and_its_correction_too(served: Served) -> None:
    """In the page and in the terminal, with file and line; also a broken link; the server goes on."""
    demo = served.project
    demo.edit(FEATURE, "Then a new session", "Thus a new session")
    served.until(f"{FEATURE}:", status=500)
    assert f"{FEATURE}:" in served.log.read_text()
    demo.edit(FEATURE, "Thus a new session", "Then a new session")
    served.until("new session can connect")

    demo.edit(PAGE, "Full again", "[Full](../nowhere.md) again")
    line = (demo.root / PAGE).read_text("utf-8").partition("../nowhere.md")[0].count("\n") + 1
    served.until(f"{PAGE}:{line}: ", status=500)
    served.until("Database connections are exhausted", "")
    demo.edit(PAGE, "[Full](../nowhere.md) again", "Full again")
    served.until("Full again")

    demo.edit("mkdocs.yml", "site_name:", "site_name: [")
    served.until("cannot be shown yet", status=500)
    demo.edit("mkdocs.yml", "site_name: [", "site_name:")
    served.until("Full again")


def test_a_project_that_is_broken_at_the_start_is_served_too(demo: DemoProject) -> None:
    """The page says what is wrong until it is good."""
    demo.edit(PAGE, "owner: Engineering Lead", "owner: Nobody")
    preview = Served(demo)
    try:
        preview.until(f"{PAGE}:5: owner “Nobody”", status=500)
        demo.edit(PAGE, "owner: Nobody", "owner: Engineering Lead")
        preview.until("Never proven")
    finally:
        preview.close()


@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:80", "127.0.0.1.nip.example", "[::", ""])
def test_a_name_of_elsewhere_reads_nothing(served: Served, host: str) -> None:
    """A page of elsewhere that points its name at this machine would read what is not published yet."""
    assert httpx.get(served.address, headers={"Host": host}).status_code == httpx.codes.MISDIRECTED_REQUEST
    for own in ("localhost:1", "127.0.0.1", "[::1]:8000", "10.0.0.7"):
        assert httpx.get(served.address, headers={"Host": own}).status_code == httpx.codes.OK


def test_a_name_that_no_file_can_have_is_no_page(served: Served) -> None:
    """The server goes on."""
    assert httpx.get(f"{served.address}a%00b/").status_code == httpx.codes.BAD_REQUEST
    served.until("Database connections are exhausted", "")
