"""Generated HTTP requests: good ones, and such as two servers read differently."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.unit.guards.services.http_well_formed import WELL_FORMED

__all__ = ["MESSAGE"]

ODD = st.sampled_from(
    [b"", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\0", b"\x0b", b"\x85", b"\xff", b"_", b":", b",", b";"]
)
METHOD = st.sampled_from(
    [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"get", b"PATCH", b"G\tET", b"TRACE"]
)
TARGET = st.sampled_from(
    [
        b"/",
        b"/a/b?c=d",
        b"/a%2Fb",
        b"/a/../b",
        b"//a/b",
        b"http://h/x",
        b"*",
        b"/a?Action=GetObject",
        b"/a b",
        b"/\xc3\xa9",
        b"/a?x[]=1|2",
        b"/%zz",
        b"/a#b",
        b"/a;b=c",
        b"?a",
        b"/a?b?c",
        b"/%00",
        b"/a\\b",
        b"",
        b"/a?_method=DELETE",
        b"/%c0%af",
    ]
)
VERSION = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"http/1.1", b"HTTP/2.0", b"", b"HTTP/1.1 "])
NAME = st.sampled_from(
    [
        b"Host",
        b"Content-Length",
        b"content-length",
        b"Content-Length ",
        b" Content-Length",
        b"Content_Length",
        b"Transfer-Encoding",
        b"transfer-encoding",
        b"Transfer_Encoding",
        b"Content-Type",
        b"X-Amz-Target",
        b"Connection",
        b"X-HTTP-Method-Override",
        b"Authorization",
        b"Expect",
        b"Accept",
        b"Cookie",
        b"Upgrade",
        b"TE",
        b"\tX",
        b"",
    ]
)
VALUE = st.sampled_from(
    [
        b"a",
        b"0",
        b"3",
        b"03",
        b"+3",
        b"-1",
        b"3, 3",
        b"3,4",
        b"0x3",
        b"3 ",
        b"1_0",
        b"99999999999999999999",
        b"chunked",
        b"Chunked",
        b"gzip, chunked",
        b"chunked, identity",
        b"xchunked",
        b"close",
        b"keep-alive",
        b"close, Host",
        b"DELETE",
        b"100-continue",
        b"a.GetObject",
        b"text/plain",
        b"",
        b"\xe9",
        b"a\tb",
        b"h2c",
    ]
)
END = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\r\n ", b"\r\n\t", b"\n\r\n"])  # fmt: skip
HEADER = st.tuples(NAME, st.sampled_from([b": ", b":", b" : ", b":\t"]), VALUE, ODD | st.just(b""), END).map(b"".join)
GOOD = st.sampled_from(
    [
        b"Host: h\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Accept: a\r\n",
        b"Accept: b\r\n",
        b"Content-Type: application/json\r\n",
        b"X-Amz-Target: a.B\r\n",
        b"Authorization: x\r\n",
    ]
)
BODY = st.sampled_from(
    [
        b"",
        b"abc",
        b"abcd",
        b"ab",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"3;x=y\r\nabc\r\n0\r\n\r\n",
        b"0\r\n\r\n",
        b"03\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nA: b\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"0\r\n\r\nDELETE / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"abcDELETE / HTTP/1.1\r\nHost: h\r\n\r\n",
    ]
) | st.binary(max_size=12)
HEADERS = st.lists(GOOD | HEADER, max_size=5).map(b"".join)
MOSTLY_GOOD = st.builds(
    lambda method, target, more, body: b"".join(
        (method, b" ", target, b" HTTP/1.1\r\nHost: h\r\n", more, b"\r\n", body)
    ),
    st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE"]),
    st.sampled_from([b"/", b"/a/b?c=d", b"/a%2Fb", b"/a?x[]=1|2", b"/a?b?c", b"/%41"]),
    st.lists(GOOD, max_size=3, unique=True).map(b"".join) | HEADERS,
    BODY,
)
ANY = st.builds(
    lambda method, one, target, two, version, end, headers, last, body: b"".join(
        (method, one, target, two, version, end, headers, last, body)
    ),
    METHOD,
    ODD | st.just(b" "),
    TARGET,
    ODD | st.just(b" "),
    VERSION,
    END,
    HEADERS,
    END,
    BODY,
)
CUT = st.builds(
    lambda raw, at, put: raw[: at % (len(raw) + 1)] + put + raw[at % (len(raw) + 1) :],
    MOSTLY_GOOD | WELL_FORMED,
    st.integers(0, 400),
    ODD,
)
# half of them are well formed: what is refused compares nothing
MESSAGE = st.sampled_from([*[WELL_FORMED] * 3, MOSTLY_GOOD, ANY, CUT]).flatmap(lambda kind: kind)
