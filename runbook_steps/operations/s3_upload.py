"""A stream of unknown length → one object in S3, in parts, each sent again by the client when it must be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.s3_errors import s3_errors
from runbook_steps.operations.transfer import Pace, moving

__all__ = ["PART", "part_size", "parts_of", "upload"]

PART = 16 << 20  # bytes of the first parts
_GROWS_EVERY = 2000  # S3 allows 10,000 parts: with sizes that double, about 970 GiB


def upload(client: Any, place: tuple[str, str], pieces: Iterator[bytes], pace: Pace, expected: int) -> tuple[int, str]:
    """Writes to (bucket, key); gives size and SHA-256. `expected` bytes are for the estimate.

    A failure ends the upload, and is raised as it is, whatever its end meets: the next run clears what stays.
    """
    (bucket, key), digest, size, parts = place, hashlib.sha256(), 0, []
    with s3_errors("upload"):
        begun = client.create_multipart_upload(Bucket=bucket, Key=key, ServerSideEncryption="AES256")
    target = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
    try:
        with moving("uploading", expected) as moved:
            number = 0
            for part in parts_of(pieces):
                number += 1  # noqa: SIM113 - enumerate() would keep the part while the next one is made
                digest.update(part)
                size += len(part)
                with s3_errors("upload"):
                    answer = client.upload_part(**target, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                moved(len(part))
                pace.took(len(part))
                del part
        with s3_errors("upload"):
            client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    except BaseException:
        with suppress(OperationError), s3_errors("end the upload"):
            client.abort_multipart_upload(**target)
        raise
    return size, digest.hexdigest()


def part_size(number: int) -> int:
    """Bytes of the part with that number, from 1."""
    return PART << ((number - 1) // _GROWS_EVERY)


def parts_of(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in parts; at least one, which may be empty. Each byte is copied once: memory stays small."""
    waiting: list[bytes] = []
    size, number = 0, 1
    for piece in pieces:
        rest = piece
        while size + len(rest) >= part_size(number):
            room = part_size(number) - size
            waiting.append(rest[:room])
            yield _taken(waiting)
            rest, size, number = rest[room:], 0, number + 1
        if rest:
            waiting.append(rest)
            size += len(rest)
    if waiting or number == 1:
        yield _taken(waiting)


def _taken(waiting: list[bytes]) -> bytes:
    """All of it in one, which nobody here keeps."""
    part = b"".join(waiting)
    waiting.clear()
    return part
