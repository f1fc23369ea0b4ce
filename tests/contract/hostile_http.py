"""Hostile requests to AWS and over HTTP, in several spellings of each class: rows as in `hostile`."""

from __future__ import annotations

__all__ = ["HOSTILE_HTTP", "HOSTILE_KUBERNETES"]

_CURL = 'curl -sS -o /dev/null -H "$signed"'
_SIGNED = (
    'signed="Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/{region}/{service}/aws4_request, '
    'SignedHeaders=host, Signature=0a"\n'
)
_FORM = "Content-Type: application/x-www-form-urlencoded"
_UNJUDGED = "AWS: a request that cannot be judged "


def _aws(service: str, *lines: str) -> str:
    """Commands that send requests which say that they are signed for that service; their failure is swallowed."""
    signed = _SIGNED.replace("{service}", service).replace("{region}", "eu-west-1")
    return "\n".join([signed.rstrip("\n"), *(f"{line} || true" for line in lines)])


def _raw(request: bytes) -> str:
    """Bytes to the first instance of the API; whatever it answers is well."""
    return "\n".join([
        "python3 - <<'PY'",
        "import os, socket, urllib.parse as u",
        "at = u.urlsplit(os.environ['API_SLOTS'].split()[0])",
        "with socket.create_connection((at.hostname, at.port), 3) as s:",
        f"    s.sendall({request!r}); s.recv(100)",
        "PY",
    ])  # fmt: skip


_AT = '"$AWS_ENDPOINT_URL'
_KEY = f"{_AT}/$AWS_BACKUP_BUCKET/any"

HOSTILE_HTTP: dict[str, tuple[str, str]] = {
    "AWS says two actions": (
        'curl -sS -H "X-Amz-Target: a.DescribeX" -d "Action=DeleteLoadBalancer" "$AWS_ENDPOINT_URL/" || true',
        _UNJUDGED + "(it is not signed for AWS)",
    ),
    "AWS hides an action in a GET": (
        _aws("monitoring", f'{_CURL} -X GET -d "Action=DeleteAlarms" {_AT}/"'),
        _UNJUDGED + "(GET with a body)",
    ),
    "AWS signs an address": (
        (
            "python3 - <<'PY'\nimport contextlib, os\nwith contextlib.suppress(Exception):\n    import boto3, httpx\n"
            "    c = boto3.client('s3', endpoint_url=os.environ['AWS_ENDPOINT_URL'])\n"
            "    what = {'Bucket': os.environ['AWS_BACKUP_BUCKET'], 'Key': 'h'}\n"
            "    httpx.put(c.generate_presigned_url('put_object', Params=what), content=b'x')\nPY"
        ),
        _UNJUDGED + "(it is not signed for AWS)",
    ),
    "AWS removes by a hint in the query": (
        _aws("s3", f'{_CURL} -X DELETE {_KEY}?Action=GetObject"'), "names an action in another place, Action"),
    "AWS removes by a hint in small letters": (
        _aws("s3", f'{_CURL} -X DELETE {_KEY}?action=ListBuckets"'), "is no operation of s3"),
    "AWS removes by a hint in a header": (
        _aws("s3", f'{_CURL} -X DELETE -H "X-Amz-Target: S3.GetObject" {_KEY}"'), "another place, x-amz-target"),
    "AWS removes by a hint of its client": (
        _aws("s3", f'{_CURL} -X DELETE {_KEY}?x-id=GetObject"'), "is no operation of s3"),
    "AWS removes by a hint in the body": (
        _aws("s3", f'{_CURL} -X DELETE -d "Action=GetObject" {_KEY}"'), "with a body"),
    "AWS puts by a hint": (_aws("s3", f'{_CURL} -X PUT -d x {_KEY}?Action=GetObject"'), "another place, Action"),
    "AWS removes many": (
        _aws("s3", f'{_CURL} -X POST -d "<Delete/>" {_AT}/$AWS_BACKUP_BUCKET?delete"'), "AWS: POST /"),
    "AWS removes a bucket by another path": (
        _aws("s3", f'{_CURL} --path-as-is -X DELETE {_AT}/x/..%2F$AWS_BACKUP_BUCKET"'), "servers read differently"),
    "AWS changes a bucket": (_aws("s3", f'{_CURL} -X PUT -d x {_AT}/$AWS_BACKUP_BUCKET?policy"'), "AWS: PUT /"),
    "AWS asks for a session by a GET": (_aws("s3", f'{_CURL} {_AT}/$AWS_BACKUP_BUCKET?session"'), "AWS: GET /"),
    "AWS in chunks": (
        _aws("monitoring", f'{_CURL} -H "Transfer-Encoding: chunked" -d "Action=DeleteAlarms" {_AT}/"'),
        "its body is chunked"),
    "AWS in chunks, of JSON": (
        _aws("logs", f'{_CURL} -H "Transfer-Encoding: chunked" -H "X-Amz-Target: Logs_20140328.DeleteLogGroup" '
                     f'-H "Content-Type: application/x-amz-json-1.1" -d "{{}}" {_AT}/"'), "its body is chunked"),
    "AWS in a large body": (
        _aws("monitoring", "{ printf 'Action=DeleteAlarms&Version=2010-08-01&x='; head -c 1100000 /dev/zero | "
                           f"tr '\\0' x; }} | {_CURL} --data-binary @- {_AT}/\""), "longer than the"),
    "AWS in a body of no type": (
        _aws("monitoring", f'{_CURL} -H "Content-Type:" -d "Action=DeleteAlarms" {_AT}/"'), "its Content-Type"),
    "AWS in a body of another type": (
        _aws("monitoring", f'{_CURL} -H "Content-Type: text/a" -d Action=DeleteAlarms {_AT}/"'), "its Content-Type"),
    "AWS in a body of many parts": (
        _aws("monitoring", f'{_CURL} -F Action=DeleteAlarms -F Version=2010-08-01 {_AT}/"'), "its Content-Type"),
    "AWS in a body of two types": (
        _aws("monitoring", f'{_CURL} -H "{_FORM}" -H "Content-Type: text/plain" -d "Action=DeleteAlarms" {_AT}/"'),
        "the header content-type is said twice"),
    "AWS says an action twice": (
        _aws("monitoring", f'{_CURL} -d "Action=DescribeAlarms&Action=DeleteAlarms&Version=2010-08-01" {_AT}/"'),
        "a parameter that is said twice"),
    "AWS encodes its action": (
        _aws("monitoring", f'{_CURL} -d "%41ction=Delete%41larms&Version=2010-08-01" {_AT}/"'), "AWS: DeleteAlarms"),
    "AWS by Smithy": (
        _aws("monitoring", f'{_CURL} -X POST -H "smithy-protocol: rpc-v2-cbor" '
                           f'{_AT}/service/GraniteServiceVersion20100801/operation/DeleteAlarms"'),
        "AWS: DeleteAlarms"),
    "AWS gives out a credential": ("aws sts get-session-token >/dev/null 2>&1 || true", "AWS: GetSessionToken"),
    "HTTP by a gateway's header": (
        'curl -sS -H "X_HTTP_Method_Override: DELETE" "${API_SLOTS%% *}/api/bookings/1" || true',
        "its name has other characters"),
    "HTTP overrides in the query": (
        'curl -sS "${API_SLOTS%% *}/api/bookings/1?_method=delete" || true', "DELETE /api/bookings/1"),
    "HTTP overrides in the query, encoded": (
        'curl -sS "${API_SLOTS%% *}/api/bookings/1?%5fMETHOD=delete" || true', "DELETE /api/bookings/1"),
    "HTTP gets with a body": (
        'curl -sS -X GET -d "_method=DELETE" "${API_SLOTS%% *}/api/bookings/1" || true', "/api/bookings/1 with a body"),
    "HTTP with two hosts": (
        _raw(b"GET /api/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "the header host is said twice"),
    "HTTP with two lengths": (
        _raw(b"POST /api/bookings HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 2\r\n\r\n{}"),
        "the header content-length is said twice"),
    "HTTP with a folded header": (
        _raw(b"GET /api/health HTTP/1.1\r\nHost: a\r\nA: b\r\n X-HTTP-Method: DELETE\r\n\r\n"), "it is folded"),
    "HTTP with a hidden coding": (
        _raw(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), "a malformed request"),
    "HTTP asks twice at once": (
        _raw(b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\nDELETE /api/bookings/1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        "more than one request at once"),
    "HTTP ends its lines otherwise": (
        _raw(b"DELETE /api/bookings/1 HTTP/1.1\nHost: a\n\n"), "a control character in its head"),
    "HTTP by a method of caches": ('curl -sS -X PURGE "${API_SLOTS%% *}/" || true', "the method PURGE is not known"),
    "HTTP by a method in small letters": (
        'curl -sS -X delete "${API_SLOTS%% *}/api/bookings/1" || true', "the method delete is not known"),
}  # fmt: skip

_CLUSTER = "at=$(sed -n 's/.*server: //p' \"$KUBECONFIG\"); curl -sS --path-as-is "
_IN = "$at/api/v1/namespaces/default"
HOSTILE_KUBERNETES: dict[str, tuple[str, str]] = {
    "Kubernetes deletes": ("kubectl delete deployment api || true", "Kubernetes: DELETE /apis/apps/v1/"),
    "Kubernetes scales": ("kubectl scale deployment api --replicas=0", "Kubernetes: PATCH /apis/apps/v1/"),
    "Kubernetes by its API": (
        _CLUSTER + "-X DELETE $at/api/v1/namespaces/default/pods/any",
        "Kubernetes: DELETE /api/v1/namespaces/default/pods/any",
    ),
    "Kubernetes by a disguised path": (
        _CLUSTER + "$at/api/v1/namespaces/default/pods/any/%65xec || true",
        "Kubernetes: GET /api/v1/namespaces/default/pods/any/exec",
    ),
    "Kubernetes by a way out": (
        (
            _CLUSTER + "-d x $at/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/../../../../api/v1/pods || true"
        ),
        "Kubernetes: POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews/../",
    ),
    "Kubernetes restarts": ("kubectl rollout restart deployment api || true", "Kubernetes: PATCH /apis/apps/v1/"),
    "Kubernetes tries out with a body": (
        _CLUSTER + f'-X DELETE -d "{{}}" "{_IN}/pods/any?dryRun=All" || true', "Kubernetes: DELETE "),
    "Kubernetes tries out by its tool": (
        "kubectl delete deployment api --dry-run=server || true", "Kubernetes: DELETE /apis/apps/v1/"),
    "Kubernetes tries out in chunks": (
        _CLUSTER + f'-X DELETE -H "Transfer-Encoding: chunked" -d "{{}}" "{_IN}/pods/any?dryRun=All" || true',
        "Kubernetes: DELETE "),
    "Kubernetes tries out elsewhere": (
        _CLUSTER + f'-X POST "{_IN}/pods/any/eviction?dryRun=All" || true', "/pods/any/eviction"),
    "Kubernetes tries out twice": (
        _CLUSTER + f'-X DELETE "{_IN}/pods/any?dryRun=All&dryRun=" || true', "a dryRun that is said twice"),
    "Kubernetes tries out on nothing": (_CLUSTER + '-X POST "$at/version?dryRun=All" || true', "POST /version"),
    "Kubernetes opens a shell": ("kubectl exec deploy/api -- true || true", "/exec"),
    "Kubernetes attaches": (_CLUSTER + f'"{_IN}/pods/any/attach" || true', "/pods/any/attach"),
    "Kubernetes forwards a port": (
        _CLUSTER + f'-X POST "{_IN}/pods/any/portforward" || true', "/portforward"),
    "Kubernetes goes through": (_CLUSTER + f'"{_IN}/services/api/proxy/api/health" || true', "/services/api/proxy/"),
    "Kubernetes hides a slash": (_CLUSTER + f'"{_IN}/pods/any%2Fexec" || true', "/exec"),
    "Kubernetes reads secrets": (_CLUSTER + f'"{_IN}/secrets" || true', "GET /api/v1/namespaces/default/secrets"),
    "Kubernetes gives out a credential": (
        _CLUSTER + f'-d "{{}}" "{_IN}/serviceaccounts/default/token" || true', "/serviceaccounts/default/token"),
}  # fmt: skip
