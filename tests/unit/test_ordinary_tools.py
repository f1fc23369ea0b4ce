"""The ordinary tool stands beside ours, for the night on which ours is not installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BESIDE = {
    "infrastructure/cpu": ["uptime", "docker stats --no-stream", "ps aux --sort=-%cpu | head", "top -b -n 2 -d 2"],
    "infrastructure/memory": ["free -h", "docker stats --no-stream", "ps aux --sort=-%mem | head"],
    "infrastructure/disk-space": [
        'du -xh --max-depth=2 "$LOG_VOLUME" | sort -rh | head',
        'du -x --inodes --max-depth=2 "$LOG_VOLUME" | sort -rn | head',
        "docker system df",
        "docker image prune",
        "journalctl --disk-usage",
    ],
    "infrastructure/nginx": ['tail -f "$NGINX_ACCESS_LOG"'],
    "security/certificate-check": [
        'openssl x509 -noout -serial -enddate -in "$TLS_CERTIFICATE"',
        'openssl x509 -noout -checkend 2592000 -in "$TLS_CERTIFICATE"',
    ],
    "maintenance/weekly-maintenance": ["npm audit --audit-level=moderate", "npm outdated"],
    "deployment/production-deployment": ["gh run watch --exit-status"],
    "emergency/incident-response": ["gh run list --limit 10"],
}
"""What version 1.0 had, as it stands on the page now."""
NEVER = ("docker system prune -", "docker image prune -a", "docker image prune --all", "npm update")
HERE = [
    command
    for commands in BESIDE.values()
    for command in commands
    if command.split()[0] in {"uptime", "ps", "top", "free", "du"}
]


@pytest.mark.parametrize("page", BESIDE)
def test_the_ordinary_tool_stands_beside_ours(page: str) -> None:
    """In its words, as code, so that it can be pasted."""
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    assert [command for command in BESIDE[page] if f"`{command}`" not in text] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_no_page_offers_the_one_that_deletes_too_much(page: Path) -> None:
    """Outside of what was said of version 1.0."""
    offered = re.sub(r"^\?\?\? note.*?(?=^\S|\Z)", "", page.read_text("utf-8"), flags=re.M | re.S)
    if "about" in page.parts or "reference" in page.parts:
        pytest.skip("it tells what version 1.0 said")
    assert [command for command in NEVER if f"`{command}" in offered] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_no_page_lets_compose_forget_how_many_instances_there_are(page: Path) -> None:
    """In its prose either: `up` without `--scale` goes back to the number of the compose file."""
    said = re.findall(r"`(docker compose up[^`]*)`", page.read_text("utf-8"))
    assert [command for command in said if "--scale" not in command] == []


@pytest.mark.parametrize("command", HERE)
def test_it_runs_here(command: str, tmp_path: Path) -> None:
    """What only looks at a machine ends well on this one, and says something."""
    if missing := [tool for tool in (command.split(maxsplit=1)[0], "bash") if shutil.which(tool) is None]:
        pytest.skip(f"not installed: {missing}")
    done = subprocess.run(
        ["bash", "-c", command],
        env={"PATH": "/usr/bin:/bin:/usr/sbin", "LOG_VOLUME": str(tmp_path), "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_the_serial_number_of_the_file_is_read(tmp_path: Path) -> None:
    """The page's command on a certificate that was made here; the second one knows what ends within 30 days."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=here -set_serial 0xBEE "
    subprocess.run(
        ["bash", "-c", f"{made} -days 20 -keyout server.key -out server.pem"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    serial, ends = (
        subprocess.run(
            ["bash", "-c", command],
            env={"PATH": "/usr/bin:/bin", "TLS_CERTIFICATE": str(tmp_path / "server.pem")},
            capture_output=True,
            text=True,
            check=False,
        )
        for command in BESIDE["security/certificate-check"]
    )
    assert "serial=0BEE" in serial.stdout
    assert ends.returncode == 1
