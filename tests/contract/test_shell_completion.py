"""The Tab key in real shells: commands, runbooks and targets."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.contract.person import Person

ROOT = Path(__file__).parents[2]
SHELLS = {
    "bash": (["bash", "--norc", "-i"], 'eval "$(runbooks --show-completion)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u -D; eval "$(runbooks --show-completion)"'),
}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("runbooks jour", "runbooks journal"),
        ("runbooks run ngi", "runbooks run nginx"),
        ("runbooks run infrastructure/ng", "runbooks run infrastructure/nginx"),
        ("runbooks run nginx --target stag", "runbooks run nginx --target staging"),
        ("runbooks run nginx --allow mut", "runbooks run nginx --allow mutating"),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_tab_key_completes(shell: str, typed: str, expected: str) -> None:
    """As `--show-completion` of that shell says."""
    command, script = SHELLS[shell]
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"{shell} is not installed")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "PS1": "shell> ", "PROMPT": "shell> "}
    with Person([program, *command[1:]], environment, ROOT) as person:
        person.waits_for("shell>")
        person.types(f"{script}; echo re''ady")
        person.waits_for("ready")
        person.waits_for("shell>")
        person.presses(typed)
        person.waits_for(typed)
        person.presses("\t")
        person.waits_for(expected.removeprefix(typed))


def test_a_folder_without_a_project_offers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says nothing: the person is in the middle of a line."""
    from runbook_steps.engine.cli.completion import runbooks, targets

    monkeypatch.chdir(tmp_path)
    assert (runbooks("n"), targets("s")) == ([], [])
