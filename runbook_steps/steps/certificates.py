"""Certificates: which one is served, what is wrong with it, and whether a renewal is taken up."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.acme import AcmeAuthority
from runbook_steps.faults.certificates import KINDS, ServedCertificate, reload_until, replace, served_serial, write_pair

SERVED_S = 15.0


@pytest.fixture
def serials() -> dict[str, int]:
    """Serial numbers by what they are: `before`, `renewed`."""
    return {}


@given(
    parsers.re(
        r"the certificate is "
        r"(?P<kind>ending in \d+ days|expired since yesterday|of another host|of an unknown authority)"
    )
)
def bad_certificate(
    kind: str, situation: Situation, environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
) -> None:  # fmt: skip
    note(situation.arrange(ServedCertificate(environment(), kind)).detail)


@given("the certificate that is served expires soon")
def expires_soon(
    target: Target,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
    cannot_be_seen: Callable[[str], None],
) -> None:
    if target.facts.disposable:
        note(situation.arrange(ServedCertificate(environment(), "ending in 5 days")).detail)
    else:
        cannot_be_seen("a live certificate is renewed whenever there is a new one")


@given(parsers.re(r"there is a renewed certificate(?P<wrong>, with the key of another one)?"))
def renewed_certificate(
    wrong: str | None,
    target: Target,
    environment: Callable[[], Mapping[str, str]],
    workspace: Path,
    variables: dict[str, str],
    serials: dict[str, int],
    note: Callable[[str], None],
) -> Generator[None, None, None]:
    real = environment()
    if not target.facts.disposable:
        serials |= seen_renewed(Path(real["RENEWED"]), real["API_BASE_URL"])
        note(f"serial {serials['before']:x} is served; the new one is {serials['renewed']:x}")
        yield
        return
    folder = Path(real["SSL_CERT_FILE"]).parent
    kept = {file: file.read_bytes() for file in (folder / name for name in ("server.pem", "server.key", "ca.pem"))}
    ca = write_pair(workspace / "fullchain.pem", workspace / "privkey.pem", KINDS["renewed"])
    if wrong:
        write_pair(workspace / "other.pem", workspace / "privkey.pem", KINDS["renewed"])
    replace(folder / "ca.pem", kept[folder / "ca.pem"] + ca)
    renewed = x509.load_pem_x509_certificate((workspace / "fullchain.pem").read_bytes())
    serials |= {"before": served_serial(real["API_BASE_URL"]), "renewed": renewed.serial_number}
    variables |= {"RENEWED": str(workspace), **files_of(folder)}
    yield
    for file, content in kept.items():
        replace(file, content)
        for left in (".before", ".new"):  # of a procedure that stopped half-way: it would be taken for a way back
            Path(f"{file}{left}").unlink(missing_ok=True)
    if not reload_until(real, serials["before"]):
        raise CheckFailed("nginx does not serve the certificate from before again")


def files_of(folder: Path) -> dict[str, str]:
    """The variables of the files that nginx reads."""
    return {"TLS_CERTIFICATE": str(folder / "server.pem"), "TLS_KEY": str(folder / "server.key")}


def seen_renewed(folder: Path, url: str) -> dict[str, int]:
    """The serial numbers of what is served and of what lies in the folder.

    Raises NotApplicableNow where that is the same one, or is over; CheckFailed where there is none.
    """
    try:
        renewed = x509.load_pem_x509_certificate((folder / "fullchain.pem").read_bytes())
    except (OSError, ValueError) as error:
        raise CheckFailed(f"could not look: {folder / 'fullchain.pem'}: {error}") from error
    found = {"before": served_serial(url), "renewed": renewed.serial_number}
    if found["before"] == found["renewed"]:
        raise NotApplicableNow(f"serial {found['renewed']:x} is served already")
    if renewed.not_valid_after_utc <= datetime.now(UTC):
        raise NotApplicableNow(f"what lies in {folder} ended on {renewed.not_valid_after_utc:%Y-%m-%d}")
    return found


@given("nginx serves a certificate that certbot keeps, and its renewal is due")
def certbot_keeps(
    target: Target,
    environment: Callable[[], Mapping[str, str]],
    workspace: Path,
    variables: dict[str, str],
    serials: dict[str, int],
) -> Generator[None, None, None]:
    if not target.facts.disposable:
        raise NotRunnableHere("certbot keeps a certificate of the drill only where it was made for it")
    real = environment()
    folder = Path(real["SSL_CERT_FILE"]).parent
    kept = {file: file.read_bytes() for file in (folder / name for name in ("server.pem", "server.key", "ca.pem"))}
    former = served_serial(real["API_BASE_URL"])
    authority = AcmeAuthority(workspace, real)
    settings = Path(real["HOME"], ".config", "letsencrypt", "cli.ini")  # where certbot looks by itself
    try:
        root = authority.start()
        authority.issue()
        authority.make_due()
        replace(folder / "ca.pem", kept[folder / "ca.pem"] + root)
        for name, made in (("server.pem", "fullchain.pem"), ("server.key", "privkey.pem")):
            (folder / name).unlink()
            (folder / name).symlink_to(authority.live / made)
        serials["before"] = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes()).serial_number
        if not reload_until(real, serials["before"]):
            raise CheckFailed("nginx does not serve the certificate that certbot keeps")
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(authority.settings, "utf-8")
        variables |= {"REQUESTS_CA_BUNDLE": authority.trusted_by_certbot, **files_of(folder)}
        yield
    finally:
        settings.unlink(missing_ok=True)
        authority.close()
        for file, content in kept.items():
            file.unlink(missing_ok=True)
            replace(file, content)
        reload_until(real, former)


@then("the new certificate is on disk, and is served")
def new_on_the_wire(
    environment: Callable[[], Mapping[str, str]], variables: dict[str, str], serials: dict[str, int]
) -> None:
    on_disk = x509.load_pem_x509_certificate(Path(variables["TLS_CERTIFICATE"]).read_bytes()).serial_number
    assert on_disk != serials["before"]
    wait_for(environment()["API_BASE_URL"], on_disk)


def wait_for(url: str, serial: int) -> None:
    """Until that certificate is on the wire. Raises CheckFailed."""
    end = time.monotonic() + SERVED_S
    while (served := served_serial(url)) != serial:
        if time.monotonic() > end:
            raise CheckFailed(f"serial {served:x} is served; expected {serial:x}")
        time.sleep(0.02)


@then(parsers.re(r'the message about the certificate is "(?P<words>.+)"'))
def message_about_the_certificate(last_result: Result, words: str) -> None:
    (check,) = [check for check in answer_of(last_result)["checks"] if check["name"] == "SSL Certificate"]
    said = f"{check.get('error') or ''} {check.get('details') or ''}"
    assert words in said


@then(parsers.parse('an independent client reports "{words}"'))
def client_says(words: str, environment: Callable[[], Mapping[str, str]]) -> None:
    context = ssl.create_default_context(cafile=environment()["SSL_CERT_FILE"])
    said = "nothing"
    # a client of its own: the usual one would have failed to connect already
    with httpx.Client(verify=context, timeout=10, trust_env=False) as client:
        try:
            client.get(environment()["API_BASE_URL"] + "/api/version")
        except httpx.ConnectError as error:
            said = str(error)
    assert words in said


@then(parsers.parse("it has {days:d} days or more left, and is the one that is served"))
def days_left(last_result: Result, days: int, environment: Callable[[], Mapping[str, str]]) -> None:
    said = dict(line.split("=", 1) for line in last_result.stdout.splitlines() if "=" in line)
    left = ssl.cert_time_to_seconds(said["notAfter"]) - time.time()
    assert left >= days * 24 * 3600
    assert "Certificate will not expire" in last_result.stdout
    assert int(said["serial"], 16) == served_serial(environment()["API_BASE_URL"])


@then("the renewed certificate is served")
def renewed_is_served(environment: Callable[[], Mapping[str, str]], serials: dict[str, int]) -> None:
    wait_for(environment()["API_BASE_URL"], serials["renewed"])


@then("the certificate from before is still served")
def former_is_served(environment: Callable[[], Mapping[str, str]], serials: dict[str, int]) -> None:
    assert serials["before"] == served_serial(environment()["API_BASE_URL"])
