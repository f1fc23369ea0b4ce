"""reference_api/release.py: what a slot runs with."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.stand_in.reference_api.release import code_of_release, effective_environ, read_env_file


def test_the_release_overrides_the_env_file_and_both_the_environment(tmp_path: Path) -> None:
    """Environment, env file, release: the later wins."""
    (tmp_path / "api.env").write_text("# settings\n\nA=file\nB=file with = and spaces\n", "utf-8")
    (tmp_path / "release.env").write_text("A=release\n", "utf-8")
    environ = {"A": "environ", "B": "environ", "C": "environ"}
    places = {"API_ENV_FILE": str(tmp_path / "api.env"), "API_RELEASE": str(tmp_path)}
    merged = effective_environ(environ | places)
    assert {name: merged[name] for name in "ABC"} == {"A": "release", "B": "file with = and spaces", "C": "environ"}


def test_a_missing_env_file_changes_nothing(tmp_path: Path) -> None:
    """The first start has none yet."""
    assert read_env_file(tmp_path / "absent.env") == {}


@pytest.mark.parametrize("line", ["no equals", "lower=1", "export A=1", "=1"])
def test_a_broken_line_is_named_without_its_value(tmp_path: Path, line: str) -> None:
    """File and line, never the content: it may be a secret."""
    file = tmp_path / "api.env"
    file.write_text(f"A=1\n{line}\n", "utf-8")
    with pytest.raises(ConfigurationError) as error:
        read_env_file(file)
    assert str(error.value) == f"{file}:2: expected KEY=VALUE, the key in capitals"


def test_code_is_resolved_through_the_link(tmp_path: Path) -> None:
    """A running slot keeps its code when the link moves on."""
    (tmp_path / "v2" / "code").mkdir(parents=True)
    (tmp_path / "current").symlink_to("v2")
    assert code_of_release({"API_RELEASE": str(tmp_path / "current")}) == tmp_path / "v2" / "code"
    assert code_of_release({"API_RELEASE": str(tmp_path / "none")}) is None
    assert code_of_release({}) is None
