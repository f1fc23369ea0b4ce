"""Several machines share the scenarios: each scenario once, about as much work for each, the same split everywhere."""

from __future__ import annotations

import pytest

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.run.shards import Shard, parse_shard

IDS = [f"f::{number}" for number in range(20)]
SECONDS = {f"f::{number}": float(number) for number in range(15)}


@pytest.mark.parametrize("count", [1, 3, 4, 40])
def test_all_parts_have_each_scenario_once(count: int) -> None:
    """None is lost and none runs twice, whatever the order they come in."""
    parts = [Shard(number, count).of(IDS, SECONDS) for number in range(1, count + 1)]
    assert sorted(key for part in parts for key in part) == sorted(IDS)
    assert parts == [Shard(number, count).of(reversed(IDS), SECONDS) for number in range(1, count + 1)]


def test_the_work_is_shared_by_what_it_took() -> None:
    """No part has more than the lightest and one scenario."""
    loads = [sum(SECONDS.get(key, 7.0) for key in Shard(number, 4).of(IDS, SECONDS)) for number in range(1, 5)]
    assert max(loads) - min(loads) <= 7.0
    assert len(Shard(1, 2).of(["a", "b"], {"a": 100.0, "b": 1.0})) == 1


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_what_is_no_part_is_refused(text: str) -> None:
    """In one line."""
    with pytest.raises(ConfigurationError, match="like 2/4"):
        parse_shard(text)
    assert parse_shard("2/4") == Shard(2, 4)
