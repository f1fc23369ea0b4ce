"""Backups under damage, kills and broken connections, at random moments: nothing lost, and nothing left behind.

Few of each by default. RUNBOOKS_ORDEAL=1 tries 60 damages, 40 kills and 10 breaks; RUNBOOKS_ORDEAL_SEED repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.breaking_proxy import breaking_proxy
from tests.contract.database_backup_support import Shop

WHOLE = bool(os.environ.get("RUNBOOKS_ORDEAL"))
DAMAGES, KILLS, BREAKS = (60, 40, 10) if WHOLE else (6, 4, 2)
SEED = int(os.environ.get("RUNBOOKS_ORDEAL_SEED", "20261129"))
YES = ("--yes", "embedded")
LARGE = """
CREATE TABLE large AS SELECT n AS id, sha512(n::text::bytea) AS noise FROM generate_series(1, 400000) n;
CREATE TABLE small (id integer PRIMARY KEY, name text); INSERT INTO small VALUES (1, 'a'), (2, 'b');
"""


@pytest.fixture(scope="module")
def shop(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A database whose backup takes some parts, so that there is something to break into."""
    with Shop.opened(embedded, schema=LARGE) as opened:
        yield opened


def flip(body: bytes, chance: random.Random) -> bytes:
    """One bit."""
    place = chance.randrange(len(body))
    return body[:place] + bytes([body[place] ^ (1 << chance.randrange(8))]) + body[place + 1 :]


DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip,
    lambda body, chance: body[: chance.randrange(len(body))],
    lambda body, chance: body + chance.randbytes(1 + chance.randrange(100)),
    lambda body, chance: chance.randbytes(len(body)),
    lambda _body, _chance: b"",
    lambda body, chance: body[(cut := chance.randrange(1, len(body))) :] + body[:cut],
)


@pytest.mark.parametrize("number", range(DAMAGES))
def test_a_damage_is_refused_and_hides_nothing(shop: Shop, number: int) -> None:
    """Of the data or of the manifest: the restore is refused, the live rows stay, the other backup is listed."""
    chance = random.Random(SEED + number)  # noqa: S311
    keys = [row["location"].rpartition("/")[2] for row in shop.answer("list")["backups"]]
    while len(keys) < 2:
        keys.append(shop.backed_up())
    hurt, other = keys[:2]
    name = hurt if number % 2 else f"{hurt}.manifest.json"
    whole = shop.read(name)
    oid = shop.oid()
    shop.write(name, DAMAGE[number // 2 % len(DAMAGE)](whole, chance))
    try:
        if json_of(shop.read(name)) != json_of(whole):
            done = shop.run("restore", f"s3://{shop.bucket}/{hurt}", *YES)
            assert done.returncode == 3, done.stderr
            assert "Traceback" not in done.stderr
        listed = shop.answer("list")
        assert f"s3://{shop.bucket}/{other}" in [row["location"] for row in listed["backups"]]
        assert (shop.oid(), shop.databases()) == (oid, [shop.name])
    finally:
        shop.write(name, whole)


def json_of(body: bytes) -> object:
    """What a manifest says: a flipped blank changes nothing. Bytes that are no JSON stand for themselves."""
    try:
        found: object = json.loads(body)
    except ValueError:
        return body
    return found


def test_killed_runs_lose_nothing_and_the_next_one_clears(shop: Shop) -> None:
    """Kill -9 at random moments of backups and restores; then one backup, and nothing of them is left."""
    chance = random.Random(SEED)  # noqa: S311
    before = shop.contents()
    began = time.monotonic()
    known = {shop.backed_up()}
    usual = time.monotonic() - began
    caught = number = 0
    while caught <= KILLS / 2 or number < KILLS:
        number += 1
        assert number < 10 * KILLS, "no run is slow enough to be killed"
        words = ("backup",) if number % 3 else ("restore", f"s3://{shop.bucket}/{min(known)}", *YES)
        process = shop.start(*words)
        try:
            process.wait(timeout=chance.uniform(0.2, 1.0) * usual)
            usual *= 0.9  # the machine has less to do than when it was measured
        except subprocess.TimeoutExpired:
            caught += 1
            process.kill()
        process.communicate()
        listed = {row["location"].rpartition("/")[2] for row in shop.answer("list")["backups"]}
        assert known <= listed, "a whole backup is not listed any more"
        known = listed
        assert shop.contents() == before
    shop.backed_up()
    left = shop.objects()
    whole = {row["location"].rpartition("/")[2] for row in shop.answer("list")["backups"]}
    assert {key.partition(".dump")[0] for key in left} == {key.partition(".dump")[0] for key in whole}
    assert [key for key in left if "under-way" in key] == []
    assert shop.uploads() == []
    kept = [name for name in shop.databases() if "_before_" not in name]
    assert kept == [shop.name]


@pytest.mark.parametrize("number", range(BREAKS))
def test_connections_to_s3_that_break_are_taken_up_again(shop: Shop, number: int) -> None:
    """Cut in the middle of a part, of an answer, of a download: the backup is whole, and verified through it."""
    chance = random.Random(SEED + number)  # noqa: S311
    parts = urlsplit(shop.environ["AWS_ENDPOINT_URL"])
    with breaking_proxy((str(parts.hostname), int(parts.port or 80))) as proxy:
        proxy.breaks = [chance.randrange(1, 20 << 20) for _ in range(3)]
        done = shop.run("backup", AWS_ENDPOINT_URL=f"http://127.0.0.1:{proxy.port}")
        assert done.returncode == 0, done.stderr
        assert proxy.done > 0
    assert shop.uploads() == []
    assert [key for key in shop.objects() if "under-way" in key] == []


def test_s3_that_stays_away_ends_the_backup_and_the_next_one_clears(shop: Shop) -> None:
    """The reason is told, not what clearing away met."""
    parts = urlsplit(shop.environ["AWS_ENDPOINT_URL"])
    with breaking_proxy((str(parts.hostname), int(parts.port or 80))) as proxy:
        proxy.breaks = [4 << 20] + [1] * 200
        done = shop.run("backup", AWS_ENDPOINT_URL=f"http://127.0.0.1:{proxy.port}")
    assert (done.returncode, "cannot upload" in done.stderr) == (4, True), done.stderr
    shop.backed_up()
    assert shop.uploads() == []
    assert [key for key in shop.objects() if "under-way" in key] == []
