"""What a backup says of itself: read strictly, and authenticated with the key of the backups. Pure."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field, SkipValidation, TypeAdapter, ValidationError

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.backup_stream import authentication_code, key_fingerprint

__all__ = ["Manifest", "as_document", "read_manifest", "sealed", "unsealed"]

MANIFEST_VERSION = 3
_CHECKSUMS = 2  # the version whose tables have checksums, made by the server
_CODE = "authentication"  # the field of a document that proves the others
_Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0, lt=1 << 63, strict=True)]
_Text = Annotated[str, Field(max_length=1024, strict=True)]


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. Sizes in bytes; `tables` maps name → {rows, …}; times are ISO 8601 in UTC.

    `contents` is what else a restore is compared with, and what it needs.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    backup_id: Annotated[str, Field(pattern=r"^[\w.-]{1,128}$")]
    key: _Text
    created: _Text
    database: _Text
    cluster: _Text
    server_version: _Count
    size: _Count
    sha256: _Hex64
    schema_sha256: _Hex64
    compression: Annotated[str, Field(pattern=r"^(none|zstd)$")]
    encryption_key: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None
    # names in them may be of any encoding, and pydantic takes Unicode alone
    tables: Annotated[Mapping[str, Mapping[str, Any]], SkipValidation] = field(default_factory=dict)
    version: _Count = MANIFEST_VERSION
    contents: Annotated[Mapping[str, Any], SkipValidation] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(int(table["rows"]) for table in self.tables.values())

    @property
    def rows_by_archive(self) -> bool:
        """Whether its dump writes equal values alike, so that restored rows are compared with those in it."""
        return self.version > _CHECKSUMS

    @property
    def made(self) -> datetime:
        """When it was begun."""
        return datetime.fromisoformat(self.created)

    @property
    def bound_to(self) -> bytes:
        """What its encrypted data is bound to: which backup, of which database, of which moment."""
        return binding(self.backup_id, self.database, self.created)


def binding(backup_id: str, database: str, created: str) -> bytes:
    """The same, before there is a manifest."""
    return _canonical({"id": backup_id, "database": database, "created": created})


@cache
def _shape() -> TypeAdapter[Manifest]:
    """Made when a manifest is read first: to make a backup none is needed."""
    return TypeAdapter(Manifest)


@cache
def _time() -> TypeAdapter[datetime]:
    return TypeAdapter(AwareDatetime)


def as_document(manifest: Manifest, key: bytes | None) -> dict[str, Any]:
    """The manifest for the store, sealed with the key."""
    return sealed(asdict(manifest), key)


def sealed(document: Mapping[str, Any], key: bytes | None) -> dict[str, Any]:
    """The same with a code that only the key's owner can make; without a key as it is."""
    plain = {name: value for name, value in document.items() if name != _CODE}
    return {**plain, _CODE: authentication_code(key, _canonical(plain))} if key else plain


def unsealed(document: Mapping[str, Any], key: bytes | None, what: str) -> dict[str, Any]:
    """The document without its code. Raises RefusedError when a key is there and the code is not the right one."""
    plain = {name: value for name, value in document.items() if name != _CODE}
    code = document.get(_CODE)
    if key is None:
        return plain
    if code is None:
        raise RefusedError(
            f"{what}: it is not authenticated, though this environment has a key: anybody who can write to the bucket "
            "could have made it; if it is yours and unencrypted, set BACKUP_ENCRYPTION=false for this one command"
        )
    right = authentication_code(key, _canonical(plain))
    if not (isinstance(code, str) and code.isascii() and hmac.compare_digest(code, right)):
        own, made_with = key_fingerprint(key), plain.get("encryption_key")
        if isinstance(made_with, str) and made_with != own:
            raise RefusedError(
                f"{what}: it says key {made_with[:12]!r}, this environment has {own}; load the key of that time into "
                "BACKUP_ENCRYPTION_KEY"
            )
        raise RefusedError(f"{what}: its authentication is wrong: it was changed after it was made, or is forged")
    return plain


def read_manifest(document: Mapping[str, Any], object_key: str, key: bytes | None) -> Manifest:
    """The manifest of the object at `object_key`. Raises RefusedError when it cannot be trusted or read."""
    what = f"{object_key}: its manifest"
    if document.get("version") not in (_CHECKSUMS, MANIFEST_VERSION):
        raise RefusedError(
            f"{object_key}: its manifest has version {str(document.get('version'))[:20]!r}, this program reads "
            f"{_CHECKSUMS} and {MANIFEST_VERSION}: use the release that made it"
        )
    plain = unsealed(document, key, what)
    try:
        manifest = _shape().validate_python(plain)
        _time().validate_python(datetime.fromisoformat(manifest.created))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "a value"
        raise RefusedError(f"{what} is damaged or foreign: {place[:60]!r}") from error
    except ValueError as error:
        raise RefusedError(f"{what} is damaged or foreign: 'created'") from error
    if not (isinstance(manifest.contents, dict) and _are_tables(manifest.tables)):
        raise RefusedError(f"{what} is damaged or foreign: 'tables' or 'contents'")
    if manifest.key != object_key:
        raise RefusedError(f"{what} belongs to another backup, {manifest.key[:100]!r}")
    if key is not None and manifest.encryption_key is None:
        raise RefusedError(f"{what} says that it is not encrypted, though this environment encrypts")
    return manifest


def _are_tables(tables: object) -> bool:
    return isinstance(tables, dict) and all(
        isinstance(entry, dict) and type(entry.get("rows")) is int and entry["rows"] >= 0 for entry in tables.values()
    )


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
