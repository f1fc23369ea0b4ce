"""Where the guard has the credentials of AWS from: keys, a profile, a web identity, or the role of this machine.

Each is found by botocore's own providers, in this process: what they read and refresh (files, single sign-on, the
metadata of a machine) never comes into a command's environment. Which one is meant is said, never guessed: a target
would otherwise be worked on with whatever its user happens to be signed in as.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import botocore.credentials
import botocore.session
import botocore.utils
from botocore.exceptions import BotoCoreError, ClientError

from runbook_steps.engine.guards.services.http_message import CannotBeAsked

__all__ = ["HELD", "AwsKeys", "AwsSource", "guarded_variables", "source_of", "without_sources"]

HELD = "held-by-the-guard"
"""What a guarded command has in place of its credentials: a word, not a secret."""
MACHINE = "machine"
"""`AWS_CREDENTIALS=machine`: the role of this machine, container or pod."""
_ROLE_PROVIDERS = ("assume-role-with-web-identity", "container-role", "iam-role")
_OWN = ("AWS_CREDENTIALS", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE")  # fmt: skip


@dataclass(frozen=True)
class AwsKeys:
    """The credentials of a live target."""

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class AwsSource:
    """`keys` gives the credentials as they are now; it may fetch, and raises CannotBeAsked when they cannot be had.

    `region` is the one that belongs to them, empty when they name none.
    """

    keys: Callable[[], AwsKeys]
    region: str = ""


def names_credentials(environment: Mapping[str, str]) -> bool:
    """Whether an environment says what to sign with."""
    said = environment.get
    return bool(
        (said("AWS_ACCESS_KEY_ID") and said("AWS_SECRET_ACCESS_KEY"))
        or said("AWS_PROFILE")
        or (said("AWS_ROLE_ARN") and said("AWS_WEB_IDENTITY_TOKEN_FILE"))
        or said("AWS_CREDENTIALS")
    )


def source_of(environment: Mapping[str, str]) -> AwsSource | None:
    """The credentials that an environment names; None when it names none, or an endpoint of its own.

    Nothing is fetched yet: a profile that is not there, or a word that is not known, is told when they are asked for.
    """
    if any(name.startswith("AWS_ENDPOINT_URL") and value for name, value in environment.items()):
        return None
    if not names_credentials(environment):
        return None
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        keys = AwsKeys(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN", ""),
        )
        return AwsSource(lambda: keys)
    session = _session(environment)
    found = _Refreshed(partial(_load, environment, session), _advice(environment))
    with suppress(BotoCoreError):  # a profile that is not there is told when it is used
        if environment.get("AWS_PROFILE"):
            return AwsSource(found.keys, str(session.get_config_variable("region") or ""))
    return AwsSource(found.keys)


def _load(environment: Mapping[str, str], session: Any) -> Any:
    if environment.get("AWS_PROFILE"):
        return session.get_credentials()
    if environment.get("AWS_ROLE_ARN") and environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return _web_identity(environment, session)
    if environment["AWS_CREDENTIALS"] != MACHINE:
        raise CannotBeAsked(f"AWS_CREDENTIALS may be “{MACHINE}”, and is something else")
    return _of_machine(session)


def _session(environment: Mapping[str, str]) -> Any:
    session: Any = botocore.session.Session(profile=environment.get("AWS_PROFILE") or None)
    for variable, name in (("AWS_CONFIG_FILE", "config_file"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials_file")):
        if environment.get(variable):
            session.set_config_variable(name, environment[variable])
    if not environment.get("AWS_PROFILE") and environment.get("AWS_REGION"):
        session.set_config_variable("region", environment["AWS_REGION"])
    return session


def _web_identity(environment: Mapping[str, str], session: Any) -> Any:
    fetcher: Any = botocore.credentials.AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=session.create_client,
        web_identity_token_loader=botocore.utils.FileWebIdentityTokenLoader(environment["AWS_WEB_IDENTITY_TOKEN_FILE"]),
        role_arn=environment["AWS_ROLE_ARN"],
        extra_args={"RoleSessionName": environment.get("AWS_ROLE_SESSION_NAME") or "runbooks"},
    )
    return botocore.credentials.DeferredRefreshableCredentials(
        method="assume-role-with-web-identity", refresh_using=fetcher.fetch_credentials
    )


def _of_machine(session: Any) -> Any:
    """Not the files and variables of whoever is signed in: only what belongs to the machine."""
    resolver: Any = session.get_component("credential_provider")
    return next(filter(None, (resolver.get_provider(name).load() for name in _ROLE_PROVIDERS)), None)


def _advice(environment: Mapping[str, str]) -> str:
    if profile := environment.get("AWS_PROFILE"):
        return f"`aws sts get-caller-identity --profile {profile}` tells more, `aws sso login` signs in"
    return "`aws sts get-caller-identity` tells more"


class _Refreshed:
    """botocore's credentials, loaded once and refreshed by themselves."""

    def __init__(self, load: Callable[[], Any], advice: str) -> None:
        self._load = load
        self._advice = advice
        self._found: Any = None
        self._loading = threading.Lock()

    def keys(self) -> AwsKeys:
        """As they are now. Raises CannotBeAsked."""
        try:
            with self._loading:  # the first requests come at once, each in a thread of its own
                self._found = self._found or self._load()
            if self._found is None:
                raise CannotBeAsked(f"AWS gives no credentials here: {self._advice}")
            now = self._found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, ValueError, KeyError) as error:
            raise CannotBeAsked(
                f"the credentials of AWS cannot be had ({type(error).__name__}): {self._advice}"
            ) from None
        return AwsKeys(now.access_key, now.secret_key, now.token or "")


def guarded_variables(port: int) -> dict[str, str]:
    """What leads a command to the guard. An IP address, so that a bucket stands in the path and not in the host."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": HELD,
        "AWS_SECRET_ACCESS_KEY": HELD,
        "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": "",
    }


def without_sources(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what names credentials elsewhere."""
    return {name: value for name, value in environment.items() if name not in _OWN}
