"""Takes secrets out of text, by value and by shape, and leaves their kind and length class."""

from __future__ import annotations

import base64
import bisect
import codecs
import html
import json
import quopri
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cached_property
from urllib.parse import quote, quote_plus, unquote, urlsplit

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from runbook_steps.engine.text.secret_names import names_secret

__all__ = ["Redactor", "secret_values"]

_SHORTEST_SECRET = 5  # a shorter value would blank out ordinary words, and hides nothing by being hidden
_ORDINARY = frozenset({"false", "local", "redis", "postgres", "testing", "staging", "production"})


def secret_values(environment: Mapping[str, str], ordinary: Container[str] = ()) -> frozenset[str]:
    """The values in an environment that must not be seen: by the variable's name, or a URL's password.

    `ordinary` are words of the project, in small letters, that are no secret wherever they stand.
    """
    found: set[str] = set()
    for name, value in environment.items():
        if names_secret(name):
            found.add(value)
        if "://" in value and "@" in value:
            found |= _url_passwords(value)
    return frozenset(
        v for v in found if len(v) >= _SHORTEST_SECRET and v.lower() not in _ORDINARY and v.lower() not in ordinary
    )


def _url_passwords(value: str) -> set[str]:
    try:
        password = urlsplit(value).password
    except ValueError:
        rest = re.match(r"\w[\w+.-]*://[^:/@\s]*:(.+)@", value)
        password = rest[1] if rest else None
    return {password, unquote(password)} if password else set()


class _Known:
    """The spellings of the known values, all looked for in one pass; `marks` says what stands in place of each."""

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._marks = tuple(marks.values())
        self._searched = BytesAhoCorasick([*map(_bytes, marks)], matchkind=MatchKind.LeftmostLongest)

    def spans(self, data: bytes) -> list[tuple[int, int, str]]:
        """Start, end and mark of each that stands there, the longest at each place, none over another."""
        if not self._marks:
            return []
        return [(start, end, self._marks[at]) for at, start, end in self._searched.find_matches_as_indexes(data)]


class Redactor:
    """Replaces every known secret value, in the spellings it may take, and everything that looks like one."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = frozenset(values)
        self._marks = {s: _mark("secret", value) for value in self._values for s in _spellings(value)}

    @cached_property
    def _plain(self) -> _Known:
        return _Known(self._marks)

    @cached_property
    def _closed(self) -> _Known:
        """Without what may stand between two letters: built when a text has such a gap."""
        closed = {_GAP.sub(b"", _bytes(s)): mark for s, mark in self._marks.items() if len(s) >= _SHORTEST_WITH_GAPS}
        return _Known({_text(s): mark for s, mark in closed.items() if s})

    def with_values(self, values: Iterable[str]) -> Redactor:
        """A redactor that knows these values too."""
        both = self._values | frozenset(values)
        return self if both == self._values else Redactor(both)

    def without_values(self, values: Iterable[str]) -> Redactor:
        """A redactor that does not know these."""
        return Redactor(self._values - frozenset(values))

    def __call__(self, text: str) -> str:
        """The text without secrets. Redacting twice changes nothing more."""
        if self._marks:
            data = _bytes(text)
            if there := self._plain.spans(data):
                data = _replaced(data, there)
            if in_pieces := self._in_pieces(data):
                data = _replaced(data, in_pieces)
            text = _text(data) if there or in_pieces else text
        folded = text.casefold()
        for words, pattern, replace in _SHAPES:
            if any(word in folded for word in words):  # most texts hold none of them, and looking is cheap
                text = pattern.sub(replace, text)
        return text

    def finds(self, text: str) -> bool:
        """Whether a known secret value stands in the text, in any spelling."""
        return bool(self._plain.spans(data := _bytes(text)) or self._in_pieces(data))

    def _in_pieces(self, data: bytes) -> list[tuple[int, int, str]]:
        """Where a known value stands over two lines, or with colours inside: it is the same secret."""
        if len(closed := _GAP.sub(b"", data)) == len(data) or not (there := self._closed.spans(closed)):
            return []
        starts, removed = [0], [0]
        for gap in _GAP.finditer(data):
            removed.append(removed[-1] + gap.end() - gap.start())
            starts.append(gap.end() - removed[-1])

        def place(index: int) -> int:
            return index + removed[bisect.bisect_right(starts, index) - 1]

        return [(place(start), place(end - 1) + 1, mark) for start, end, mark in there]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a name of a file may hold bytes that are no UTF-8


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _replaced(data: bytes, spans: Iterable[tuple[int, int, str]]) -> bytes:
    pieces, last = [], 0
    for start, end, mark in spans:
        pieces += [data[last:start], mark.encode()]
        last = end
    return b"".join([*pieces, data[last:]])


# what may stand between two letters of it and is not seen: a colour or another sign to a terminal, a line break, that
# in a JSON text, a zero byte, a letter without width; every way begins with a character of its own, and the first is no
# repetition, so that `re` skips what begins with none of them
_ONE_GAP = (
    rb"(?:\x1b(?:\[[\d;?]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))|\\u001b\[[\d;?]*[@-~]|\\\r?\n[ \t]*|\r\n[ \t]*|\n[ \t]*"
    rb"|\r|\t|\\r\\n|\\n|\x00|\x07|\x08|\x0b|\x0c|\x7f"
    rb"|\xe2(?:\x80[\x8b-\x8f]|\x81\xa0)|\xef\xbb\xbf|\xc2(?:\xa0|\xad))"
)
_GAP = re.compile(_ONE_GAP + _ONE_GAP + rb"*")
_SHORTEST_WITH_GAPS = 8


def _spellings(value: str) -> set[str]:
    """As it is; quoted for a URL, JSON, HTML and a shell; in hex; and in base64 at each of the three alignments."""
    raw = value.encode("utf-8", "surrogatepass")
    quoted = quote(value, safe="", errors="surrogatepass")
    plain = {
        value,
        quoted,
        re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted),
        quote_plus(value, errors="surrogatepass"),
        "".join(f"%{byte:02X}" for byte in raw),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        html.escape(value),
        value.replace("'", "'\"'\"'"),
        raw.hex(),
        raw.hex().upper(),
        *_written_out(value, raw),
    }
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        # only the characters that depend on the value alone
        start = (0, 2, 3)[shift]
        end = len(coded) - (0, 3, 2)[(shift + len(raw)) % 3]
        core = coded[start:end].decode()
        if len(core) >= _SHORTEST_SECRET + 3:
            plain.add(core)
            plain.add(core.replace("+", "-").replace("/", "_"))
    return {spelling for spelling in plain if len(spelling) >= _SHORTEST_SECRET}


def _written_out(value: str, raw: bytes) -> Iterator[str]:
    """Letter by letter or byte by byte, as programs print what they take for no text; and what turns it round.

    What is not here stands in decision 2: a transformation that somebody writes down on purpose has no end.
    """
    if len(value) < _SHORTEST_WITH_GAPS:
        return
    pairs = [f"{byte:02x}" for byte in raw]
    for each in (pairs, [pair.upper() for pair in pairs]):
        yield from (sign.join(each) for sign in (" ", ":", "-", "\\x", " 0x", ", 0x", ",0x", ",", " 0X", "h ", "="))
        yield from (" ".join("".join(each[at : at + 2]) for at in range(start, len(each) - 1, 2)) for start in (0, 1))
    yield from (sign.join(str(byte) for byte in raw) for sign in (" ", ", ", ",", "+", ")||chr("))
    yield from (" ".join(form.format(byte) for byte in raw) for form in ("{:03o}", "{:>3}", "0o{:o}"))
    yield from ("".join(form.format(ord(letter)) for letter in value) for form in _ESCAPES)
    yield from (sign.join(value) for sign in (" ", "', '", '", "', '","', "','", '" "', "][", *", |_:;/-.", ", ", "  "))
    wide = (value.encode(form, "surrogatepass") for form in ("utf-16-le", "utf-16-be"))  # as Windows has its texts
    yield from (spelled for each in wide for spelled in (each.hex(), base64.b64encode(each).decode().rstrip("=")))
    yield re.sub(r"[^\w@%+=:,./-]", lambda found: "\\" + found[0], value)  # as `printf %q`
    yield from (value[::-1], value.swapcase(), value.upper(), value.lower(), codecs.encode(value, "rot13"))
    yield from (str(list(value))[2:-2], quote(value), quote(quote(value, safe=""), safe=""))
    yield from (
        base64.b32encode(raw).decode().rstrip("="),
        base64.b85encode(raw).decode(),
        base64.a85encode(raw).decode(),
    )
    yield json.dumps(json.dumps(value))[3:-3]
    yield quopri.encodestring(raw, quotetabs=True).decode().strip()


_ESCAPES = (
    "\\u{:04x}",
    "\\u{:04X}",
    "\\u{{{:x}}}",
    "\\{:03o}",
    "&#{};",
    "&#{:04};",
    "\\{:x} ",
    "\\U{:08x}",
    "&#x{:x};",
    "&#x{:X};",
    "%u{:04x}",
    "\\0{:03o}",
    "U+{:04X} ",
)


def _mark(kind: str, value: str) -> str:
    """What stands for a secret: its kind and a length class, nothing of its value."""
    size = len(value)
    bounds = next((f"{low}-{high}" for low, high in ((1, 8), (9, 16), (17, 32), (33, 64)) if size <= high), "65+")
    return f"[redacted {kind}, {bounds} characters]"


def _whole(kind: str) -> Callable[[re.Match[str]], str]:
    return lambda found: _mark(kind, found[0])


def _named(kind: str) -> Callable[[re.Match[str]], str]:
    """Keeps what stands before the group `value`."""

    def replace(found: re.Match[str]) -> str:
        value = found["value"]
        if value.startswith(("[redacted", "$")) or value in {"", "null", "None", "***"}:
            return found[0]
        before, after = (
            found[0][: found.start("value") - found.start()],
            found[0][found.end("value") - found.start() :],
        )
        return f"{before}{_mark(kind, value)}{after}"

    return replace


_SHAPES: tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        ("-----begin",),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        _whole("private key"),
    ),
    (("eyj",), re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]+"), _whole("JWT")),
    (("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), _whole("AWS access key")),
    (("hooks.slack",), re.compile(r"\bhttps://hooks\.slack\.com/services/(?P<value>[\w/]+)"), _named("webhook")),
    (
        ("gh", "xox", "sk_live"),
        re.compile(r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|sk_live_\w{8,})"),
        _whole("token"),
    ),
    (("://",), re.compile(r"\b[A-Za-z][\w+.-]*://[^\s:/@'\"]*:(?P<value>[^\s/@'\"]+)@"), _named("password")),
    (
        ("authorization",),
        re.compile(
            r"(?i)\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?!Bearer|Basic|\[)(?:\w+ )?(?P<value>[^\s\"',]{8,})"
        ),
        _named("credential"),
    ),
    (("cookie",), re.compile(r"(?i)\b(?:set-)?cookie:\s*[\w.-]+=(?P<value>[^;\s\"']{8,})"), _named("cookie")),
    (
        ("x-amz-security-token",),
        re.compile(r"(?i)\bx-amz-security-token[\"']?\s*[:=]\s*[\"']?(?P<value>[\w%+/=-]{8,})"),
        _named("AWS session token"),
    ),
    (("bearer", "basic"), re.compile(r"(?i)\b(?:Bearer|Basic)\s+(?P<value>[\w.~+/-]{8,}=*)"), _named("credential")),
    (
        ("password", "passwd", "secret", "api", "token", "key"),
        re.compile(
            r"(?i)[\"']?\b[\w-]*(?:password|passwd|secret|api[_-]?key|(?:access|refresh|auth)[_-]?token"
            r"|secret[_-]?access[_-]?key|encryption[_-]?key)[\"']?\s*[:=]\s*[\"']?"
            r"(?P<value>[^\s\"',;&}\[]{6,})"
        ),
        _named("secret"),
    ),
)
