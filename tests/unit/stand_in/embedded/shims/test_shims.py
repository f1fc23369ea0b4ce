"""Command lines and replies of the stand-ins, without a server."""

from __future__ import annotations

import socket
import subprocess
import threading

import pytest

from runbook_steps.stand_in.embedded.command import as_dotenv, as_shell
from runbook_steps.stand_in.embedded.shims import redis_format
from runbook_steps.stand_in.embedded.shims.curl_options import CurlError, Options, read_options
from runbook_steps.stand_in.embedded.shims.redis_cli import UsageError
from runbook_steps.stand_in.embedded.shims.redis_cli import read_options as read_redis_options
from runbook_steps.stand_in.embedded.shims.resp import ErrorReply, Resp


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-fsS http://a", Options(urls=["http://a"], fail=True, silent=True, show_error=True)),
        ("-sSofile http://a", Options(urls=["http://a"], silent=True, show_error=True, output="file")),
        ("-so file http://a", Options(urls=["http://a"], silent=True, output="file")),
        ("-XPOST -d a=1 -d b=2 http://a", Options(urls=["http://a"], method="POST", data=[b"a=1", b"b=2"])),
        ("-m 5 --connect-timeout 2 --url http://a", Options(["http://a"], max_time="5", connect_timeout="2")),
        ("-H x:1 -H y:2 http://a http://b", Options(urls=["http://a", "http://b"], headers=["x:1", "y:2"])),
        ("-G --data-urlencode q=a&b http://a", Options(urls=["http://a"], get=True, data=[b"q=a%26b"])),
        ("--json {} http://a", Options(urls=["http://a"], json=True, data=[b"{}"])),
        ("--data-raw @x http://a", Options(urls=["http://a"], data=[b"@x"])),
    ],
)
def test_curls_options_are_read_as_curl_reads_them(line: str, expected: Options) -> None:
    """Short ones may stand together, the last with its value."""
    assert expected == read_options(line.split())


@pytest.mark.parametrize(
    ("line", "code"), [("--frobnicate http://a", 2), ("-fsS", 2), ("http://a -o", 2), ("-d @none http://a", 26)]
)
def test_what_curl_cannot_read_has_curls_code(line: str, code: int) -> None:
    """A stand-in that ignored an option would prove something else."""
    with pytest.raises(CurlError) as caught:
        read_options(line.split())

    assert code == caught.value.code


def test_redis_options_end_at_the_command() -> None:
    """What looks like an option behind it belongs to the command."""
    options = read_redis_options(["-h", "a", "-p", "1", "-n", "2", "set", "-h", "x"], "secret")

    assert (
        options.host,
        options.port,
        options.database,
        options.password,
        options.command,
    ) == ("a", "1", "2", "secret", ("set", "-h", "x"))
    assert read_redis_options(["-u", "redis://:p%40ss@h:7/3", "ping"]).password == "p@ss"
    with pytest.raises(UsageError, match="--frobnicate"):
        read_redis_options(["--frobnicate"])


@pytest.mark.parametrize(
    ("reply", "raw", "formatted"),
    [
        (None, b"", b"(nil)"),
        (3, b"3", b"(integer) 3"),
        (b'a "b"\n\xff', b'a "b"\n\xff', b'"a \\"b\\"\\n\\xff"'),
        ([b"x", 1, None], b"x\n1\n", b'1) "x"\n2) (integer) 1\n3) (nil)'),
        ([], b"", b"(empty array)"),
        ([b"x", [b"y", b"z"]], b"x\ny\nz", b'1) "x"\n2) 1) "y"\n   2) "z"'),
        (ErrorReply("ERR no"), b"ERR no\n", b"(error) ERR no"),
    ],
)
def test_replies_look_as_redis_cli_writes_them(reply: object, raw: bytes, formatted: bytes) -> None:
    """To a pipe, and to a terminal."""
    assert (raw, formatted) == (redis_format.raw(reply), redis_format.formatted(reply))


def test_the_protocol_is_read_whole() -> None:
    """Bulk strings with line ends in them, nested lists, nil, errors with their exact words."""
    answer = b"*4\r\n$4\r\na\r\nb\r\n:-1\r\n$-1\r\n*1\r\n-OOM command not allowed\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        client = Resp("127.0.0.1", server.getsockname()[1], 5.0)
        try:
            reply = client.ask("ping")
            thread.join()
            with pytest.raises(OSError, match=r"closed|reset|Broken pipe"):
                client.ask("ping")
        finally:
            client.close()

    assert reply == [b"a\r\nb", -1, None, ["OOM command not allowed"]]
    assert isinstance(reply[3][0], ErrorReply)


ODD = {"A": "it's", "B": 'a "b" $HOME `id` \\', "C": "", "D": "two\nlines"}


def test_exports_are_safe_to_evaluate() -> None:
    """Whatever the values hold, the shell gets the same."""
    line = f'{as_shell(ODD)}\nprintf "%s|" "$A" "$B" "$C" "$D"'
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True)

    assert "|".join(ODD.values()) + "|" == done.stdout


def test_dotenv_is_one_line_a_variable() -> None:
    """With what is special in double quotes escaped."""
    assert 'B="a \\"b\\" \\$HOME \\`id\\` \\\\"' in as_dotenv(ODD).splitlines()
    assert len(as_dotenv(ODD).splitlines()) == len(ODD)
