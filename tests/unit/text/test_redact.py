"""Secrets leave text, in every spelling they may take; what is no secret stays."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook_steps.engine.text.redact import Redactor, secret_values

SECRET = "S3cr3t-in-URL"
NASTY = 'p@ss/w+rd "quoted" \\ ü'


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("REDIS_URL", f"redis://:{SECRET}@host:1/0", {SECRET}),
        ("DATABASE_URL", f"postgres://user:{SECRET}@host/db", {SECRET}),
        ("JWT_SECRET", SECRET, {SECRET}),
        ("BACKUP_ENCRYPTION_KEY", "ab" * 32, {"ab" * 32}),
        ("PGPASSWORD", SECRET, {SECRET}),
        ("JWT_EXPIRES_IN", "15m", set()),
        ("API_BASE_URL", "https://localhost:1", set()),
        ("PATH", "/usr/bin", set()),
    ],
)
def test_secrets_are_known_by_their_variable(name: str, value: str, found: set[str]) -> None:
    """A secret is told by the variable's name, or is the password of a URL."""
    assert found == secret_values({name: value})


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"redis://:{SECRET}@host",
        quote(SECRET, safe=""),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f":{SECRET}".encode()).decode(),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_spelling_is_taken_out(text: str) -> None:
    """Plain, in a URL, and in base64 at any alignment."""
    redacted = Redactor({SECRET})(f"before {text} after")
    assert (SECRET in redacted, text in redacted) == (False, False)
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


@pytest.mark.parametrize("spell", [str, json.dumps, lambda v: quote(v, safe="")])
def test_a_nasty_value_is_taken_out(spell: object) -> None:
    """Quotes, spaces and non-ASCII do not hide a secret."""
    assert callable(spell)
    assert "w+rd" not in Redactor({NASTY})(f"x {spell(NASTY)} y")
    assert "w%2Brd" not in Redactor({NASTY})(f"x {spell(NASTY)} y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:pw@h/db", "postgres://u:[redacted password, 1-8 characters]@h/db"),
        ("Authorization: Bearer abcdefghijk", "Authorization: Bearer [redacted credential, 9-16 characters]"),
        ("key AKIAABCDEFGHIJKLMNOP.", "key [redacted AWS access key, 17-32 characters]."),
        ("t eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", "t [redacted JWT, 33-64 characters]"),
        ('{"password": "hunter2222"}', '{"password": "[redacted secret, 9-16 characters]"}'),
        ("JWT_SECRET=$JWT_SECRET", "JWT_SECRET=$JWT_SECRET"),
        ("JWT_SECRET length: 64 characters", "JWT_SECRET length: 64 characters"),
        ("used_memory:1048576", "used_memory:1048576"),
        ("Authorization: ApiKey abcdefghijk", "Authorization: ApiKey [redacted credential, 9-16 characters]"),
        ("authorization: token abcdefghijk", "authorization: token [redacted credential, 9-16 characters]"),
        ("Set-Cookie: sid=abcdefghijk; Secure", "Set-Cookie: sid=[redacted cookie, 9-16 characters]; Secure"),
        (
            "X-Amz-Security-Token=abcdefghijk&x=1",
            "X-Amz-Security-Token=[redacted AWS session token, 9-16 characters]&x=1",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
            "[redacted private key, 65+ characters]",
        ),
        (
            "https://hooks.slack.com/services/T0/B0/abc",
            "https://hooks.slack.com/services/[redacted webhook, 9-16 characters]",
        ),
        ("2 of 3 slots healthy, token blacklist kept", "2 of 3 slots healthy, token blacklist kept"),
    ],
)
def test_shapes_are_known_without_the_value(text: str, expected: str) -> None:
    """What looks like a secret goes, with its kind and length class left; ordinary output stays."""
    assert expected == Redactor()(text)


def wrapped(text: str, width: int) -> str:
    """As `base64` and PEM do."""
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="\\")
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a URL": lambda v: quote(v, safe=""),
    "in a URL, lower case": lambda v: re.sub("%..", lambda found: found[0].lower(), quote(v, safe="")),
    "every byte quoted": lambda v: "".join(f"%{b:02X}" for b in v.encode()),
    "in JSON": lambda v: json.dumps({"a": v}),
    "in JSON, not ASCII": lambda v: json.dumps({"a": v}, ensure_ascii=False),
    "in JSON in JSON": lambda v: json.dumps({"a": "x\n" + wrapped(base64.b64encode(v.encode()).decode(), 12)}),
    "in HTML": html.escape,
    "in a shell": shlex.quote,
    "in hex": lambda v: v.encode().hex(),
    "in HEX": lambda v: v.encode().hex().upper(),
    "in base64": lambda v: base64.b64encode(v.encode()).decode(),
    "in base64 for URLs": lambda v: base64.urlsafe_b64encode(f"user:{v}".encode()).decode(),
    "in base64, over lines": lambda v: wrapped(base64.b64encode(f"a:{v}".encode()).decode(), 8),
    "over lines": lambda v: wrapped(v, 5),
    "over lines of Windows": lambda v: wrapped(v, 5).replace("\n", "\r\n"),
    "over lines of a shell": lambda v: wrapped(v, 5).replace("\n", "\\\n    "),
    "in colours": "\x1b[1;31m".join,
    "with zero bytes": "\0".join,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(
    st.text(LETTERS, min_size=9, max_size=40),
    st.text(max_size=10),
    st.text(max_size=10),
)
@settings(max_examples=25, deadline=None)
def test_no_spelling_survives(spelling: str, secret: str, before: str, after: str) -> None:
    """Whatever the secret is: what is left of its spelling is not enough to have it back."""
    spelled = SPELLINGS[spelling](secret)
    redactor = Redactor({secret})
    redacted = redactor(f"{before}\n{spelled}\n{after}")
    assert redactor.finds(f"{before}\n{spelled}\n{after}")
    assert not redactor.finds(redacted) or secret in MARKS
    assert spelled not in redacted


MARKS = "[redacted secret, 1-89-1617-3233-6465+ characters]"


@given(st.text(min_size=6, max_size=40), st.text(), st.text())
@settings(deadline=None)
def test_no_value_survives(secret: str, before: str, after: str) -> None:
    """Whatever the secret and its surroundings are, it is not in the result."""
    redactor = Redactor({secret})
    redacted = redactor(f"{before}{secret}{after}")
    assert not redactor.finds(redacted) or secret in MARKS


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """Redaction is stable."""
    redactor = Redactor({SECRET})
    assert redactor(redactor(text)) == redactor(text)


PAIRS: Callable[[str], list[str]] = lambda v: [f"{byte:02x}" for byte in v.encode()]  # noqa: E731 - of the tables below
WRITTEN_OUT: dict[str, Callable[[str], str]] = {
    "hex with blanks": lambda v: " ".join(PAIRS(v)),
    "hex with blanks, in capitals": lambda v: " ".join(PAIRS(v)).upper(),
    "hex with colons": lambda v: ":".join(PAIRS(v)),
    "hex with hyphens": lambda v: "-".join(PAIRS(v)),
    "hex as in C": lambda v: "".join(f"\\x{pair}" for pair in PAIRS(v)),
    "hex as an array": lambda v: ", ".join(f"0x{pair}" for pair in PAIRS(v)),
    "hex by od": lambda v: " 0x".join(["", *PAIRS(v)]),
    "hex by xxd": lambda v: " ".join("".join(PAIRS(v)[at : at + 2]) for at in range(0, len(PAIRS(v)), 2)),
    "hex of PostgreSQL": lambda v: "\\x" + "".join(PAIRS(v)),
    "bytes as numbers": lambda v: str(list(v.encode())),
    "bytes as numbers, without blanks": lambda v: ",".join(map(str, v.encode())),
    "bytes as numbers with blanks": lambda v: " ".join(map(str, v.encode())),
    "letters as in JavaScript": lambda v: "".join(f"\\u{ord(c):04x}" for c in v),
    "letters as in JavaScript, in capitals": lambda v: "".join(f"\\u{ord(c):04X}" for c in v),
    "letters as in JavaScript, in braces": lambda v: "".join(f"\\u{{{ord(c):x}}}" for c in v),
    "letters in octal": lambda v: "".join(f"\\{ord(c):03o}" for c in v),
    "letters in octal, as echo wants it": lambda v: "".join(f"\\0{ord(c):03o}" for c in v),
    "letters in HTML": lambda v: "".join(f"&#{ord(c)};" for c in v),
    "letters in HTML, in hex": lambda v: "".join(f"&#x{ord(c):x};" for c in v),
    "letters of an old escape()": lambda v: "".join(f"%u{ord(c):04x}" for c in v),
    "letters apart": " ".join,
    "letters apart, by tabs": "\t".join,
    "letters over lines, by carriage returns": "\r".join,
    "letters as a list": lambda v: str(list(v)),
    "letters as a list in JSON": lambda v: json.dumps(list(v)),
    "letters with hyphens": "-".join,
    "quoted for a URL twice": lambda v: quote(quote(v, safe=""), safe=""),
    "quoted for JSON twice": lambda v: json.dumps(json.dumps(v)),
    "quoted by printf": lambda v: re.sub(r"[^\w@%+=:,./-]", lambda found: "\\" + found[0], v),
    "backwards": lambda v: v[::-1],
    "in capitals": str.upper,
    "in small letters": str.lower,
    "turned by thirteen": lambda v: v.translate(
        str.maketrans(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM",
        )
    ),
    "in base32": lambda v: base64.b32encode(v.encode()).decode(),
    "in base85": lambda v: base64.b85encode(v.encode()).decode(),
    "in Ascii85": lambda v: base64.a85encode(v.encode()).decode(),
    "in UTF-16": lambda v: v.encode("utf-16-le").decode("latin-1"),
    "hex with commas": lambda v: ",".join(PAIRS(v)),
    "hex as in BASIC": lambda v: " ".join(f"0X{pair.upper()}" for pair in PAIRS(v)),
    "hex as in assembler": lambda v: " ".join(f"{pair}h" for pair in PAIRS(v)),
    "every byte as in a mail": lambda v: "".join(f"={pair.upper()}" for pair in PAIRS(v)),
    "hex of UTF-16": lambda v: v.encode("utf-16-le").hex(),
    "hex of UTF-16, the other way round": lambda v: v.encode("utf-16-be").hex(),
    "base64 of UTF-16": lambda v: base64.b64encode(v.encode("utf-16-le")).decode(),
    "bytes in octal": lambda v: " ".join(f"{byte:03o}" for byte in v.encode()),
    "bytes in octal, as in Python": lambda v: " ".join(f"0o{byte:o}" for byte in v.encode()),
    "bytes in columns": lambda v: " ".join(f"{byte:>3}" for byte in v.encode()),
    "bytes added": lambda v: "+".join(map(str, v.encode())),
    "bytes as in SQL": lambda v: "||".join(f"chr({byte})" for byte in v.encode()),
    "letters with commas": ",".join,
    "letters with strokes": "|".join,
    "letters with lines below": "_".join,
    "letters with colons": ":".join,
    "letters with commas and blanks": ", ".join,
    "letters far apart": "  ".join,
    "letters in brackets": lambda v: "".join(f"[{c}]" for c in v),
    "letters in quotes": lambda v: " ".join(f'"{c}"' for c in v),
    "letters as in CSS": lambda v: "".join(f"\\{ord(c):x} " for c in v),
    "letters as in Python": lambda v: "".join(f"\\U{ord(c):08x}" for c in v),
    "letters in HTML, padded": lambda v: "".join(f"&#{ord(c):04};" for c in v),
    "letters without width between": "\u200b".join,
    "letters that may be parted": "\u00ad".join,
    "letters with blanks that may not break": "\u00a0".join,
    "letters with a mark of order": "\ufeff".join,
    "letters with bells": "\x07".join,
    "letters with rubouts": "\x7f".join,
    "letters with new pages": "\x0c".join,
    "a line that is cleared in it": lambda v: f"{v[:8]}\x1b[K{v[8:]}",
    "a cursor that moves in it": lambda v: f"{v[:8]}\x1b[1C\x1b[1D{v[8:]}",
    "a title that is set in it": lambda v: f"{v[:8]}\x1b]0;x\x07{v[8:]}",
    "in an address": lambda v: f"https://{quote(v)}:x@example.com/",
}
NOT_CAUGHT: dict[str, Callable[[str], str]] = {  # decision 2 names them
    "lines with a prefix": lambda v: f"> {v[:9]}\n> {v[9:]}",
    "the lines of a hex dump": lambda v: (
        f"00000000: {v[:8].encode().hex(' ', 2)}  {v[:8]}\n00000008: {v[8:].encode().hex(' ', 2)}  {v[8:]}"
    ),
    "base64 of base64": lambda v: base64.b64encode(base64.b64encode(v.encode())).decode(),
    "base32 beside something": lambda v: base64.b32encode(f"ab{v}".encode()).decode(),
    "two halves": lambda v: f"{v[:9]} and then {v[9:]}",
    "in binary": lambda v: " ".join(f"{byte:08b}" for byte in v.encode()),
    "every second letter": "x".join,
    "every letter twice": lambda v: "".join(letter * 2 for letter in v),
    "letters struck over": lambda v: "".join(f"{letter}\b{letter}" for letter in v),
    "some letters quoted": lambda v: "".join(f"%{ord(c):02x}" if at % 2 else c for at, c in enumerate(v)),
    "full width": lambda v: "".join(chr(ord(letter) + 0xFEE0) for letter in v),
    "turned by another number": lambda v: "".join(chr(33 + (ord(letter) - 33 + 47) % 94) for letter in v),
    "uuencoded": lambda v: binascii.b2a_uu(v.encode()).decode(),
    "base64 backwards": lambda v: base64.b64encode(v.encode()).decode()[::-1],
    "other letters for some": lambda v: v.replace("o", "0"),
    "a dictionary by place": lambda v: str(dict(enumerate(v))),
}


@pytest.mark.parametrize("secret", ["Tr0ub4dor&3-horse", "correct/horse+battery'x"])
@pytest.mark.parametrize("spelling", WRITTEN_OUT)
def test_a_secret_is_hidden_however_it_is_written_out(spelling: str, secret: str) -> None:
    """As programs print what they take for no text, and turned by a plain command."""
    spelled = WRITTEN_OUT[spelling](secret)
    redactor = Redactor({secret})
    assert redactor.finds(f"a {spelled} b")
    assert spelled.strip("'\"[]\\x= ")[:-2] not in redactor(f"a {spelled} b")


def test_a_text_that_is_no_utf_8_keeps_what_it_holds() -> None:
    """A file's name may hold any bytes, and letters of more than one byte stand beside a secret."""
    assert Redactor({SECRET})(f"é\udcff {SECRET} 漢\udcfe") == f"é\udcff {Redactor({SECRET})(SECRET)} 漢\udcfe"


def test_the_longest_of_several_secrets_is_taken() -> None:
    """Where one secret begins another, nothing of the longer one is left."""
    assert Redactor({"Tr0ub4dor", "Tr0ub4dor-and-more"})("x Tr0ub4dor-and-more y").endswith(
        "[redacted secret, 17-32 characters] y"
    )


@pytest.mark.parametrize("spelling", NOT_CAUGHT)
def test_what_is_not_hidden_is_known(spelling: str) -> None:
    """A transformation that somebody writes down on purpose has no end: the decision record says where ours is."""
    secret = "Tr0ub4dor&3-horse"
    assert not Redactor({secret}).finds(NOT_CAUGHT[spelling](secret))
    record = Path(__file__).parents[3] / "docs/decisions/0002-no-secret-in-an-argument-list.md"
    assert spelling in " ".join(record.read_text("utf-8").split())
