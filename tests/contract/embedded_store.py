"""Buckets in the stand-in of S3, and the client that asks it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import boto3

from runbook_steps.operations.backup_store import Store

__all__ = ["s3_of", "store_of"]


def s3_of(known: Mapping[str, str]) -> Any:
    """A client by the variables of a target's environment."""
    return boto3.client(
        "s3",
        endpoint_url=known["AWS_ENDPOINT_URL"],
        region_name=known["AWS_REGION"],
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
    )


def store_of(known: Mapping[str, str], what: str) -> Store:
    """Of a new, empty bucket; its name is its own, for one process may run several modules that ask for one."""
    client, bucket = s3_of(known), f"{what}-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": known["AWS_REGION"]})
    return Store(lambda: client, bucket)
