"""Where the guard has the credentials of AWS from: each way is botocore's own, against what it asks on the network."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runbook_steps.engine.guards.services.aws_credentials import HELD, AwsKeys, AwsSource, source_of
from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.guards.services.http_message import CannotBeAsked
from runbook_steps.engine.model import Risk

LATER = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
ROLE = {"AccessKeyId": "AKIDROLE", "SecretAccessKey": "role-secret", "Token": "role-token", "Expiration": LATER}
STS = f"""<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>AKIDWEB</AccessKeyId><SecretAccessKey>web-secret</SecretAccessKey><SessionToken>web-token</SessionToken>
<Expiration>{LATER}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
SSO = {"roleCredentials": {"accessKeyId": "AKIDSSO", "secretAccessKey": "s", "sessionToken": "t",
                           "expiration": int((datetime.now(UTC) + timedelta(hours=6)).timestamp() * 1000)}}  # fmt: skip
ASK_SSO = """
from runbook_steps.engine.guards.services.aws_credentials import source_of
print(source_of({"AWS_PROFILE": "sso"}).keys().access)
"""
ANSWERS = {  # by the beginning of the path: what the services of AWS answer there
    "/latest/api/token": "a-token",
    "/latest/meta-data/iam/security-credentials/a-role": json.dumps({"Code": "Success", **ROLE}),
    "/latest/meta-data/iam/security-credentials/": "a-role",
    "/container": json.dumps(ROLE),
    "/federation/credentials": json.dumps(SSO),
    "/": STS,
}


class Aws(BaseHTTPRequestHandler):
    """Answers as above, and keeps what it was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        """Any request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.asked.append(f"{self.path} {body}")
        answer = next(text for path, text in ANSWERS.items() if self.path.startswith(path)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PUT = do_POST = do_GET  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served() -> Iterator[tuple[str, list[str]]]:
    """Its URL, and what it was asked so far."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Aws,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of whoever runs the tool, who is signed in as somebody else: nothing of that may be taken."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDPERSONAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "personal")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text("[default]\naws_access_key_id=AKIDPERSONAL\naws_secret_access_key=x\n")
    return tmp_path


def found(environment: dict[str, str]) -> AwsSource:
    """The source; there is one."""
    source = source_of(environment)
    assert source is not None
    return source


def test_keys_are_taken_as_they_are_said() -> None:
    """And nothing is, where there is no whole one or where an endpoint is named."""
    real = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    assert found(real).keys() == AwsKeys("a", "b", "c")
    assert source_of({**real, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}) is None
    assert source_of({**real, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}) is None
    assert source_of({"AWS_ACCESS_KEY_ID": "a"}) is None
    assert source_of({"AWS_ROLE_ARN": "a"}) is None
    assert source_of({}) is None


def test_a_profile_is_that_of_the_files(home: Path) -> None:
    """Its keys, its region, and what a program of its own gives."""
    program = home / "program.py"
    program.write_text('print(\'{"Version": 1, "AccessKeyId": "AKIDPROGRAM", "SecretAccessKey": "s"}\')')
    (home / ".aws/config").write_text(
        "[profile plain]\nregion = eu-west-1\naws_access_key_id = AKIDPLAIN\naws_secret_access_key = s\n"
        f"[profile program]\ncredential_process = {sys.executable} {program}\n"
    )
    plain = found({"AWS_PROFILE": "plain"})
    assert (plain.keys(), plain.region) == (AwsKeys("AKIDPLAIN", "s"), "eu-west-1")
    assert found({"AWS_PROFILE": "program"}).keys() == AwsKeys("AKIDPROGRAM", "s")


def test_a_profile_may_stand_in_another_file(home: Path) -> None:
    """As AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say."""
    (home / "c").write_text("[profile own]\nregion = eu-west-3\n")
    (home / "k").write_text("[own]\naws_access_key_id = AKIDOWN\naws_secret_access_key = s\n")
    files = {"AWS_CONFIG_FILE": str(home / "c"), "AWS_SHARED_CREDENTIALS_FILE": str(home / "k")}
    own = found({"AWS_PROFILE": "own", **files})
    assert (own.keys().access, own.region) == ("AKIDOWN", "eu-west-3")


def test_single_sign_on_is_a_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the token that `aws sso login` has left."""
    start = "https://example.awsapps.com/start"
    (home / ".aws/config").write_text(
        f"[profile sso]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\nregion = eu-west-1\n"
        f"[sso-session s]\nsso_start_url = {start}\nsso_region = eu-west-1\n"
        "sso_registration_scopes = sso:account:access\n"
    )
    cache = home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    kept = {"startUrl": start, "region": "eu-west-1", "accessToken": "signed-in", "expiresAt": LATER}
    (cache / f"{hashlib.sha1(b's', usedforsecurity=False).hexdigest()}.json").write_text(json.dumps(kept))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with served() as (url, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", url)
        # botocore looks where HOME is when it is loaded
        seen = subprocess.run([sys.executable, "-c", ASK_SSO], capture_output=True, text=True, timeout=60, check=False)
    assert (seen.stdout, seen.stderr) == ("AKIDSSO\n", "")
    assert asked == ["/federation/credentials?role_name=r&account_id=123456789012 "]


def test_a_web_identity_is_given_for_a_role(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a pod of EKS, or a job of a CI."""
    (home / "token").write_text("a-web-token")
    with served() as (url, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        said = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "token")}
        source = found({**said, "AWS_REGION": "eu-west-1"})
        assert asked == []  # nothing is fetched before it is needed
        assert source.keys() == source.keys() == AwsKeys("AKIDWEB", "web-secret", "web-token")
    assert len(asked) == 1
    assert "WebIdentityToken=a-web-token" in asked[0]


def test_the_role_of_the_machine_has_to_be_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`AWS_CREDENTIALS=machine`: its metadata, and never the files or variables of a person."""
    del home
    with served() as (url, _):
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        assert found({"AWS_CREDENTIALS": "machine"}).keys() == AwsKeys("AKIDROLE", "role-secret", "role-token")


def test_the_role_of_a_container_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ECS gives it."""
    del home
    with served() as (url, asked):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/container")
        assert found({"AWS_CREDENTIALS": "machine"}).keys().access == "AKIDROLE"
    assert asked == ["/container "]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AWS_PROFILE": "nobody"}, "(ProfileNotFound): `aws sts get-caller-identity --profile nobody` tells more"),
        ({"AWS_CREDENTIALS": "mine"}, "AWS_CREDENTIALS may be “machine”"),
        ({"AWS_ROLE_ARN": "a", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token"}, "(FileNotFoundError)"),
        ({"AWS_CREDENTIALS": "machine"}, "AWS gives no credentials here"),
    ],
)
def test_what_cannot_be_had_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    """With what tells more, when they are asked for: a command without AWS goes on."""
    del home
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    source = found({**environment, "AWS_REGION": "eu-west-1"})
    with pytest.raises(CannotBeAsked) as caught:
        source.keys()
    assert said in str(caught.value)


def test_a_command_gets_no_way_to_them(home: Path, tmp_path: Path) -> None:
    """Neither the profile nor a file, and the profile's region."""
    (home / ".aws/config").write_text(
        "[profile plain]\nregion = eu-west-1\naws_access_key_id = AKIDPLAIN\naws_secret_access_key = s\n"
    )
    guard = Guard(Risk.READONLY, tmp_path)
    try:
        held = guard.environment({"AWS_PROFILE": "plain", "AWS_CONFIG_FILE": "", "AWS_ROLE_ARN": "x"})
    finally:
        guard.close()
    assert (held["AWS_ACCESS_KEY_ID"], held["AWS_PROFILE"], held["AWS_REGION"]) == (HELD, "", "eu-west-1")
    assert not {"AWS_CONFIG_FILE", "AWS_ROLE_ARN"} & held.keys()
