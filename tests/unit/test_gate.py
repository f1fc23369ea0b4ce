"""The gate of the project gets itself a browser where it may, and never fails for the lack of one."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runbook_steps.engine.guards.services import guard

GATE = Path(__file__).parents[2] / ".ci/run"
INSTALLING = "installing Chromium for the tests in a browser (once, at most 3 minutes)\n"


def said_by(function: str, folder: Path, tools: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, output and errors of one function of the gate, where there are only these tools."""
    for name, text in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    for name in ("sh", "timeout"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    found_text = re.search(rf"^{function}\(\) \{{\n.*?^\}}\n", GATE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found_text is not None
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", f"set -euo pipefail\n{found_text[0]}{function}"],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ({"chromium": "exit 1"}, ""),
        ({"id": "echo 1000"}, "no Chromium, and no root with apt to install it: the tests in a browser will skip\n"),
        ({"id": "echo 0"}, "no Chromium, and no root with apt to install it: the tests in a browser will skip\n"),
        (
            {"id": "echo 0", "apt-get": "echo broken >&2; exit 100"},
            f"{INSTALLING}Chromium could not be installed: the tests in a browser will skip\n",
        ),
        (
            {"id": "echo 0", "apt-get": '[ "$1 $2 $3 $4" = "install -qq -y --no-install-recommends" ]'},
            INSTALLING,
        ),
    ],
)
def test_a_browser_is_installed_once_or_missed_in_one_line(
    tmp_path: Path, tools: dict[str, str], expected: str
) -> None:
    """As root with apt; anybody else is told that tests will skip."""
    assert said_by("browser", tmp_path, tools) == (0, expected, "")


@pytest.mark.parametrize(
    ("tools", "code", "expected"),
    [
        ({"docker": "exit 0"}, 0, ""),
        (
            {"docker": "exit 1", "id": "echo 1000"},
            1,
            "no Docker engine, and no root with apt to install one: the containers target is not tried\n",
        ),
        (
            {"docker": "exit 1", "id": "echo 0", "apt-get": "exit 100"},
            1,
            (
                "starting a Docker engine for the containers target (installed once, at most 3 minutes)\n"
                "no Docker engine could be started: the containers target is not tried\n"
            ),
        ),
    ],
)
def test_an_engine_is_started_or_missed_in_one_line(
    tmp_path: Path, tools: dict[str, str], code: int, expected: str
) -> None:
    """The gate goes on without one, and says so."""
    assert said_by("engine", tmp_path, tools) == (code, expected, "")


REAL = "could not be installed: "


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ({"id": "echo 1000"}, "not installed, and no root with apt to do it:"),
        ({"id": "echo 0", "apt-get": "echo broken >&2; exit 100"}, REAL),
    ],
)
def test_what_cannot_be_installed_is_said_loudly_and_named(
    tmp_path: Path, tools: dict[str, str], expected: str
) -> None:
    """Every package that is missing stands in the line, and that something is not tried."""
    code, said, errors = said_by("services", tmp_path, {**tools, "printf": "exit 0", "chmod": "exit 0", "rm": "exit 0"})
    last = said.splitlines()[-1]
    assert (code, errors) == (0, "")
    assert last.startswith(expected)
    assert last.endswith("what needs them is NOT TRIED")
    assert {"pgbouncer", "redis-tools", "prometheus"} <= set(
        last.removesuffix(": what needs them is NOT TRIED").split()
    )


UNSTEADY = """
import pathlib, pytest
@pytest.mark.parametrize("number", range({failing}))
def test_it(number):
    tried = pathlib.Path(f"tried-{{number}}")
    before = len(tried.read_text()) if tried.exists() else 0
    tried.write_text("x" * (before + 1))
    assert before >= {times}
"""


@pytest.mark.parametrize(
    ("failing", "times", "code", "expected"),
    [
        (2, 0, 0, []),
        (3, 1, 0, [f"unsteady tests/test_it.py::test_it[{number}]" for number in range(3)]),
        (1, 2, 1, []),
        (4, 1, 1, ["FAILED: .venv/bin/pytest tests -q: 4 tests are known to have failed; none is tried again (1 to 3"]),
    ],
)
def test_one_that_fails_is_tried_once_more_and_named(
    tmp_path: Path, failing: int, times: int, code: int, expected: list[str]
) -> None:
    """Three at most, and once: a second failure, or a fourth test, is red; what passed only then is unsteady."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text(UNSTEADY.format(failing=failing, times=times), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    done = steadily(tmp_path, ".venv/bin/pytest tests -q")

    assert done.returncode == code, done.stdout + done.stderr
    for line in expected:
        assert line in done.stdout
    assert ("unsteady tests" in done.stdout) is (times == 1 and code == 0)
    assert [len(path.read_text()) for path in tmp_path.glob("tried-*")] == [
        min(times + 1, 2) if failing < 4 else 1
    ] * failing


def test_a_command_that_fails_without_a_failed_test_is_a_failure(tmp_path: Path) -> None:
    """One that was killed, or failed at something else: what an earlier run had remembered is not asked."""
    cache = tmp_path / ".pytest_cache/v/cache/lastfailed"
    cache.parent.mkdir(parents=True)
    cache.write_text('{\n  "tests/test_it.py::test_it": true\n}', encoding="utf-8")

    done = steadily(tmp_path, "false")

    assert done.returncode == 1
    assert "FAILED: false: 0 tests are known to have failed" in done.stdout


def steadily(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """That command as the gate calls it, in that folder, with a real pytest."""
    tool = folder / ".venv/bin/pytest"
    tool.parent.mkdir(parents=True)
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m pytest "$@"\n', encoding="utf-8")
    tool.chmod(0o755)
    found = re.search(r"^unsteady=\(\)\nsteady\(\) \{\n.*?^\}\n", GATE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    script = f"set -euo pipefail\n{found[0]}steady tests/ {command}\nprintf 'unsteady %s\\n' \"${{unsteady[@]}}\""
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", [".env", ".env.staging", ".env.production"])
def test_secrets_of_a_target_are_ignored_by_git(name: str) -> None:
    """`git add -A` takes none of them; the example without values is no secret."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        pytest.skip("no checkout of git")
    asked = ["git", "-C", str(root), "check-ignore", "--no-index", "-q"]
    assert subprocess.run([*asked, name], check=False).returncode == 0
    assert subprocess.run([*asked, ".env.example"], check=False).returncode == 1


@pytest.mark.parametrize(
    ("lock", "in_gate", "skips"),
    [(True, True, False), (True, False, False), (False, False, True), (False, True, False)],
)
def test_the_gate_skips_no_hostile_suite(
    monkeypatch: pytest.MonkeyPatch, *, lock: bool, in_gate: bool, skips: bool
) -> None:
    """Where the kernel has no lock it is skipped and said aloud; in the gate it runs, and is red."""
    monkeypatch.setattr(guard, "can_lock_down", lambda: lock)
    monkeypatch.delenv("RUNBOOKS_GATE", raising=False)
    if in_gate:
        monkeypatch.setenv("RUNBOOKS_GATE", "1")
    made = runpy.run_path(str(GATE.parents[1] / "tests/gate.py"))

    assert made["NEEDS_LOCK"].args == (skips,)
    assert made["not_tried"]().startswith("NOT TRIED: the hostile scenarios") is not lock
    assert f"export {made['GATE']}=1" in GATE.read_text("utf-8")


@pytest.mark.parametrize("installed", [True, False])
def test_every_procedure_is_pasted_once(tmp_path: Path, installed: bool) -> None:
    """One half of the features into each shell; all of them into bash where there is no zsh."""
    found = re.search(r"^declare -A share=.*?^done\n.*?^done\n", GATE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    for name in "abc":
        (tmp_path / f"features/{name}").mkdir(parents=True)
        (tmp_path / f"features/{name}/one.feature").touch()
    there = "0" if installed else "1"
    script = f'set -euo pipefail\nsteady() {{ shift; echo "$*"; }}\ncommand() {{ return {there}; }}\n{found[0]}'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    both = [
        "make pasted SHELLS=bash FEATURES= features/a/one.feature features/c/one.feature",
        "make pasted SHELLS=zsh FEATURES= features/b/one.feature",
    ]
    assert done.stdout.splitlines() == (both if installed else ["make pasted SHELLS=bash FEATURES=features/"])
