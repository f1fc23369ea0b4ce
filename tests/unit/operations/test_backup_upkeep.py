"""What goes from the store and what is told of it: retention, standing, speed, sizes of parts. Without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.backup_retention import to_prune
from runbook_steps.operations.backup_status_cli import Limits, standing
from runbook_steps.operations.s3_upload import PART, part_size, parts_of
from runbook_steps.operations.transfer import Pace
from tests.unit.operations.test_backup_manifest import GOOD

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LIMITS = Limits(timedelta(hours=26), timedelta(days=8), 50)


def made(days: int, database: str = "shop", size: int = 1000, verified: bool = True) -> tuple[object, str | None]:
    """A backup so many days ago, and when it was verified."""
    when = (NOW - timedelta(days=days)).isoformat(timespec="seconds")
    key = f"beautycort-backup-{database}-{days}"
    return replace(GOOD, key=key, created=when, database=database, size=size), when if verified else None


def pruned(*backups: tuple[object, str | None]) -> list[str]:
    """The keys that go after 30 days."""
    return [each.key.removeprefix("beautycort-backup-") for each in to_prune(backups, 30, NOW)]  # type: ignore[arg-type]


def test_old_backups_go_and_the_last_good_ones_stay() -> None:
    """The newest of each database, and its newest that was verified."""
    assert pruned(made(1), made(40), made(50)) == ["shop-40", "shop-50"]
    assert pruned(made(40), made(50)) == ["shop-50"]
    assert pruned(made(1, verified=False), made(40), made(50)) == ["shop-50"]
    assert pruned(made(1), made(400, "other")) == []
    assert pruned(made(1), made(400, "other"), made(500, "other")) == ["other-500"]


def test_the_standing_is_that_of_one_database() -> None:
    """Another database's new backup does not hide that this one has none."""
    backups = (made(0, "other"), made(3), made(4))
    assert standing(backups, "shop", NOW, LIMITS).problems == (  # type: ignore[arg-type]
        "the newest backup is 3 days old, 26 h is the limit",
    )
    assert standing(backups, "gone", NOW, LIMITS).problems == ("there is no backup",)  # type: ignore[arg-type]


def test_a_backup_that_is_much_smaller_is_told() -> None:
    """Than the usual one of the five before it."""
    usual = [made(days, size=1000) for days in range(1, 6)]
    found = standing((made(0, size=400), *usual), "shop", NOW, LIMITS)  # type: ignore[arg-type]
    assert found.problems == ("the newest backup has 400 bytes, 1000 are usual: is anything missing?",)
    assert standing((made(0, size=500), *usual), "shop", NOW, LIMITS).problems == ()  # type: ignore[arg-type]


def test_a_clock_that_is_wrong_is_told() -> None:
    """A backup from the future would look young for ever."""
    assert "from the future" in standing((made(-3),), "", NOW, LIMITS).problems[0]  # type: ignore[arg-type]


def test_a_stream_is_held_to_its_speed() -> None:
    """So many bytes a second, whatever the pieces; without a limit nothing waits."""
    clock = [0.0]

    def wait(seconds: float) -> None:
        clock[0] += seconds

    pace = Pace.from_environ({"BACKUP_BANDWIDTH_LIMIT": "2MB/s"})
    held = replace(pace, wait=wait, now=lambda: clock[0])
    for _ in range(10):
        held.took(1_000_000)
    assert clock[0] == pytest.approx(5.0)
    Pace(wait=wait).took(1 << 40)
    assert clock[0] == pytest.approx(5.0)


@pytest.mark.parametrize(("text", "bytes_a_second"), [("", 0), ("500k", 500_000), ("1 GB/s", 10**9), ("7", 7)])
def test_a_speed_as_people_write_it(text: str, bytes_a_second: int) -> None:
    """Bytes a second."""
    assert Pace.from_environ({"BACKUP_BANDWIDTH_LIMIT": text}).bytes_a_second == bytes_a_second


@pytest.mark.parametrize("text", ["fast", "0", "-1", "10 Mbit", "1e6"])
def test_a_speed_that_is_none_is_named(text: str) -> None:
    """By its variable."""
    with pytest.raises(ConfigurationError, match="BACKUP_BANDWIDTH_LIMIT"):
        Pace.from_environ({"BACKUP_BANDWIDTH_LIMIT": text})


def test_ten_thousand_parts_hold_half_a_terabyte_and_more() -> None:
    """S3 allows no more parts: so they grow."""
    assert part_size(1) == PART
    assert part_size(2000) == PART
    assert part_size(2001) == 2 * PART
    assert sum(part_size(number) for number in range(1, 10_001)) > 900 * 1024**3


@pytest.mark.parametrize("sizes", [[], [0], [1], [PART], [PART - 1, 1, 1], [PART + 1], [3 * PART + 7], [PART // 3] * 7])
def test_parts_are_full_but_the_last_and_hold_every_byte(sizes: list[int]) -> None:
    """Whatever pieces they come in; an empty stream is one empty part."""
    pieces = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    parts = list(parts_of(iter(pieces)))
    assert b"".join(parts) == b"".join(pieces)
    assert [len(part) for part in parts[:-1]] == [PART] * (len(parts) - 1)
    assert len(parts) == max(1, -(-sum(sizes) // PART))
