"""What an operation of AWS opens by its parameters that may pass by its name: a database, a masked word. Pure.

Sources: the API references of Amazon RDS (2014-10-31), S3 (RestoreObject) and CloudWatch Logs (`unmask`). By allowlist
where something is made: a parameter that is new is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runbook_steps.engine.model import Risk

__all__ = ["MAKES_DATABASES", "RESTORES", "SHOWS_LOGS", "opens", "restores_beyond"]

RESTORES = "RestoreObject"
MAKES_DATABASES = frozenset({
    "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime", "CreateDBInstanceReadReplica",
    "CopyDBSnapshot", "CopyDBClusterSnapshot",
})  # fmt: skip
SHOWS_LOGS = frozenset({"FilterLogEvents", "GetLogEvents", "GetLogRecord", "GetLogObject", "StartQuery"})
_COPIES = frozenset({"CopyDBSnapshot", "CopyDBClusterSnapshot"})
_PUBLIC = "PubliclyAccessible"
_NAMED = re.compile(
    r"Action|Version|(Source|Target)?DB(Instance|Snapshot|Cluster|ClusterSnapshot)Identifier|DBInstanceClass"
    r"|AvailabilityZone|MultiAZ|DBSubnetGroupName|DBParameterGroupName|VpcSecurityGroupIds(\.[A-Za-z]+\.[0-9]+)?"
    r"|RestoreTime|UseLatestRestorableTime|StorageType|Iops|StorageThroughput|CopyTags|CopyTagsToSnapshot"
    r"|Tags(\.[A-Za-z]+\.[0-9]+\.(Key|Value))?"
)
_DAYS = r"\s*<Days>[0-9]{1,5}</Days>"
_TIER = r"\s*<GlacierJobParameters>\s*<Tier>[A-Za-z]+</Tier>\s*</GlacierJobParameters>"
_RESTORED = re.compile(
    r"\s*(<\?xml[^<>?]*\?>\s*)?<RestoreRequest( xmlns=\"[a-z0-9:/.-]+\")?>"
    rf"({_DAYS}({_TIER})?|{_TIER}({_DAYS})?)?\s*</RestoreRequest>\s*"
)


def opens(operation: str, said: Mapping[str, Any], risk: Risk) -> str | None:
    """What an operation would open to others, with its name; None when it opens nothing."""
    if operation in SHOWS_LOGS and risk is Risk.READONLY:
        shown = any(name.lower() == "unmask" and value is not False for name, value in said.items())
        asked = str(said.get("queryString", "")).lower()
        return f"{operation} of what is masked" if shown or "unmask" in asked else None
    if operation not in MAKES_DATABASES or risk is not Risk.MUTATING:
        return None
    if operation not in _COPIES and said.get(_PUBLIC) != "false":
        return f"{operation} that does not say that it is for nobody outside (--no-publicly-accessible)"
    unknown = next((name for name in said if name != _PUBLIC and _NAMED.fullmatch(name) is None), None)
    return f"{operation} with a parameter that is not known to keep it as it is" if unknown else None


def restores_beyond(body: bytes) -> bool:
    """Whether an object is not just fetched from the archive, for some days: an answer may be written elsewhere."""
    return _RESTORED.fullmatch(body.decode("utf-8", "replace")) is None
