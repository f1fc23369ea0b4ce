"""The reader of HTTP requests: what can be read in two ways is refused, what is sent is made from what was read."""

from __future__ import annotations

import asyncio

import pytest

from runbook_steps.engine.guards.services.http_message import RequestHead, host_of, pairs_of, read_request, written
from runbook_steps.engine.guards.services.relay import Unreadable

HOST = b"Host: a\r\n"


def read(raw: bytes, *, most: int = 1000) -> tuple[RequestHead, bytes]:
    """Head and body, as the guard reads them. Raises Unreadable."""

    async def reading() -> tuple[RequestHead, bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        request = await read_request(reader, lambda _: None)
        assert request is not None
        if request.head.chunked:
            return request.head, b"".join([piece async for piece in request.pieces()])
        return request.head, await request.whole(most) if request.head.has_body else b""

    return asyncio.run(reading())


def get(*headers: bytes, target: bytes = b"/x", rest: bytes = b"") -> bytes:
    """A request with those headers."""
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"".join(each + b"\r\n" for each in headers) + b"\r\n" + rest


TWICE = "is said twice"
REFUSED: dict[str, tuple[bytes, str]] = {
    "a line that ends with a line feed": (b"GET / HTTP/1.1\r\nA: b\n\nDELETE /x HTTP/1.1\r\n\r\n", "control character"),
    "a head that ends with line feeds": (b"GET / HTTP/1.1\nHost: a\n\n", "control character"),
    "a carriage return in a header": (b"GET / HTTP/1.1\r\nA: b\r\rX: c\r\n\r\n", "control character"),
    "a zero byte": (b"GET / HTTP/1.1\r\nA: \0\r\n\r\n", "control character"),
    "a vertical tab": (b"GET / HTTP/1.1\r\nA: \x0b\r\n\r\n", "control character"),
    "an underscore in a length": (get(b"Content-Length: 1_0"), "malformed Content-Length"),
    "a signed length": (get(b"Content-Length: +5"), "malformed Content-Length"),
    "a length below zero": (get(b"Content-Length: -5"), "malformed Content-Length"),
    "a length in hexadecimal": (get(b"Content-Length: 0x5"), "malformed Content-Length"),
    "two lengths in one": (get(b"Content-Length: 1, 1"), "malformed Content-Length"),
    "no length in the length": (get(b"Content-Length: "), "malformed Content-Length"),
    "a huge length": (get(b"Content-Length: " + b"9" * 19), "malformed Content-Length"),
    "the length twice": (get(b"Content-Length: 1", b"Content-Length: 1"), TWICE),
    "the length twice, in another case": (get(b"Content-Length: 0", b"content-length: 5"), TWICE),
    "the host twice": (get(b"Host: b"), TWICE),
    "the type twice": (get(b"Content-Type: a/b", b"CONTENT-TYPE: c/d"), TWICE),
    "the action twice": (get(b"X-Amz-Target: a.B", b"x-amz-target: a.C"), TWICE),
    "the signature twice": (get(b"Authorization: a", b"Authorization: b"), TWICE),
    "the coding twice": (get(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), TWICE),
    "a method twice": (get(b"X-HTTP-Method: PUT", b"X-HTTP-Method: GET"), TWICE),
    "a folded header": (get(b"A: b", b" folded: c"), "folded"),
    "a header folded by a tab": (get(b"A: b", b"\tfolded: c"), "folded"),
    "a first header that is folded": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "folded"),
    "a blank before a colon": (get(b"Content-Length : 5"), "malformed request"),
    "a header without a name": (get(b": 5"), "malformed request"),
    "a header without a colon": (get(b"Content-Length 5"), "malformed request"),
    "a header of a gateway": (get(b"X_HTTP_Method_Override: DELETE"), "its name has other characters"),
    "a length of a gateway": (get(b"Content_Length: 5"), "its name has other characters"),
    "a dot in a name": (get(b"X.HTTP.Method: DELETE"), "its name has other characters"),
    "length and chunks": (get(b"Content-Length: 4", b"Transfer-Encoding: chunked", rest=b"0\r\n\r\n"), "both"),
    "another coding": (get(b"Transfer-Encoding: gzip, chunked"), "malformed request"),
    "a coding that hides": (get(b"Transfer-Encoding: xchunked"), "malformed request"),
    "a coding of nothing": (get(b"Transfer-Encoding: identity"), "malformed request"),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "malformed request"),
    "no host in HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", "names no Host"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "malformed request|not known"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "not an HTTP/1.1 request"),
    "HTTP/0.9": (b"GET /\r\n\r\n", "malformed request"),
    "two blanks": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed request"),
    "a tab for a blank": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "malformed request"),
    "an empty line before it": (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed request|empty line"),
    "a tunnel": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "the method CONNECT is not known"),
    "a method in small letters": (b"delete /x HTTP/1.1\r\nHost: a\r\n\r\n", "the method delete is not known"),
    "a method of caches": (b"PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n", "the method PURGE is not known"),
    "a whole URL": (b"DELETE http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE of something that is no plain path"),
    "a star": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "no plain path"),
    "a half percent": (get(target=b"/%e"), "no plain path"),
    "a percent that is none": (get(target=b"/%zz?x=%u0041"), "no plain path"),
    "a fragment": (get(target=b"/x?a=1#b"), "no plain path"),
    "letters that are not ASCII": (get(target="/ä".encode()), "malformed request"),
    "a backslash": (get(target=b"/a\\..\\b"), "no plain path"),
    "a second request": (get(rest=b"DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n"), "more than one request"),
    "a second request behind a body": (get(b"Content-Length: 1", rest=b"xDELETE / HTTP/1.1\r\n\r\n"), "more than one"),
    "a second request behind chunks": (get(b"Transfer-Encoding: chunked", rest=b"0\r\n\r\nGET /"), "more than one"),
    "a body that is cut off": (get(b"Content-Length: 9", rest=b"x"), "cut off|malformed"),
    "a head that is cut off": (b"GET / HTTP/1.1\r\nHost: a\r\n", "cut off"),
    "a chunk of no length": (get(b"Transfer-Encoding: chunked", rest=b"\r\nx\r\n0\r\n\r\n"), "malformed request"),
    "a chunk that is longer": (get(b"Transfer-Encoding: chunked", rest=b"1\r\nxy\r\n0\r\n\r\n"), "malformed request"),
    "a chunk with a sign": (get(b"Transfer-Encoding: chunked", rest=b"+1\r\nx\r\n0\r\n\r\n"), "malformed request"),
    "headers behind chunks": (get(b"Transfer-Encoding: chunked", rest=b"0\r\nX-A: b\r\n\r\n"), "headers after"),
    "a longer body than is judged": (get(b"Content-Length: 1001", rest=b"x" * 1001), "longer than the 1000 bytes"),
    "a longer head than is read": (get(b"A: " + b"x" * 70_000), "head is longer"),
    "more headers than are read": (get(*[b"A%d: x" % number for number in range(101)]), "more than 100 headers"),
    "headers of one hop": (get(b"Connection: close, Authorization"), "Connection names other headers"),
    "another expectation": (get(b"Expect: 200-maybe"), "expects something other"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(case: str) -> None:
    """And named."""
    raw, said = REFUSED[case]
    with pytest.raises(Unreadable, match=said):
        read(raw)


def test_a_refusal_says_no_value() -> None:
    """A header may hold a credential."""
    with pytest.raises(Unreadable) as caught:
        read(get(b"Authorization: Bearer s3cret\x01"))
    assert "s3cret" not in str(caught.value)
    with pytest.raises(Unreadable) as caught:
        read(get(b"Bearer s3cret"))
    assert "s3cret" not in str(caught.value)


def test_what_is_read_is_written_anew() -> None:
    """Without what is between two hops only, in one spelling, with the length that the body has."""
    head, body = read(
        get(b"content-type:  a/b ", b"Accept: x", b"accept: y", b"Keep-Alive: 5", b"Upgrade: h2c",
            b"Connection: Upgrade", b"Content-Length: 002", target=b"/x/%41?a[b]=c|d", rest=b"ok")
    )  # fmt: skip
    _, sent = written(head, length=len(body))
    assert sent == (
        b"GET /x/%41?a%5Bb%5D=c%7Cd HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nAccept: x, y\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\n"
    )
    assert body == b"ok"


def test_a_chunked_body_is_read_without_its_chunks() -> None:
    """Extensions and all."""
    raw = get(b"Transfer-Encoding: Chunked", rest=b"2;a=b\r\nok\r\n0\r\n\r\n")
    head, body = read(raw)
    assert (body, head.chunked, head.has_body) == (b"ok", True, True)
    assert b"Transfer-Encoding: chunked\r\n" in written(head, length=None)[1]


@pytest.mark.parametrize("query", ["a=1;b=2", "a=%", "a=%ff", "%C0%AF=1", "a=%u0041"])
def test_a_query_that_is_split_in_two_ways_is_refused(query: str) -> None:
    """Or that is no UTF-8."""
    with pytest.raises(Unreadable):
        pairs_of(query)


def test_a_query_is_read_as_forms_are() -> None:
    """In its order, empty values and repeated names included."""
    assert pairs_of("a=b+c&a=%2B&d&&e=") == [("a", "b c"), ("a", "+"), ("d", ""), ("e", "")]


def test_the_host_is_written_as_servers_read_it() -> None:
    """A number of IPv6 without brackets is a bad request to nginx, whatever it asks for."""
    assert [host_of("::1", 8443), host_of("::1", 0)] == ["[::1]:8443", "[::1]"]
    assert [host_of("api.example", 3000), host_of("10.0.0.1", 0)] == ["api.example:3000", "10.0.0.1"]
