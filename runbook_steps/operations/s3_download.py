"""An object in S3 → a stream that goes on where it broke off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from runbook_steps.operations.s3_errors import s3_errors
from runbook_steps.operations.transfer import Pace, moving

__all__ = ["download"]

_READ = 1 << 20
_TRIES = 8  # in a row, without a byte in between
_PAUSE_S = 0.2  # before the second try, twice as long before each other


def download(client: Any, bucket: str, key: str, pace: Pace, expected: int) -> Iterator[bytes]:
    """The bytes of one object, as it was when the first of them was read. Raises Missing, Unreachable."""
    state: dict[str, Any] = {}
    done, failures = 0, 0
    with moving("downloading", expected) as moved:
        while True:
            try:
                for piece in _from(client, bucket, key, done, state):
                    done, failures = done + len(piece), 0
                    moved(len(piece))
                    pace.took(len(piece))
                    yield piece
            except (BotoCoreError, HTTPError, ConnectionError):
                failures += 1
                if failures == _TRIES:
                    with s3_errors("download"):
                        raise
                time.sleep(_PAUSE_S * 2 ** (failures - 1))
            else:
                return


def _from(client: Any, bucket: str, key: str, start: int, state: dict[str, Any]) -> Iterator[bytes]:
    """The rest of the object, from that byte on; `state` keeps which object it is, and its size."""
    if start and start == state["size"]:
        return
    rest = {"Range": f"bytes={start}-", "IfMatch": state["etag"]} if start else {}
    with s3_errors("download"):
        answer = client.get_object(Bucket=bucket, Key=key, **rest)
    if not start:
        state |= {"etag": answer["ETag"], "size": answer["ContentLength"]}
    yield from answer["Body"].iter_chunks(_READ)
