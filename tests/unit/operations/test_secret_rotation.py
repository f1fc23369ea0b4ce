"""Another role for the application: only user and password of its address change, and nothing when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.secret_rotation import use_role

SETTINGS = (
    "# kept\nDATABASE_URL=postgresql://api:old%40word@db.internal:5432/beautycort?sslmode=require\nJWT_SECRET=kept\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An env file with an address."""
    (tmp_path / "api.env").write_text(SETTINGS, "utf-8")
    (tmp_path / "password").write_text("p@ss/w:rd\n", "utf-8")
    return tmp_path / "api.env"


def test_only_user_and_password_change(file: Path) -> None:
    """Host, port, database, options and every other setting stay; the file is for its owner only."""
    use_role(file, "api_b", file.parent / "password")

    assert file.read_text("utf-8").splitlines() == [
        "# kept",
        "JWT_SECRET=kept",
        "DATABASE_URL=postgresql://api_b:p%40ss%2Fw%3Ard@db.internal:5432/beautycort?sslmode=require",
    ]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("role", "settings", "password", "error"),
    [
        ("api_b", "JWT_SECRET=kept\n", "word", ConfigurationError),
        ("api_b", SETTINGS, "", ConfigurationError),
        ("api_b", SETTINGS, None, OperationError),
        ("postgres", SETTINGS, "word", ConfigurationError),
        ("a; DROP", SETTINGS, "word", ConfigurationError),
    ],
)
def test_a_refusal_changes_nothing(
    file: Path, role: str, settings: str, password: str | None, error: type[Exception]
) -> None:
    """No address, no password, a role of the system, or none at all."""
    file.write_text(settings, "utf-8")
    if password is None:
        (file.parent / "password").unlink()
    else:
        (file.parent / "password").write_text(password, "utf-8")

    with pytest.raises(error):
        use_role(file, role, file.parent / "password")
    assert file.read_text("utf-8") == settings
