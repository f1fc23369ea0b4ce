"""Which operations of AWS a risk permits, as data: by allowlist, so that an operation that is new is refused.

Sources: the names are those of botocore's service models (`aws_models`); what an operation does is its access level
in AWS' Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from runbook_steps.engine.model import Risk

__all__ = ["COUNTED", "MAKES_NEW", "REMOVES", "permitted"]

MAKES_NEW = frozenset({"PutObject", "CompleteMultipartUpload"})
"""After these an object is there, in place of another of its name if the server is not told otherwise."""
REMOVES = "DeleteObject"
COUNTED = frozenset({"PutMetricAlarm", "DeregisterTargets"})
"""What these say is looked at as well: what an alarm does, and whether another target is left (`aws_serving`)."""

_READING = re.compile(r"(?:Describe|Get|List|Head)[A-Z][A-Za-z0-9]*")
"""The verbs of operations that look, in the services that are known here; the method has to say so as well."""
_MORE_READING: Mapping[str, frozenset[str]] = {
    "logs": frozenset({"FilterLogEvents", "StartQuery", "TestMetricFilter"}),
    "rds": frozenset({"DownloadDBLogFilePortion"}),
    "s3": frozenset({"SelectObjectContent"}),
}
_NOT_READING: Mapping[
    str, frozenset[str]
] = {  # they look, and give out a credential, a key, a signed address or a machine's user data
    "sts": frozenset({"GetSessionToken", "GetFederationToken", "GetDelegatedAccessToken", "GetWebIdentityToken"}),
    "ec2": frozenset(
        {
            "GetPasswordData",
            "GetVpnConnectionDeviceSampleConfiguration",
            "DescribeVpnConnections",
            "GetInstanceUefiData",
            "GetLaunchTemplateData",
            "DescribeLaunchTemplateVersions",
            "DescribeInstanceAttribute",
            "DescribeIpamExternalResourceVerificationTokens",
            "DescribeBundleTasks",
            "DescribeConversionTasks",
            "DescribeSpotFleetRequests",
            "DescribeSpotInstanceRequests",
            "DescribeVerifiedAccessTrustProviders",
        }
    ),
    "autoscaling": frozenset({"DescribeLaunchConfigurations"}),
}
# What can be put back, and replaces nothing: nothing here ends what holds data or others, restarts what serves, turns
# traffic elsewhere, or writes over a definition; but for an alarm, which the pages put back by the operation that
# changes one as well, and for a target that is not the last one (`COUNTED`).
# An object is only made new (`MAKES_NEW`) and only removed where it is a mark (`REMOVES`): see `aws_policy`.
_MUTATING: Mapping[str, frozenset[str]] = {
    "s3": frozenset({
        "PutObject", "UploadPart", "UploadPartCopy", "CreateMultipartUpload", "CompleteMultipartUpload",
        "RestoreObject", "DeleteObject",
    }),
    "elasticloadbalancing": frozenset({
        "RegisterTargets", "DeregisterTargets", "RegisterInstancesWithLoadBalancer",
    }),
    "monitoring": frozenset({"PutMetricAlarm", "PutMetricData", "EnableAlarmActions"}),
    "ec2": frozenset({"StartInstances", "CreateSnapshot", "CreateSnapshots"}),
    "sts": frozenset(),
    "logs": frozenset({"PutLogEvents", "CreateLogGroup", "CreateLogStream", "StopQuery"}),
    "autoscaling": frozenset({"AttachInstances", "ExitStandby", "ResumeProcesses"}),
    "rds": frozenset({
        "CreateDBSnapshot", "CreateDBClusterSnapshot", "CopyDBSnapshot", "CopyDBClusterSnapshot",
        "StartDBInstance", "StartDBCluster", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime",
        "CreateDBInstanceReadReplica",
    }),
}  # fmt: skip


def permitted(service: str, operation: str, method: str, risk: Risk, *, rest: bool) -> bool:
    """Whether that risk permits the operation. Over REST an operation that reads is a GET or a HEAD as well."""
    if risk is Risk.DESTRUCTIVE:
        return True
    more = operation in _MORE_READING.get(service, frozenset())
    by_name = _READING.fullmatch(operation) is not None and operation not in _NOT_READING.get(service, frozenset())
    if more or (by_name and (not rest or method in {"GET", "HEAD"})):
        return True
    return risk is Risk.MUTATING and operation in _MUTATING[service]
