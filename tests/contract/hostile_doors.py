"""Requests over HTTP, to AWS and to Kubernetes that open a door, or mean another request to somebody: none arrives.

Rows are a target with a method, headers and a body, or the bytes themselves.
"""

from __future__ import annotations

__all__ = ["APPLICATION", "AWS_CHANGING", "AWS_RAW", "AWS_READING", "CLUSTER", "CLUSTER_LATER", "SMUGGLED"]

_HOST = b" HTTP/1.1\r\nHost: a\r\n"
_END = b"\r\n\r\n"


def _get(target: bytes, *lines: bytes) -> bytes:
    return b"GET " + target + _HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


APPLICATION = {
    "a method in a header of a framework": _get(b"/x", b"X-HTTP-Method-Override : DELETE"),
    "a method in a header without a value": _get(b"/x", b"X-HTTP-Method-Override:"),
    "a method in a header of another name": _get(b"/x", b"X-Requested-Method: PATCH"),
    "a method behind another": _get(b"/x", b"X-HTTP-Method-Override: GET,DELETE"),
    "a method in the query, in brackets": _get(b"/x?_method%5B%5D=DELETE"),
    "a method in the query, with a plus": _get(b"/x?+_method+=delete"),
    "a method in the query, of a cache": _get(b"/x?http_method=PURGE"),
    "a method in a parameter of the path": _get(b"/x;_method=put/y"),
    "a method in a cookie, encoded": _get(b"/x", b"Cookie: a=b; %5fmethod=DELETE"),
    "two slashes": _get(b"//evil/x"),
    "a back slash": _get(b"/x\\..\\y"),
    "a percent sign alone": _get(b"/x%"),
    "a fragment": _get(b"/x#/y"),
    "a blank in the path": b"GET /x DELETE /y" + _HOST + b"\r\n",
    "a whole URL": b"GET http://127.0.0.1:22/x" + _HOST + b"\r\n",
    "a server's own": b"OPTIONS *" + _HOST + b"\r\n",
    "a tunnel": b"CONNECT 127.0.0.1:22" + _HOST + b"\r\n",
    "the preface of HTTP 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP 0.9": b"GET /x\r\n\r\n",
    "HTTP 1.2": b"GET /x HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP in small letters": b"GET /x http/1.1\r\nHost: a\r\n\r\n",
    "two hosts": _get(b"/x", b"Host: b"),
    "no host": b"GET /x HTTP/1.1\r\n\r\n",
    "a host with a path": b"GET /x HTTP/1.1\r\nHost: a/../b\r\nHost : c\r\n\r\n",
    "a body on a GET": _get(b"/x", b"Content-Length: 14") + b"_method=DELETE",
    "a body on a HEAD": b"HEAD /x" + _HOST + b"Content-Length: 2\r\n\r\n{}",
    "a body in chunks": _get(b"/x", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a chunk with an extension": _get(b"/x", b"Transfer-Encoding: chunked") + b"2;a=b\r\n{}\r\n0\r\n\r\n",
    "headers behind a body": _get(b"/x", b"Transfer-Encoding: chunked") + b"0\r\nX-HTTP-Method: DELETE\r\n\r\n",
    "a coding of two": _get(b"/x", b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "a coding that is none": _get(b"/x", b"Transfer-Encoding: identity", b"Content-Length: 5") + b"PATCH",
    "a length with a sign": _get(b"/x", b"Content-Length: +5") + b"PATCH",
    "a length of two": _get(b"/x", b"Content-Length: 0, 5") + b"PATCH",
    "a length in hexadecimal": _get(b"/x", b"Content-Length: 0x5") + b"PATCH",
    "a second request": _get(b"/x") + b"DELETE /y" + _HOST + b"\r\n",
    "a second request behind a length": _get(b"/x", b"Content-Length: 0") + b"POST /y" + _HOST + b"\r\n",
    "a connection that takes a header away": _get(b"/x", b"Connection: close, X-Real-IP"),
    "a method that is nobody's": b"M-SEARCH /x" + _HOST + b"\r\n",
    "a header without a colon": _get(b"/x", b"X-HTTP-Method-Override DELETE"),
    "a header of a zero byte": _get(b"/x", b"X: a\0\r\nX-HTTP-Method-Override: DELETE"),
    "a name with a dot": _get(b"/x", b"X.HTTP.Method.Override: DELETE"),
}
# service, call, parameters: what a client of AWS sends
AWS_READING: dict[str, tuple[str, str, dict[str, object]]] = {
    "a role": ("sts", "assume_role", {"RoleArn": "arn:aws:iam::123456789012:role/x", "RoleSessionName": "xy"}),
    "a role by a token": ("sts", "assume_role_with_web_identity", {
        "RoleArn": "arn:aws:iam::123456789012:role/x", "RoleSessionName": "xy", "WebIdentityToken": "abcd"}),
    "a user's session": ("sts", "get_federation_token", {"Name": "xy"}),
    "a message": ("sts", "decode_authorization_message", {"EncodedMessage": "x"}),
    "a table, in SQL": ("dynamodb", "execute_statement", {"Statement": "DELETE FROM t WHERE k='a'"}),
    "tables, in SQL": ("dynamodb", "batch_execute_statement", {"Statements": [{"Statement": "DELETE FROM t WHERE k"}]}),
    "a database by its data interface": ("rds-data", "execute_statement", {
        "resourceArn": "arn:aws:rds:x:1:cluster:abcdef", "secretArn": "arn:aws:secretsmanager:x:1:abcdef", "sql": "x"}),
    "a warehouse": ("redshift-data", "execute_statement", {"Sql": "x", "Database": "d"}),
    "a query that writes": ("athena", "start_query_execution", {"QueryString": "CREATE TABLE x AS SELECT 1"}),
    "a shell": ("ssm", "start_session", {"Target": "i-1234567890abcdef0"}),
    "a parameter in clear": ("ssm", "get_parameter", {"Name": "x", "WithDecryption": True}),
    "a text in clear": ("kms", "decrypt", {"CiphertextBlob": b"x"}),
    "a key": ("kms", "generate_data_key", {"KeyId": "x", "KeySpec": "AES_256"}),
    "secrets": ("secretsmanager", "batch_get_secret_value", {"SecretIdList": ["x"]}),
    "a function": ("lambda", "invoke", {"FunctionName": "x", "InvocationType": "DryRun"}),
    "a function's code": ("lambda", "get_function", {"FunctionName": "x"}),
    "a message of a queue": ("sqs", "receive_message", {"QueueUrl": "http://x/1/x"}),
    "a message to everybody": ("sns", "publish", {"TopicArn": "arn:aws:sns:x:1:y", "Message": "x"}),
    "an event": ("events", "put_events", {"Entries": [{"Source": "x"}]}),
    "a machine of states": ("stepfunctions", "start_execution", {"stateMachineArn": "arn:aws:states:x:1:y"}),
    "a registry's password": ("ecr", "get_authorization_token", {}),
    "a list of credentials": ("iam", "generate_credential_report", {}),
    "a machine's password": ("ec2", "get_password_data", {"InstanceId": "i-1"}),
    "a machine's data": ("ec2", "describe_instance_attribute", {"InstanceId": "i-1", "Attribute": "userData"}),
    "a machine, tried out": ("ec2", "terminate_instances", {"InstanceIds": ["i-1"], "DryRun": True}),
    "what is masked": ("logs", "filter_log_events", {"logGroupName": "x", "unmask": True}),
    "what is masked, of one stream": ("logs", "get_log_events", {
        "logGroupName": "x", "logStreamName": "y", "unmask": True}),
    "what is masked, of one": ("logs", "get_log_record", {"logRecordPointer": "x", "unmask": True}),
    "what is masked, by a query": ("logs", "start_query", {
        "logGroupName": "x", "startTime": 0, "endTime": 1, "queryString": "fields UnMask(@message)"}),
}  # fmt: skip
_RESTORED: dict[str, object] = {"DBInstanceIdentifier": "x", "DBSnapshotIdentifier": "y"}
AWS_CHANGING: dict[str, tuple[str, str, dict[str, object]]] = {
    "a database for everybody": ("rds", "restore_db_instance_from_db_snapshot", {
        **_RESTORED, "PubliclyAccessible": True}),
    "a database for whoever there is": ("rds", "restore_db_instance_from_db_snapshot", _RESTORED),
    "a database of a moment for everybody": ("rds", "restore_db_instance_to_point_in_time", {
        "SourceDBInstanceIdentifier": "x", "TargetDBInstanceIdentifier": "y", "PubliclyAccessible": True}),
    "a replica for everybody": ("rds", "create_db_instance_read_replica", {
        "DBInstanceIdentifier": "y", "SourceDBInstanceIdentifier": "x", "PubliclyAccessible": True}),
    "a database of another's role": ("rds", "restore_db_instance_from_db_snapshot", {
        **_RESTORED, "PubliclyAccessible": False, "Domain": "d-1", "DomainIAMRoleName": "x"}),
    "a copy by another's key": ("rds", "copy_db_snapshot", {
        "SourceDBSnapshotIdentifier": "x", "TargetDBSnapshotIdentifier": "y", "KmsKeyId": "arn:aws:kms:x:2:key/z"}),
    "a query's answer for everybody": ("s3", "restore_object", {
        "Bucket": "beautycort-backups", "Key": "drill/kept", "RestoreRequest": {
            "Type": "SELECT", "OutputLocation": {"S3": {
                "BucketName": "beautycort-backups", "Prefix": "drill/", "CannedACL": "public-read-write"}}}}),
    "an answer in place of others": ("s3", "restore_object", {
        "Bucket": "beautycort-backups", "Key": "drill/kept", "RestoreRequest": {"Days": 1, "OutputLocation": {
            "S3": {"BucketName": "beautycort-backups", "Prefix": ""}}}}),
    "an object for everybody, in parts": ("s3", "create_multipart_upload", {
        "Bucket": "beautycort-backups", "Key": "drill/new", "ACL": "public-read-write"}),
    "an object that leads elsewhere": ("s3", "put_object", {
        "Bucket": "beautycort-backups", "Key": "drill/new", "Body": b"x", "WebsiteRedirectLocation": "https://example.com"}),
    "a bucket's rights": ("s3", "put_bucket_ownership_controls", {
        "Bucket": "beautycort-backups", "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}}),
    "a snapshot for everybody": ("ec2", "modify_snapshot_attribute", {
        "SnapshotId": "snap-1", "Attribute": "createVolumePermission", "GroupNames": ["all"],
        "OperationType": "add"}),
    "a door in a wall": ("ec2", "authorize_security_group_ingress", {
        "GroupId": "sg-1", "IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}),
    "logs to another": ("logs", "put_subscription_filter", {
        "logGroupName": "x", "filterName": "y", "filterPattern": "", "destinationArn": "arn:aws:logs:x:2:z"}),
}  # fmt: skip
_POD = "/api/v1/namespaces/default/pods/any"
_SCALE = "/apis/apps/v1/namespaces/default/deployments/api/scale"
_MERGE = {"Content-Type": "application/merge-patch+json"}
_JSON = {"Content-Type": "application/json"}
# at mutating, and all but those of one kind at readonly as well: method, target, headers, body
CLUSTER: dict[str, tuple[str, str, dict[str, str], str]] = {
    "a shell by upgrade": ("GET", f"{_POD}/exec?command=sh", {"Upgrade": "websocket", "Connection": "Upgrade"}, ""),
    "a shell in capital letters": ("GET", f"{_POD}/EXEC?command=sh", {}, ""),
    "a way through a node": ("GET", "/api/v1/nodes/n/proxy/runningpods/", {}, ""),
    "a way through an old path": ("GET", "/api/v1/proxy/namespaces/default/pods/any", {}, ""),
    "a pod's guest": ("PATCH", f"{_POD}/ephemeralcontainers", _MERGE, '{"spec": {}}'),
    "another pod in an eviction": ("POST", f"{_POD}/eviction", _JSON, '{"metadata": {"name": "other"}}'),
    "another namespace in an eviction": (
        "POST", f"{_POD}/eviction", _JSON, '{"metadata": {"name": "any", "namespace": "kube-system"}}'),
    "an eviction of nobody": ("POST", f"{_POD}/eviction", _JSON, '{"kind": "Eviction"}'),
    "an eviction that owns": (
        "POST", f"{_POD}/eviction", _JSON, '{"metadata": {"name": "any", "ownerReferences": []}}'),
    "none, in letters": ("PATCH", _SCALE, _MERGE, '{"spec": {"replicas": "0"}}'),
    "none, as a fraction": ("PATCH", _SCALE, _MERGE, '{"spec": {"replicas": 0.9}}'),
    "none, as nothing": ("PATCH", _SCALE, _MERGE, '{"spec": {"replicas": null}}'),
    "none, said twice": ("PATCH", _SCALE, _MERGE, '{"spec": {"replicas": 2, "replicas": 0}}'),
    "none, in steps": (
        "PATCH", _SCALE, {"Content-Type": "application/json-patch+json"},
        '[{"op": "replace", "path": "/spec/replicas", "value": 0}]'),
    "none, by force": (
        "PATCH", f"{_SCALE}?force=true&fieldManager=x", {"Content-Type": "application/apply-patch+yaml"},
        "spec: {replicas: 0}"),
    "none, in another kind": ("PUT", _SCALE, {"Content-Type": "application/yaml"}, '{"spec": {"replicas": 1}}'),
    "true, as a number": ("PATCH", _SCALE, _MERGE, '{"spec": {"replicas": true}}'),
    "in another's name": ("GET", _POD, {"Impersonate-Uid": "1"}, ""),
    "in another's group": ("GET", _POD, {"Impersonate-Group": "system:masters"}, ""),
    "all, tried out with options": (
        "DELETE", "/apis/apps/v1/namespaces/default/deployments/api?dryRun=All", _JSON, '{"dryRun": []}'),
    "all, tried out in two ways": ("DELETE", f"{_POD}?dryRun=All&DryRun=", {}, ""),
    "all of a kind": ("DELETE", "/api/v1/namespaces/default/pods?labelSelector=app", {}, ""),
    "a node without work": ("PATCH", "/api/v1/nodes/n", _MERGE, '{"spec": {"unschedulable": true}}'),
    "another's interface": ("POST", "/apis/apiregistration.k8s.io/v1/apiservices", _JSON, "{}"),
    "a hook of everything": (
        "POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", _JSON, "{}"),
}  # fmt: skip
# at mutating every method may pass, and no request that two servers could read differently
SMUGGLED = {
    "a length and chunks": b"POST /x" + _HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks that are spelled otherwise": b"POST /x" + _HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks in an old version": b"POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks behind a tab": b"POST /x" + _HOST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "chunks by a name with a blank": b"POST /x" + _HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a length twice, the same": b"POST /x" + _HOST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a length by a name with a line": b"POST /x" + _HOST + b"Content_Length: 9\r\n\r\nDELETE /y",
    "a length that is less": b"POST /x" + _HOST + b"Content-Length: -1\r\n\r\n",
    "a folded length": b"POST /x" + _HOST + b"Content-Length:\r\n 9\r\n\r\nDELETE /y",
    "a line that ends by itself": b"POST /x HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
    "a return by itself": b"POST /x" + _HOST + b"A: b\rContent-Length: 9\r\n\r\n",
    "it expects something": b"POST /x" + _HOST + b"Expect: 200-ok\r\nContent-Length: 0\r\n\r\n",
    "a connection to a cookie": b"POST /x" + _HOST + b"Connection: Cookie\r\nContent-Length: 0\r\n\r\n",
    "a path that begins as a host": b"POST //evil/x" + _HOST + b"Content-Length: 0\r\n\r\n",
    "a whole URL with another host": b"POST http://evil/x" + _HOST + b"Content-Length: 0\r\n\r\n",
}
_KEY = "/beautycort-backups/drill/kept"
AWS_RAW: dict[str, tuple[str, str, str, dict[str, str], str]] = {  # service, method, target, headers, body
    "a signature of two": ("s3", "DELETE", _KEY, {"X-Amz-Signature": "0a"}, ""),
    "a policy in the query": ("s3", "DELETE", f"{_KEY}?X-Amz-Algorithm=AWS4-HMAC-SHA256", {}, ""),
    "an old signature": ("s3", "DELETE", f"{_KEY}?AWSAccessKeyId=a&Signature=b&Expires=9", {}, ""),
    "a key behind two slashes": ("s3", "PUT", "/beautycort-backups//drill/kept", {}, "x"),
    "a key that begins with a dot": ("s3", "PUT", "/beautycort-backups/drill/./kept", {}, "x"),
    "a key by a slash that is encoded": ("s3", "PUT", "/beautycort-backups/drill%2Fkept", {}, "x"),
    "a key with a back slash": ("s3", "PUT", "/beautycort-backups/drill%5Ckept", {}, "x"),
    "a bucket of a control interface": ("s3", "PUT", "/v20180820/bucket/x", {}, "x"),
    "another service's interface": ("s3-outposts", "DELETE", _KEY, {}, ""),
    "an interface of objects": ("s3-object-lambda", "POST", "/WriteGetObjectResponse", {}, "x"),
    "a target with a blank": (
        "logs", "POST", "/", {"X-Amz-Target": " Logs_20140328.DeleteLogGroup ",
        "Content-Type": "application/x-amz-json-1.1"}, "{}"),
    "a target of another version": (
        "logs", "POST", "/", {"X-Amz-Target": "Logs_20990101.DescribeLogGroups",
        "Content-Type": "application/x-amz-json-1.1"}, "{}"),
    "a target on another path": (
        "logs", "POST", "/x", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups",
        "Content-Type": "application/x-amz-json-1.1"}, "{}"),
    "a form in JSON": (
        "monitoring", "POST", "/", {"Content-Type": "application/json"}, "Action=DeleteAlarms&Version=2010-08-01"),
    "a form with a mark": (
        "monitoring", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-16"},
        "Action=DescribeAlarms&Version=2010-08-01"),
    "a form of an old version": (
        "rds", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"},
        "Action=DescribeDBInstances&Version=2009-10-16"),
    "a form by a method of another": (
        "ec2", "PUT", "/", {"Content-Type": "application/x-www-form-urlencoded"},
        "Action=DescribeInstances&Version=2016-11-15"),
    "a form that is packed": (
        "rds", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"},
        "Action=RestoreDBInstanceFromDBSnapshot&Version=2014-10-31&PubliclyAccessible=false"),
    "a restore that is packed": (
        "s3", "POST", f"{_KEY}?restore", {"Content-Encoding": "aws-chunked"}, "<RestoreRequest></RestoreRequest>"),
    "a restore of a version, elsewhere": (
        "s3", "POST", f"{_KEY}?restore&versionId=1", {}, "<RestoreRequest><OutputLocation/></RestoreRequest>"),
}  # fmt: skip
_HPA = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
CLUSTER_LATER: dict[str, tuple[str, str, dict[str, str], str]] = {
    "an autoscaler to none": ("PATCH", f"{_HPA}/h", _MERGE, '{"spec": {"minReplicas": 0}}'),
    "an autoscaler of data": (
        "PATCH", f"{_HPA}/h", _MERGE, '{"spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "d"}}}'),
    "an autoscaler with an owner": (
        "PATCH", f"{_HPA}/h", _MERGE, '{"metadata": {"ownerReferences": [{"uid": "0"}]}}'),
    "an autoscaler that is put back whole": ("PATCH", f"{_HPA}/h", _MERGE, '{"spec": {"$patch": "replace"}}'),
    "an autoscaler in other letters": ("PATCH", f"{_HPA}/h", _MERGE, '{"spec": {"MinReplicas": 0}}'),
    "all autoscalers": ("DELETE", _HPA, {}, ""),
    "a pod at once": ("DELETE", f"{_POD}?gracePeriodSeconds=0", {}, ""),
    "a pod at once, in its body": ("DELETE", _POD, _JSON, '{"gracePeriodSeconds": 0}'),
    "a pod as an orphan of old": ("DELETE", _POD, _JSON, '{"orphanDependents": true}'),
    "a pod on another node": ("POST", f"{_POD}/binding", _JSON, '{"target": {"name": "n"}}'),
    "a pod's size": ("PATCH", f"{_POD}/resize", _MERGE, '{"spec": {"containers": []}}'),
    "a restart with more": (
        "PATCH", "/apis/apps/v1/namespaces/default/deployments/api", _MERGE,
        '{"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "1", "a": "b"}}}}}'),
    "a job": ("POST", "/apis/batch/v1/namespaces/default/jobs", _JSON, "{}"),
    "a job that waits": (
        "PATCH", "/apis/batch/v1/namespaces/default/cronjobs/c", _MERGE, '{"spec": {"suspend": true}}'),
    "a certificate": (
        "PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval", _JSON, "{}"),
    "a role for everybody": (
        "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", _JSON, "{}"),
    "who somebody is": ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", _JSON, "{}"),
    "a token of an account": ("POST", "/api/v1/namespaces/default/serviceaccounts/s/token", _JSON, "{}"),
    "a disk": ("DELETE", "/api/v1/namespaces/default/persistentvolumeclaims/c", {}, ""),
    "what nobody may be away of": ("DELETE", "/apis/policy/v1/namespaces/default/poddisruptionbudgets/p", {}, ""),
}  # fmt: skip
