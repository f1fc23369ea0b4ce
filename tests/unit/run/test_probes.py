"""A platform as it is published: what differs from the contract is named with its way round, and nothing is calm."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import Position
from runbook_steps.engine.model import Command
from runbook_steps.engine.run import probes
from runbook_steps.engine.run.probes import Fit, look_at, what_differs
from runbook_steps.engine.sources.contract_file import Contract, load_contract
from tests.foreign_staging.as_published import LIMIT, AsPublished
from tests.foreign_staging.silent import SILENCES, silent

INTERFACES = load_contract(Path(__file__).parents[3]).interfaces
DIFFERENT = {
    "health": (Fit.DIFFERS, "has no status at its top; it has data, success"),
    "health-detailed": (Fit.MISSING, "GET /api/health/detailed answers 404"),
    "metrics": (Fit.MISSING, "GET /api/metrics answers 404"),
    "version": (Fit.MISSING, "GET /api/version answers 404"),
    "verify-blacklist": (Fit.MISSING, "GET /api/auth/verify-blacklist answers 404"),
    "providers": (Fit.DIFFERS, "has no providers at its top"),
    "services": (Fit.DIFFERS, "has no services at its top"),
}


def looked(api: AsPublished, **more: str) -> dict[str, tuple[Fit, str, str]]:
    """Interface → fit, what was seen, and the way round."""
    found = look_at(INTERFACES, {"API_BASE_URL": api.url, **more}, host=False)
    return {each.interface.id: (each.fit, each.seen, each.interface.missing) for each in found}


def test_every_route_that_differs_is_named_with_its_way_round() -> None:
    """And none fits by accident."""
    with AsPublished() as api:
        seen = looked(api)
    for name, (fit, words) in DIFFERENT.items():
        assert seen[name][0] is fit, (name, seen[name])
        assert words in seen[name][1], (name, seen[name])
        assert seen[name][2]


def test_a_database_that_is_down_does_not_make_health_fit() -> None:
    """It still says healthy."""
    with AsPublished() as api:
        api.database = "error"
        assert looked(api)["health"][0] is Fit.DIFFERS


def test_plain_http_that_leads_to_https_is_told() -> None:
    """Not followed, and not called good."""
    with AsPublished(proxied=False) as api:
        fit, seen, _ = looked(api)["health"]
    assert (fit, "answers 301 and leads to https://api.example/api/health" in seen) == (Fit.DIFFERS, True)


def test_a_limit_that_is_reached_is_no_finding() -> None:
    """Nothing is known then."""
    with AsPublished() as api:
        api.asked = LIMIT
        assert looked(api)["health"][0] is Fit.UNKNOWN


STARTED = '{"timestamp": "2026-01-31T09:00:00Z", "message": "started"}\n'
REQUEST = (
    '{"timestamp": "2026-01-31T09:00:00Z", "message": "request", "method": "GET", "path": "/", "status": 200, '
    '"durationMs": 1}\n'
)


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("", Fit.UNKNOWN),
        ("GET / 200\n", Fit.DIFFERS),
        (None, Fit.MISSING),
        (STARTED, Fit.DIFFERS),
        (REQUEST.replace("200,", "null,"), Fit.DIFFERS),
        (REQUEST + STARTED, Fit.FITS),
    ],
)
def test_a_log_without_request_lines_is_not_calm(tmp_path: Path, text: str | None, fit: Fit) -> None:
    """Empty, of another format, not there, or without a line of a request."""
    if text is not None:
        (tmp_path / "app.log").write_text(text, "utf-8")
    with AsPublished() as api:
        assert looked(api, LOG_DIR=str(tmp_path))["request-log"][0] is fit


COMBINED = '192.0.2.7 - bob [31/Jan/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 612 "-" "curl"\n'


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        (COMBINED, Fit.FITS),
        (f"api.example:443 {COMBINED}", Fit.DIFFERS),
        ('{"remote_addr": "192.0.2.7", "request": "GET / HTTP/1.1", "status": "200"}\n', Fit.DIFFERS),
        ("", Fit.UNKNOWN),
    ],
)
def test_an_access_log_of_another_format_does_not_fit(tmp_path: Path, text: str, fit: Fit) -> None:
    """The commands of the pages would count nothing in it, or the wrong words."""
    (tmp_path / "access.log").write_text(text, "utf-8")
    with AsPublished() as api:
        assert looked(api, NGINX_ACCESS_LOG=str(tmp_path / "access.log"))["access-log"][0] is fit


@pytest.mark.parametrize("kind", SILENCES)
def test_no_interface_of_the_api_fits_by_silence(kind: str) -> None:
    """Whatever is answered without a word: only what asks for a status alone may fit by it."""
    with silent(kind) as url:
        found = look_at(INTERFACES, {"API_BASE_URL": url}, host=False)
    asked = [each for each in found if "get" in each.interface.probe and "fields" in each.interface.probe]
    by_lists = {"empty lists", "zero traffic"}  # a list that is there and empty is one
    assert [each.interface.id for each in asked if each.fit is Fit.FITS and kind not in by_lists] == []
    assert all(each.interface.missing for each in asked)


def test_needs_of_which_any_does_are_told_together() -> None:
    """And blanks alone are no value."""
    (aws,) = [each for each in INTERFACES if each.id == "aws"]
    names = "AWS_ACCESS_KEY_ID or AWS_PROFILE or AWS_ROLE_ARN or AWS_CREDENTIALS"
    assert aws.unset({}) == aws.unset({"AWS_PROFILE": " "}) == [names]
    assert aws.unset({"AWS_PROFILE": "staging"}) == []


@pytest.mark.parametrize(
    ("text", "seen", "said"),
    [
        (
            "SELECT query FROM pg_stat_statements",
            (Fit.DIFFERS, "it is false"),
            "needs Statistics of statements, and it is",
        ),
        ("SELECT query FROM pg_stat_statements", (Fit.FITS, "it is true"), ""),
        ("SELECT query FROM pg_stat_statements", (Fit.UNKNOWN, "no answer"), ""),
    ],
)
def test_what_the_database_lacks_is_told_with_the_way_round(
    monkeypatch: pytest.MonkeyPatch, text: str, seen: tuple[Fit, str], said: str
) -> None:
    """Only what it says of its own catalogue; what could not be asked stays the failure that it was."""
    monkeypatch.setattr(probes, "_value", lambda query, *_: seen if "pg_stat_statements" in query else (Fit.FITS, ""))
    command = Command(text, "sql", "list slow queries", Position("features/a.feature", 1), 10.0)
    found = what_differs(command, Contract(INTERFACES), {"DATABASE_URL": "postgres://u@127.0.0.1:9/x"})
    assert (said in found, bool(found)) == (True, bool(said))
