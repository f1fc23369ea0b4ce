"""Backups in S3: an object and, written last, its manifest. What has no manifest is no backup."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from runbook_steps.engine.errors import ConfigurationError, OperationError, RefusedError
from runbook_steps.operations.settings import Unreachable

__all__ = ["MANIFEST_SUFFIX", "PREFIX", "Manifest", "Store"]

PREFIX = "beautycort-backup-"
MANIFEST_SUFFIX = ".manifest.json"
VERIFIED_SUFFIX = ".verified.json"
MANIFEST_VERSION = 1
PART = 16 << 20  # bytes of a part: S3 allows 10,000 parts, so 160 GB
_READ = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. Sizes in bytes; `tables` maps name → {rows, checksum}; times are ISO 8601 in UTC."""

    backup_id: str
    key: str
    created: str
    database: str
    cluster: str
    server_version: int
    size: int
    sha256: str
    schema_sha256: str
    compression: str
    encryption_key: str | None
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: int = MANIFEST_VERSION

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(int(table["rows"]) for table in self.tables.values())


_LOCATION = re.compile(r"(?:s3://[a-z0-9][a-z0-9.-]{1,62}/)?[\w.:@+=/-]{1,1024}", re.ASCII)
_SHOWN = 100  # characters of a name that is refused


class Store:
    """One bucket. Every method raises Unreachable or OperationError with a reason, never with a secret."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Store:
        """The bucket of AWS_BACKUP_BUCKET. Raises ConfigurationError for a provider that is not S3."""
        provider = environ.get("BACKUP_PROVIDER", "s3")
        if provider != "s3":
            raise ConfigurationError("BACKUP_PROVIDER must be s3: no other is implemented")
        bucket = environ.get("AWS_BACKUP_BUCKET", "")
        if not bucket:
            raise ConfigurationError("AWS_BACKUP_BUCKET is not set; it names the bucket of the backups")
        client = boto3.client(
            "s3",
            endpoint_url=environ.get("AWS_ENDPOINT_URL") or None,
            region_name=environ.get("AWS_REGION") or "me-south-1",
            config=Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"}),
        )
        return cls(client, bucket)

    def location(self, key: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{key}"

    def upload(self, key: str, pieces: Iterator[bytes]) -> tuple[int, str]:
        """Writes an object from a stream, in parts; gives its size and SHA-256. A failure leaves nothing."""
        digest, size, parts = hashlib.sha256(), 0, []
        with _s3_errors("upload"):
            upload = self._client.create_multipart_upload(Bucket=self.bucket, Key=key, ServerSideEncryption="AES256")[
                "UploadId"
            ]
        target = {"Bucket": self.bucket, "Key": key, "UploadId": upload}
        try:
            for number, part in enumerate(_parts(pieces), 1):
                digest.update(part)
                size += len(part)
                with _s3_errors("upload"):
                    answer = self._client.upload_part(**target, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            with _s3_errors("upload"):
                self._client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
        except BaseException:
            with _s3_errors("abort the upload"):
                self._client.abort_multipart_upload(**target)
            raise
        return size, digest.hexdigest()

    def write_manifest(self, manifest: Manifest) -> None:
        """Makes a backup visible."""
        self._write_json(manifest.key + MANIFEST_SUFFIX, asdict(manifest))

    def mark_verified(self, manifest: Manifest, when: str) -> None:
        """Remembers that a backup was restored once and was whole."""
        self._write_json(manifest.key + VERIFIED_SUFFIX, {"verified": when, "sha256": manifest.sha256})

    def _write_json(self, key: str, document: object) -> None:
        body = json.dumps(document, indent=1).encode()
        with _s3_errors("write"):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ServerSideEncryption="AES256")

    def backups(self) -> list[tuple[Manifest, str | None]]:
        """Every complete backup, the newest first, and when it was verified last."""
        keys = self._keys()
        found = []
        for key in keys:
            if key.endswith(MANIFEST_SUFFIX) and key.removesuffix(MANIFEST_SUFFIX) in keys:
                manifest = self.manifest(key.removesuffix(MANIFEST_SUFFIX))
                found.append((manifest, self._verified(manifest, keys)))
        return sorted(found, key=lambda pair: (pair[0].created, pair[0].key), reverse=True)

    def _verified(self, manifest: Manifest, keys: set[str]) -> str | None:
        key = manifest.key + VERIFIED_SUFFIX
        if key not in keys:
            return None
        mark = self._read_json(key)
        return str(mark["verified"]) if mark.get("sha256") == manifest.sha256 else None

    def _keys(self) -> set[str]:
        with _s3_errors(f"list s3://{self.bucket}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=PREFIX)
            return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def key_of(self, location: str) -> str:
        """The key of a location (`s3://bucket/key`) or of a backup's id. Raises RefusedError."""
        refuse_malformed(location)
        if "://" not in location:
            known = {manifest.backup_id: manifest.key for manifest, _ in self.backups()}
            if location in known:
                return known[location]
            raise RefusedError(f"no backup {location!r}; `beautycort database-backup list` shows what there is")
        parts = urlsplit(location)
        key = parts.path.lstrip("/")
        if parts.scheme != "s3" or parts.netloc != self.bucket or parts.query or parts.fragment:
            raise RefusedError(f"{location!r} is not in the bucket s3://{self.bucket}")
        if not key.startswith(PREFIX) or key.endswith((MANIFEST_SUFFIX, VERIFIED_SUFFIX)):
            raise RefusedError(f"{location!r} is not a backup: their names begin with {PREFIX}")
        return key

    def manifest(self, key: str) -> Manifest:
        """What a backup says of itself. Raises RefusedError when there is no manifest, or none that can be read."""
        document = self._read_json(key + MANIFEST_SUFFIX)
        if document.get("version") != MANIFEST_VERSION:
            raise RefusedError(f"{key}: its manifest has version {document.get('version')!r}, not {MANIFEST_VERSION}")
        try:
            manifest = Manifest(**document)
        except TypeError as error:
            raise RefusedError(f"{key}: its manifest is damaged or foreign") from error
        if manifest.key != key:
            raise RefusedError(f"{key}: its manifest belongs to another backup, {manifest.key}")
        return manifest

    def _read_json(self, key: str) -> dict[str, Any]:
        try:
            with _s3_errors("read"):
                text = self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            document = json.loads(text)
        except _Missing as error:
            raise RefusedError(f"no manifest {key}: the backup is not there, or was never completed") from error
        except ValueError as error:
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
            with _s3_errors("download"), to.open("wb") as file:
                body = self._client.get_object(Bucket=self.bucket, Key=manifest.key)["Body"]
                for piece in body.iter_chunks(_READ):
                    digest.update(piece)
                    size += len(piece)
                    file.write(piece)
        except _Missing as error:
            raise RefusedError(f"{self.location(manifest.key)} is gone; its manifest is still there") from error
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
        """Removes a backup, its manifest first: half a removal leaves no backup that looks whole."""
        with _s3_errors("delete"):
            for suffix in (MANIFEST_SUFFIX, VERIFIED_SUFFIX, ""):
                self._client.delete_object(Bucket=self.bucket, Key=manifest.key + suffix)


class _Missing(OperationError):
    """An object that is not there."""


class _s3_errors:  # noqa: N801 - reads as a statement
    """Turns what the client raises into our errors, without request, URL or credentials."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raises in place of what was raised."""
        if isinstance(error, ClientError):
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if code in {"NoSuchKey", "404"}:
                raise _Missing(f"cannot {self._what}: it is not there") from error
            raise OperationError(f"cannot {self._what}: S3 answers {code}") from error
        if isinstance(error, BotoCoreError):
            if isinstance(error, ParamValidationError):
                raise ConfigurationError(f"cannot {self._what}: that is no name of a bucket or a backup") from error
            raise Unreachable(f"cannot {self._what}: {type(error).__name__}, is S3 reachable?") from error
        if isinstance(error, OSError):
            raise OperationError(f"cannot {self._what}: {error.strerror or type(error).__name__}") from error


def refuse_malformed(location: str) -> None:
    """Raises ConfigurationError for what can be no backup's location or id, before anything is asked."""
    if not _LOCATION.fullmatch(location) or ".." in location.split("/"):
        shown = location if len(location) <= _SHOWN else f"{location[:_SHOWN]}…"
        raise ConfigurationError(f"{shown!r} is no backup: give s3://bucket/key, or an id that `list` shows")


def _parts(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in parts; at least one, which may be empty."""
    buffer, sent = bytearray(), False
    for piece in pieces:
        buffer += piece
        while len(buffer) >= PART:
            yield bytes(buffer[:PART])
            sent = True
            del buffer[:PART]
    if buffer or not sent:
        yield bytes(buffer)
