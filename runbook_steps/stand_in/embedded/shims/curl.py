"""`curl` for machines without one, on httpx: the options that runbooks use, and curl's exit codes."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from runbook_steps.stand_in.embedded.shims.common import run
from runbook_steps.stand_in.embedded.shims.curl_options import CurlError, Options, read_options

__all__ = ["main"]

_TRANSIENT = {408, 429, 500, 502, 503, 504}  # curl(1), --retry
_FAILED_FROM = 400
_LONGEST_PAUSE_S = 600.0


@dataclass(frozen=True)
class Answer:
    """What came back. Times are in seconds since the request began."""

    response: httpx.Response
    body: bytes
    first_byte_s: float
    total_s: float


def main(arguments: list[str]) -> int:
    """Gives curl's exit code: of the last URL that failed."""
    try:
        options = read_options(arguments)
    except CurlError as error:
        sys.stderr.write(f"curl: {error}\n")
        return error.code
    return max(_fetch(url, options) for url in options.urls)


def _fetch(url: str, options: Options) -> int:
    began, answer, code, message = time.monotonic(), None, 0, ""
    try:
        answer = _with_retries(_complete(url, options), options)
        code = _show(answer, options)
        message = f"The requested URL returned error: {answer.response.status_code}" if code else ""
    except CurlError as error:
        code, message = error.code, str(error)
    if code and (not options.silent or options.show_error):
        sys.stderr.write(f"curl: ({code}) {message}\n")
    if options.write_out:
        values = _values(url, answer, code, message, time.monotonic() - began)
        sys.stdout.write(_write_out(options.write_out, values))
        sys.stdout.flush()
    return code


def _complete(url: str, options: Options) -> str:
    full = url if "://" in url else f"http://{url}"
    if options.get and options.data:
        full += ("&" if "?" in full else "?") + b"&".join(options.data).decode()
    return full


# -- asking -----------------------------------------------------------------------------------------


def _with_retries(url: str, options: Options) -> Answer:
    tries, pause = int(options.retry), float(options.retry_delay) or 1.0
    end = time.monotonic() + (float(options.retry_max_time) or float("inf"))
    while True:
        last = tries <= 0 or time.monotonic() + pause > end
        try:
            answer = _ask(url, options)
        except CurlError as error:
            again = options.retry_all or error.code == 28 or (error.code == 7 and options.retry_refused)  # noqa: PLR2004 - curl's exit codes
            if last or not again:
                raise
        else:
            bad = answer.response.status_code in _TRANSIENT
            bad = bad or (options.retry_all and _failed(answer, options))
            if last or not bad:
                return answer
        time.sleep(pause)
        tries -= 1
        pause = pause if float(options.retry_delay) else min(pause * 2, _LONGEST_PAUSE_S)


def _ask(url: str, options: Options) -> Answer:
    limit = float(options.max_time) or None
    connect = float(options.connect_timeout) or limit
    began = time.monotonic()
    try:
        with (
            httpx.Client(
                verify=_tls(options),
                follow_redirects=options.follow,
                max_redirects=int(options.max_redirects),
                timeout=httpx.Timeout(limit, connect=connect),
                trust_env=False,
            ) as client,
            client.stream(_method(options), url, **_request(options)) as response,
        ):
            first = time.monotonic() - began
            body = bytearray()
            for chunk in response.iter_raw():  # as curl does without --compressed: the bytes of the wire
                body += chunk
                if limit and time.monotonic() - began > limit:
                    raise CurlError(28, f"Operation timed out after {limit * 1000:.0f} milliseconds")
            return Answer(response, bytes(body), first, time.monotonic() - began)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _explained(error, url) from error


def _tls(options: Options) -> ssl.SSLContext | bool:
    if options.insecure:
        return False
    bundle = options.cacert or os.environ.get("CURL_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    try:
        return ssl.create_default_context(cafile=bundle or None)
    except OSError as error:
        raise CurlError(77, f"error setting certificate verify locations: CAfile: {bundle}") from error


def _method(options: Options) -> str:
    if options.method:
        return options.method
    if options.head:
        return "HEAD"
    return "POST" if options.data and not options.get else "GET"


def _request(options: Options) -> dict[str, Any]:
    headers = {"Accept": "*/*", "User-Agent": options.agent, "Accept-Encoding": "identity"}
    arguments: dict[str, Any] = {"headers": headers}
    if options.data and not options.get:
        arguments["content"] = (b"" if options.json else b"&").join(options.data)
        kind = "application/json" if options.json else "application/x-www-form-urlencoded"
        headers["Content-Type"] = kind
        if options.json:
            headers["Accept"] = "application/json"
    for line in options.headers:
        name, _, value = line.partition(":")
        known = next((key for key in headers if key.lower() == name.strip().lower()), name.strip())
        headers[known] = value.strip()
    if options.user:
        name, _, password = options.user.partition(":")
        arguments["auth"] = (name, password)
    return arguments


def _explained(error: Exception, url: str) -> CurlError:
    """Httpx's exception → curl's exit code, from curl(1): the first that fits."""
    host = url.partition("://")[2].partition("/")[0]
    chain = _causes(error)
    known: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int, str], ...] = (
        (httpx.TimeoutException, 28, f"Operation timed out: {url}"),
        (ssl.SSLCertVerificationError, 60, f"SSL certificate problem: {chain[-1]}"),
        (ssl.SSLError, 35, f"TLS connect error: {chain[-1]}"),
        (socket.gaierror, 6, f"Could not resolve host: {host.partition(':')[0]}"),
        (httpx.ConnectError, 7, f"Failed to connect to {host}: Couldn't connect to server"),
        (httpx.TooManyRedirects, 47, "Maximum redirects followed"),
        (httpx.RemoteProtocolError, 52, "Empty reply from server"),
        ((httpx.UnsupportedProtocol, httpx.InvalidURL), 3, f"URL rejected: {url}"),
    )
    for kind, code, message in known:
        if any(isinstance(link, kind) for link in chain):
            return CurlError(code, message)
    return CurlError(56, f"Recv failure: {error}")


def _causes(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


# -- showing ----------------------------------------------------------------------------------------


def _failed(answer: Answer, options: Options) -> bool:
    return (options.fail or options.fail_with_body) and answer.response.status_code >= _FAILED_FROM


def _show(answer: Answer, options: Options) -> int:
    head = _head(answer.response)
    if options.dump_header:
        _put(options.dump_header, head)
    failed = _failed(answer, options)
    shown = head if options.include or options.head else b""
    if not options.head and not (failed and options.fail):
        shown += answer.body
    _put(options.output, shown)
    return 22 if failed else 0


def _head(response: httpx.Response) -> bytes:
    lines = [f"{response.http_version} {response.status_code} {response.reason_phrase}".encode()]
    lines += [name.lower() + b": " + value for name, value in response.headers.raw]
    return b"\r\n".join([*lines, b"", b""])


def _put(file: str, data: bytes) -> None:
    if file in ("", "-"):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(file).write_bytes(data)
    except OSError as error:
        raise CurlError(23, f"Failure writing output to {file}") from error


def _values(url: str, answer: Answer | None, code: int, message: str, spent_s: float) -> dict[str, str]:
    response = answer.response if answer else None
    status = f"{response.status_code:03d}" if response else "000"
    return {
        "http_code": status,
        "response_code": status,
        "time_total": f"{answer.total_s if answer else spent_s:.6f}",
        "time_starttransfer": f"{answer.first_byte_s if answer else 0:.6f}",
        "size_download": str(len(answer.body) if answer else 0),
        "url_effective": str(response.url) if response else url,
        "num_redirects": str(len(response.history) if response else 0),
        "content_type": response.headers.get("content-type", "") if response else "",
        "exitcode": str(code),
        "errormsg": message,
    }


def _write_out(template: str, values: dict[str, str]) -> str:
    text = template.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
    for name, value in values.items():
        text = text.replace(f"%{{{name}}}", value)
    return text.replace("%%", "%")


if __name__ == "__main__":
    run("curl", main)
