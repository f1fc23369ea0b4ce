"""A backup that cannot be trusted: one byte flipped, or cut short, with the true bytes kept for the undo."""

from __future__ import annotations

from typing import Any

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["BackupDamaged"]

KEPT_SUFFIX = ".before-the-drill"


class BackupDamaged:
    """The object of a backup changed in the bucket; its true bytes are kept beside it until the undo."""

    def __init__(self, s3: Any, bucket: str, key: str, damage: str) -> None:
        """`damage` is `one flipped byte` or `a truncated file`."""
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._damage = damage

    @property
    def name(self) -> str:
        """What is broken."""
        return f"backup {self._key} with {self._damage}"

    def arrange(self) -> None:
        """Keeps the true bytes, then writes damaged ones with the same metadata."""
        true = self._read(self._key)
        self._copy(self._key, self._key + KEPT_SUFFIX)
        metadata = self._s3.head_object(Bucket=self._bucket, Key=self._key)["Metadata"]
        self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=self._damaged(true), Metadata=metadata)

    def _damaged(self, true: bytes) -> bytes:
        match self._damage:
            case "one flipped byte":
                middle = len(true) // 2
                return true[:middle] + bytes([true[middle] ^ 0x01]) + true[middle + 1 :]
            case "a truncated file":
                return true[: len(true) * 3 // 4]
            case _:
                raise FaultError(f"unknown damage: {self._damage}")

    def observe(self) -> Observation:
        """Compares the object with the bytes that were kept."""
        if not self._kept():
            return Observation(False, "no damaged copy")
        true, now = self._read(self._key + KEPT_SUFFIX), self._read(self._key)
        return Observation(
            true != now, f"{len(now)} of {len(true)} bytes, {'changed' if true != now else 'as they were'}"
        )

    def clear(self) -> None:
        """Puts the true bytes back."""
        if self._kept():
            self._copy(self._key + KEPT_SUFFIX, self._key)
            self._s3.delete_object(Bucket=self._bucket, Key=self._key + KEPT_SUFFIX)

    def _kept(self) -> bool:
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._key + KEPT_SUFFIX)
        return bool(found.get("Contents"))

    def _read(self, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body

    def _copy(self, source: str, to: str) -> None:
        self._s3.copy_object(Bucket=self._bucket, Key=to, CopySource={"Bucket": self._bucket, "Key": source})
