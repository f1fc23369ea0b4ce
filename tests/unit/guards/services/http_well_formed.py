"""Generated HTTP requests that are well formed, and odd: what a reader that is only strict would let through.

Odd targets, names and values that the standard allows, framing in unusual spellings that says the truth.
"""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["WELL_FORMED"]

_METHOD = st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH"])
_PIECE = st.sampled_from([
    b"a", b"b/c", b"%41", b"%2F", b"%2f", b"%25", b"%20", b"~", b"-", b"_", b"!$'()*+,", b"@", b"a:b", b"%7Euser",
    b"%e2%82%ac", b"x.y", b"0" * 200, b"%2B", b"+", b"a=b", b"%3B", b"%26", b"&", b"...", b"api/v1", b"%5B%5D",
])  # fmt: skip
_PATH = st.lists(_PIECE, max_size=4).map(b"/".join).map(lambda path: b"/" + path.lstrip(b"/"))
_QUERY = st.lists(
    st.tuples(_PIECE, st.sampled_from([b"", b"=", b"==", b"=?"]), _PIECE | st.just(b"")).map(b"".join), max_size=3
).map(b"&".join)
_TARGET = _PATH | st.tuples(_PATH, st.just(b"?"), _QUERY).map(b"".join)
_HOST = st.sampled_from([b"h", b"h:80", b"127.0.0.1", b"127.0.0.1:8080", b"[::1]:80", b"H.Example", b"a-b.c"])
_SPACE = st.sampled_from([b" ", b"", b"\t", b"  ", b" \t "])
_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20).map(str.encode)
_WORDS = st.lists(_TEXT, min_size=1, max_size=3).map(b" ".join)
_VALUE = st.one_of(
    _WORDS,
    st.sampled_from([b"", b"a, b", b'"a, b"', b"a;q=0.5", b"a\tb", b"text/plain; charset=utf-8", b"x" * 500, b"DELETE",
                     b"0", b"chunked", b"a.B", b"Basic eA==", b"%0d%0a", b"a=b; c=d"]),
)  # fmt: skip
_NAME = st.sampled_from([
    b"Accept", b"ACCEPT-Language", b"X-A", b"x-b", b"Content-Type", b"content-type", b"X-Amz-Target", b"Authorization",
    b"User-Agent", b"If-None-Match", b"Range", b"Cookie", b"Referer", b"X-Request-Id", b"Origin", b"X-Forwarded-For",
    b"X.Dotted", b"X~Odd!", b"Traceparent", b"Cache-Control", b"Date", b"Content-Encoding", b"Content-Language",
])  # fmt: skip
_HEADER = st.tuples(_NAME, st.just(b":"), _SPACE, _VALUE, _SPACE, st.just(b"\r\n")).map(b"".join)
_HEADERS = st.lists(_HEADER, max_size=5, unique_by=lambda line: line.partition(b":")[0].lower()).map(b"".join)
_BODY = st.binary(max_size=40) | st.sampled_from([
    b"", b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\r\n\r\n", b"Action=DeleteAlarms", b"{}", b"x" * 5000,
])  # fmt: skip
_NO_BODY = st.just((b"", b""))
_LENGTH_NAME = st.sampled_from([b"Content-Length", b"content-length", b"CONTENT-LENGTH", b"cOnTeNt-LeNgTh"])
_CODING_NAME = st.sampled_from([b"Transfer-Encoding", b"transfer-encoding", b"TRANSFER-ENCODING"])
_COUNTED = st.builds(
    lambda name, before, after, body: (b"%s:%s%d%s\r\n" % (name, before, len(body), after), body),
    _LENGTH_NAME, _SPACE, _SPACE, _BODY,
)  # fmt: skip
_CHUNK = st.builds(
    lambda data, size, extension: (size % len(data)).encode() + extension + b"\r\n" + data + b"\r\n",
    st.binary(min_size=1, max_size=40),
    st.sampled_from(["%x", "%X", "%04x", "%02X"]),
    st.sampled_from([b""] * 6 + [b";a", b";a=b", b';a="b"']),
)
_CHUNKED = st.builds(
    lambda name, space, coding, chunks, end: (
        name + b":" + space + coding + b"\r\n", b"".join(chunks) + end + b"\r\n\r\n",
    ),
    _CODING_NAME, _SPACE, st.sampled_from([b"chunked"] * 4 + [b"Chunked", b"CHUNKED"]),
    st.lists(_CHUNK, max_size=4), st.sampled_from([b"0"] * 6 + [b"00", b"000", b"0;a=b"]),
)  # fmt: skip
_FRAMED = _NO_BODY | _COUNTED | _CHUNKED


def _request(start: bytes, host: bytes, headers: bytes, framed: tuple[bytes, bytes], order: int) -> bytes:
    parts = [b"Host: " + host + b"\r\n", framed[0], headers]
    return start + b" HTTP/1.1\r\n" + b"".join(parts[order:] + parts[:order]) + b"\r\n" + framed[1]


_START = st.tuples(_METHOD, st.just(b" "), _TARGET).map(b"".join)
WELL_FORMED = st.builds(_request, _START, _HOST, _HEADERS, _FRAMED, st.integers(0, 2))
