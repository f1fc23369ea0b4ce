"""The gate of the project gets itself a browser where it may, and never fails for the lack of one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

GATE = Path(__file__).parents[2] / ".ci/run"
INSTALLING = "installing Chromium for the tests in a browser (once, at most 3 minutes)\n"


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
    for name, text in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for name in ("sh", "timeout"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    function = re.search(r"^browser\(\) \{\n.*?^\}\n", GATE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert function is not None
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", f"set -euo pipefail\n{function[0]}browser"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (0, expected, "") == (done.returncode, done.stdout, done.stderr)
