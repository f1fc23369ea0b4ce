"""Backups in S3: an object and, written last, its manifest. What has no manifest is no backup.

While a backup is being made, a small object beside it says whose it is (`….under-way.json`). A killed run leaves
it, so that the next run knows what it may clear: an object without a manifest and without that mark may be a
whole backup whose manifest was lost, and is told, never removed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runbook_steps.engine.errors import ConfigurationError, OperationError, RefusedError, RunbookError
from runbook_steps.engine.text.short_lived import loading
from runbook_steps.operations.backup_manifest import Manifest, as_document, read_manifest, sealed, unsealed
from runbook_steps.operations.backup_stream import read_key
from runbook_steps.operations.s3_download import download
from runbook_steps.operations.s3_errors import Denied, Missing, s3_errors
from runbook_steps.operations.s3_upload import upload
from runbook_steps.operations.transfer import Pace

__all__ = [
    "MANIFEST_SUFFIX",
    "PREFIX",
    "UNDER_WAY_SUFFIX",
    "VERIFIED_SUFFIX",
    "Listing",
    "Manifest",
    "Store",
    "refuse_malformed",
]

PREFIX = "beautycort-backup-"
MANIFEST_SUFFIX = ".manifest.json"
VERIFIED_SUFFIX = ".verified.json"
UNDER_WAY_SUFFIX = ".under-way.json"
SUFFIXES = (MANIFEST_SUFFIX, VERIFIED_SUFFIX, UNDER_WAY_SUFFIX)
_LARGEST_DOCUMENT = 256 << 20  # bytes: a manifest of a million tables fits
_TRIES = 6  # with pauses that grow: about a quarter of a minute


@dataclass(frozen=True)
class Listing:
    """What is in the bucket: whole backups, the newest first, with when each was verified; and what cannot be used.

    `unreadable` and `incomplete` map an object's key to the reason. Incomplete is what has no manifest.
    """

    backups: tuple[tuple[Manifest, str | None], ...]
    unreadable: Mapping[str, str]
    incomplete: Mapping[str, str]


_LOCATION = re.compile(r"(?:s3://[a-z0-9][a-z0-9.-]{1,62}/)?[\w.:@+=/-]{1,1024}", re.ASCII)
_SHOWN = 100  # characters of a name that is refused


def _client(environ: Mapping[str, str]) -> Any:
    with loading():
        import boto3  # noqa: PLC0415 - takes as long to load as a small database to dump
        from botocore.config import Config  # noqa: PLC0415

        tries: Any = {"total_max_attempts": _TRIES, "mode": "adaptive"}
        return boto3.client(
            "s3",
            endpoint_url=environ.get("AWS_ENDPOINT_URL") or None,
            region_name=environ.get("AWS_REGION") or "me-south-1",
            config=Config(connect_timeout=10, read_timeout=60, retries=tries),
        )


class Store:
    """One bucket. Every method raises Unreachable or OperationError with a reason, never with a secret.

    With a `key`, nothing is believed that was not made with it.
    """

    def __init__(
        self, client: Callable[[], Any], bucket: str, key: bytes | None = None, pace: Pace | None = None
    ) -> None:
        self._make_client = client
        self.bucket = bucket
        self._key = key
        self._pace = pace or Pace()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Store:
        """The bucket of AWS_BACKUP_BUCKET, with the key where one is set and encryption is not switched off.

        Raises ConfigurationError for a provider that is not S3.
        """
        provider = environ.get("BACKUP_PROVIDER", "s3")
        if provider != "s3":
            raise ConfigurationError("BACKUP_PROVIDER must be s3: no other is implemented")
        bucket = environ.get("AWS_BACKUP_BUCKET", "")
        if not bucket:
            raise ConfigurationError("AWS_BACKUP_BUCKET is not set; it names the bucket of the backups")
        text = environ.get("BACKUP_ENCRYPTION_KEY", "")
        encrypts = environ.get("BACKUP_ENCRYPTION", "true").strip().lower() != "false"
        key = read_key(text) if text and encrypts else None
        return cls(partial(_client, dict(environ)), bucket, key, Pace.from_environ(environ))

    @cached_property
    def _client(self) -> Any:
        """Made when it is used first: a dump is under way by then."""
        return self._make_client()

    def location(self, key: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{key}"

    @contextmanager
    def under_way(self, key: str, whose: Mapping[str, str]) -> Iterator[None]:
        """While a backup is made, from before its first byte until its manifest is written.

        A failure leaves nothing, and is told as it is, whatever the clearing away meets.
        """
        self._write_json(key + UNDER_WAY_SUFFIX, {"version": 1, **whose})
        try:
            yield
        except BaseException:
            for suffix in (MANIFEST_SUFFIX, "", UNDER_WAY_SUFFIX):
                with suppress(RunbookError):
                    self.remove(key + suffix)
            raise
        with suppress(OperationError):  # an account that may not delete: the next run sees a whole backup
            self.remove(key + UNDER_WAY_SUFFIX)

    def upload(self, key: str, pieces: Iterator[bytes], expected: int = 0) -> tuple[int, str]:
        """Writes an object from a stream, in parts; gives its size and SHA-256. A failure leaves nothing."""
        return upload(self._client, (self.bucket, key), pieces, self._pace, expected)

    def write_manifest(self, manifest: Manifest) -> None:
        """Makes a backup visible."""
        self._write_json(manifest.key + MANIFEST_SUFFIX, as_document(manifest, self._key))

    def mark_verified(self, manifest: Manifest, when: str, told: Sequence[str] = ()) -> None:
        """Remembers that a backup was restored once and was whole, and what is `told` of it since."""
        mark = {"key": manifest.key, "verified": when, "sha256": manifest.sha256, "told": [*told]}
        self._write_json(manifest.key + VERIFIED_SUFFIX, sealed(mark, self._key))

    def told_of(self, manifest: Manifest) -> tuple[str, ...]:
        """What its last verification told: that no restore brings it back as it was.

        Nothing where there was none, or where it cannot be read: no restore waits for it.
        """
        try:
            mark = self._verified(manifest.key, {manifest.key + VERIFIED_SUFFIX})
        except RunbookError:
            return ()
        told = mark.get("told") if mark.get("sha256") == manifest.sha256 else None
        return tuple(map(str, told)) if isinstance(told, list) else ()

    def _write_json(self, key: str, document: object) -> None:
        body = json.dumps(document, indent=1).encode()
        with s3_errors("write"):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ServerSideEncryption="AES256")

    def backups(self) -> list[tuple[Manifest, str | None]]:
        """Every complete backup, the newest first, and when it was verified last."""
        return list(self.listing().backups)

    def listing(self) -> Listing:
        """Everything that carries a backup's name: one that is damaged, newer or foreign hides no other."""
        keys = self.keys()
        found, unreadable, incomplete = [], {}, {}
        for key in sorted(_objects(keys)):
            if key not in keys:
                incomplete[key] = "its manifest is there, its data is not"
            elif key + MANIFEST_SUFFIX not in keys:
                under_way = key + UNDER_WAY_SUFFIX in keys
                incomplete[key] = "it is being made, or its run was killed" if under_way else "it has no manifest"
            else:
                try:
                    found.append((self.manifest(key), self._verified(key, keys)))
                except (RefusedError, Denied) as error:
                    if not isinstance(error.__cause__, Missing):  # then it was removed meanwhile
                        unreadable[key] = str(error)
        found.sort(key=lambda pair: (pair[0].made, pair[0].key), reverse=True)
        whole = tuple((m, mark.get("verified") if mark.get("sha256") == m.sha256 else None) for m, mark in found)
        return Listing(whole, unreadable, incomplete)

    def _verified(self, key: str, keys: set[str]) -> Mapping[str, Any]:
        """The mark of a verification; nothing when there is none that can be believed."""
        if key + VERIFIED_SUFFIX not in keys:
            return {}
        try:
            mark = unsealed(self.read_json(key + VERIFIED_SUFFIX), self._key, key)
        except RefusedError:
            return {}
        good = mark.get("key") == key and isinstance(mark.get("verified"), str)
        return mark if good else {}

    def keys(self) -> set[str]:
        """Every key that begins like a backup's."""
        with s3_errors(f"list s3://{self.bucket}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=PREFIX)
            return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def key_of(self, location: str) -> str:
        """The key of a location (`s3://bucket/key`) or of a backup's id. Raises RefusedError."""
        refuse_malformed(location)
        if "://" not in location:
            listing = self.listing()
            known = {manifest.backup_id: manifest.key for manifest, _ in listing.backups}
            if location in known:
                return known[location]
            for key, reason in listing.unreadable.items():
                if location in key:
                    raise RefusedError(reason)
            raise RefusedError(f"no backup {location!r}; `beautycort database-backup list` shows what there is")
        parts = urlsplit(location)
        key = parts.path.lstrip("/")
        if parts.scheme != "s3" or parts.netloc != self.bucket or parts.query or parts.fragment:
            raise RefusedError(f"{location!r} is not in the bucket s3://{self.bucket}")
        if not key.startswith(PREFIX) or key.endswith(SUFFIXES):
            raise RefusedError(f"{location!r} is not a backup: their names begin with {PREFIX}")
        return key

    def manifest(self, key: str) -> Manifest:
        """What a backup says of itself. Raises RefusedError when there is no manifest, or none that can be trusted."""
        return read_manifest(self.read_json(key + MANIFEST_SUFFIX), key, self._key)

    def read_json(self, key: str) -> dict[str, Any]:
        """A small document. Raises RefusedError when it is not there, or is none."""
        try:
            with s3_errors("read"):
                body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
                text = body.read(_LARGEST_DOCUMENT + 1)
            document = json.loads(text) if len(text) <= _LARGEST_DOCUMENT else None
        except Missing as error:
            raise RefusedError(f"no manifest {key}: the backup is not there, or was never completed") from error
        except (ValueError, RecursionError) as error:
            raise RefusedError(f"{key} is not JSON: it is damaged") from error
        if not isinstance(document, dict):
            raise RefusedError(f"{key} is damaged or foreign")
        return document

    def download(self, manifest: Manifest, to: Path) -> None:
        """Fetches a backup into a private file and compares size and SHA-256 with its manifest.

        Raises RefusedError when they differ.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with to.open("wb") as file:
                for piece in download(self._client, self.bucket, manifest.key, self._pace, manifest.size):
                    digest.update(piece)
                    size += len(piece)
                    file.write(piece)
        except Missing as error:
            raise RefusedError(f"{self.location(manifest.key)} is gone; its manifest is still there") from error
        except OSError as error:
            raise OperationError(f"cannot download: {error.strerror or type(error).__name__}") from error
        if size != manifest.size:
            raise RefusedError(
                f"{manifest.backup_id}: its size is {size} bytes, its manifest says {manifest.size}: "
                "it was cut short or replaced"
            )
        if digest.hexdigest() != manifest.sha256:
            raise RefusedError(
                f"{manifest.backup_id}: its checksum is not that of its manifest: it was changed after it was made"
            )

    def delete(self, manifest: Manifest) -> None:
        """Removes a backup, its data first: half a removal leaves nothing that looks whole, and says what it was."""
        for suffix in ("", VERIFIED_SUFFIX, MANIFEST_SUFFIX):
            self.remove(manifest.key + suffix)

    def remove(self, key: str) -> None:
        """Removes one object; it may be gone already."""
        with s3_errors("delete"):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def abort_uploads(self, key: str) -> int:
        """Ends what was never completed under a key; gives how many."""
        with s3_errors("end an upload"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=key)
            found = [entry["UploadId"] for page in pages for entry in page.get("Uploads", ()) if entry["Key"] == key]
            for upload_id in found:
                self._client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)
        return len(found)


def whose_is(cluster: str, database: str) -> dict[str, str]:
    """What a mark of a run under way says: whose next run may clear it."""
    return {"version": "1", "cluster": cluster, "database": database}


def refuse_malformed(location: str) -> None:
    """Raises ConfigurationError for what can be no backup's location or id, before anything is asked."""
    if not _LOCATION.fullmatch(location) or ".." in location.split("/"):
        shown = location if len(location) <= _SHOWN else f"{location[:_SHOWN]}…"
        raise ConfigurationError(f"{shown!r} is no backup: give s3://bucket/key, or an id that `list` shows")


def _objects(keys: Iterable[str]) -> set[str]:
    """The keys of backups' data, also of those whose data is gone."""
    named = {key.removesuffix(MANIFEST_SUFFIX) for key in keys if key.endswith(MANIFEST_SUFFIX)}
    return named | {key for key in keys if not key.endswith(SUFFIXES)}
