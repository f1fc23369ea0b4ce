"""The stand-ins behave like the tools that they stand in for, where a runbook can tell."""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.tls import write_certificates
from tests.contract.conftest import Shell

SHIMS = "runbook_steps.stand_in.embedded.shims"
REDIS = 'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT"'
Program = Callable[[str], str]


@pytest.fixture(params=["stand-in", "real"])
def curl(request: pytest.FixtureRequest) -> str:
    """The command, once as ours, once as the machine's: the same tests hold for both."""
    if request.param == "stand-in":
        return f"{shlex.quote(sys.executable)} -m {SHIMS}.curl"
    if not shutil.which("curl"):
        pytest.skip("not runnable here: this machine has no curl to compare with")
    return str(shutil.which("curl"))


@pytest.fixture
def slow_port() -> Iterator[int]:
    """Takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def foreign_ca(tmp_path: Path) -> Path:
    """An authority that has signed nothing here."""
    write_certificates(tmp_path / "foreign")
    return tmp_path / "foreign" / "ca.pem"


@pytest.fixture
def variables(slow_port: int, foreign_ca: Path) -> dict[str, str]:
    """What the commands below use beside the target's own."""
    return {"SLOW_PORT": str(slow_port), "OTHER_CA": str(foreign_ca)}


@pytest.mark.parametrize(
    ("arguments", "code", "stdout"),
    [
        ("-fsS -o /dev/null -w '%{http_code}\\n' $API_BASE_URL/api/health", 0, "200\n"),
        ("-s -o /dev/null -w '%{http_code}' $API_BASE_URL/api/no-such-path", 0, "404"),
        ("-fsS $API_BASE_URL/api/no-such-path", 22, ""),
        ("--fail-with-body -sS -o /dev/null $API_BASE_URL/api/no-such-path", 22, ""),
        ("-sS http://127.0.0.1:1/", 7, ""),
        ("-sS http://no-such-host.invalid/", 6, ""),
        ("-sS -m 1 http://127.0.0.1:$SLOW_PORT/", 28, ""),
        ("-sS --cacert $OTHER_CA $API_BASE_URL/api/health", 60, ""),
        ("-ksS -o /dev/null -w '%{http_code}' --cacert $OTHER_CA $API_BASE_URL/api/health", 0, "200"),
        ("-sS -o /dev/null -w '%{http_code}' -X DELETE $API_BASE_URL/api/version", 0, "405"),
        ("-sS -o /dev/null -w '%{http_code}' --json '{\"phone\":\"x\"}' $API_BASE_URL/api/auth/logout", 0, "401"),
        ("-sS -o /dev/null -w '%{http_code}' -d @body.json $API_BASE_URL/api/auth/logout", 0, "401"),
        ("-sSI -o /dev/null -w '%{http_code}' http://127.0.0.1:1 || true", 0, "000"),
        ("-fsS --retry 1 --retry-delay 1 --retry-connrefused http://127.0.0.1:1/", 7, ""),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("whole")
def test_curl_ends_as_curl_does(
    *,
    shell: Shell,
    curl: str,
    arguments: str,
    code: int,
    stdout: str,
    variables: dict[str, str],
) -> None:
    """Exit codes and what is written out are curl's."""
    line = f"echo '{{}}' > body.json; {curl} {arguments}"

    done = shell(line, **variables)

    assert (done.returncode, done.stdout) == (code, stdout), done.stderr


@pytest.mark.usefixtures("whole")
def test_curl_shows_heads_and_times(shell: Shell, curl: str) -> None:
    """-i, -D and time_total: what a page looks at."""
    done = shell(f"{curl} -sS -i -D head.txt -w '\\n%{{time_total}}' $API_BASE_URL/api/version; cat head.txt")

    assert done.stdout.count("x-content-type-options: nosniff") == 2
    assert float(done.stdout.split('"}')[1].split("\n")[1].split("HTTP")[0]) > 0


def test_curl_is_silent_only_when_asked(shell: Shell, curl: str) -> None:
    """-s hides the error, -S shows it again."""
    assert shell(f"{curl} -s http://127.0.0.1:1/").stderr == ""
    assert "curl: (7)" in shell(f"{curl} -sS http://127.0.0.1:1/").stderr


@pytest.fixture
def redis_cli(embedded: EmbeddedTarget) -> Program:
    """The stand-in, whatever the machine has."""
    embedded.start({"redis"})
    words = f"{shlex.quote(sys.executable)} -m {SHIMS}.redis_cli"
    return lambda line: line.replace("redis-cli", words, 1)


def test_redis_cli_prints_raw_replies(shell: Shell, redis_cli: Program) -> None:
    """To a pipe: values as they are, nil as an empty line, one element a line, errors with exit code 0."""

    def say(line: str) -> str:
        return shell(redis_cli(f"{REDIS} {line}")).stdout

    assert say("ping") == "PONG\n"
    assert say("set shim:a 'two words'") == "OK\n"
    assert say("get shim:a") == "two words\n"
    assert say("get shim:none") == "\n"
    assert say("rpush shim:list x y z") == "3\n"
    assert say("lrange shim:list 0 -1") == "x\ny\nz\n"
    assert say("--no-raw lrange shim:list 0 1") == '1) "x"\n2) "y"\n'
    assert say("--no-raw get shim:none") == "(nil)\n"
    assert "maxmemory-policy\nnoeviction\n" in say("config get maxmemory-policy")
    assert "used_memory:" in say("info memory")
    assert say("no-such-command").startswith("ERR unknown command")
    assert set(say("--scan --pattern 'shim:*'").split()) == {"shim:a", "shim:list"}
    assert "Biggest string found" in say("--bigkeys")
    assert int(say("memory usage shim:a")) > 0
    assert say("del shim:a shim:list") == "2\n"


def test_redis_cli_reads_standard_input(shell: Shell, redis_cli: Program) -> None:
    """-x takes the last argument from it; without a command it holds one a line."""
    shell(redis_cli(f"{REDIS} -x set shim:x"), stdin="from a file")

    assert shell(redis_cli(REDIS), stdin="get shim:x\ndel shim:x\n").stdout == "from a file\n1\n"


def test_redis_cli_fails_as_redis_cli_does(shell: Shell, redis_cli: Program) -> None:
    """No server: 1. An error reply: 0, with -e 1. A wrong password: told on standard error."""
    refused = shell(redis_cli("redis-cli -p 1 ping"))
    wrong = shell(redis_cli(f"{REDIS} ping"), REDISCLI_AUTH="wrong")

    assert (refused.returncode, refused.stderr) == (
        1,
        "Could not connect to Redis at 127.0.0.1:1: Connection refused\n",
    )
    assert shell(redis_cli(f"{REDIS} -e nosuch")).returncode == 1
    assert shell(redis_cli(f"{REDIS} nosuch")).returncode == 0
    assert wrong.stderr.startswith("AUTH failed: WRONGPASS")
    assert wrong.stdout.startswith("NOAUTH")


def test_docker_compose_acts_on_the_services(whole: EmbeddedTarget, shell: Shell) -> None:
    """restart, stop, start, scale, ps and logs, with compose's names."""
    before = whole.control.pid("redis")

    assert shell("docker compose restart redis").returncode == 0
    assert whole.control.pid("redis") not in (None, before)
    assert shell("docker compose up -d --scale api=3").returncode == 0
    rows = [json.loads(line) for line in shell("docker compose ps api --format json").stdout.splitlines()]
    assert [row["Name"] for row in rows] == ["beautycort-api-1", "beautycort-api-2", "beautycort-api-3"]
    assert shell("docker compose ps -a -q api | wc -l").stdout.strip() == "3"
    assert shell("docker compose up -d --no-deps api").returncode == 0
    assert shell("docker compose ps -a -q api | wc -l").stdout.strip() == "2", "compose forgets what was scaled before"
    assert shell("docker compose -f compose.yml up -d --scale api=2").returncode == 0
    assert shell("docker compose stop api && docker compose ps api --format json").stdout == ""
    assert shell("docker compose start api").returncode == 0
    assert shell('curl -fsS "$API_BASE_URL/api/health"').returncode == 0
    assert "Ready to accept connections" in shell("docker compose logs --tail 5 redis").stdout


def test_a_container_keeps_the_settings_that_it_was_created_with(whole: EmbeddedTarget, shell: Shell) -> None:
    """`restart` and `--no-recreate` change nothing; `up -d` creates anew what differs, or all when forced."""
    file = whole.layout.api_env_file
    before = file.read_text("utf-8")
    ask = "docker compose exec -T --index {} api printenv JWT_EXPIRES_IN"

    def told() -> list[str]:
        return [shell(ask.format(number)).stdout.strip() for number in (1, 2)]

    def process() -> tuple[int | None, int | None]:
        return whole.control.pid("api_1"), whole.control.pid("api_2")

    try:
        file.write_text(before + "JWT_EXPIRES_IN=5m\n", "utf-8")
        assert shell("docker restart beautycort-api-1 && docker compose restart api").returncode == 0
        assert shell("docker compose up -d --no-deps --no-recreate --scale api=2 api").returncode == 0
        assert told() == ["15m", "15m"]
        assert shell("docker compose up -d --no-deps --no-recreate --scale api=1 api").returncode == 0
        assert shell("docker compose up -d --no-deps --no-recreate --scale api=2 api").returncode == 0
        assert told() == ["15m", "5m"]
        second = process()[1]
        assert shell("docker compose up -d --no-deps api").returncode == 0
        assert (told(), process()[1]) == (["5m", "5m"], second)
        assert shell("docker compose up -d --no-deps --force-recreate api").returncode == 0
        assert process()[1] != second
        assert shell("docker compose ps -q api | wc -l").stdout.strip() == "2"
    finally:
        file.write_text(before, "utf-8")
        shell("docker compose up -d --no-deps api")
    assert told() == ["15m", "15m"]


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("docker ps", 1, "only `docker compose"),
        ("docker compose restart mongodb", 1, "no such service: mongodb"),
        ("docker compose up -d --scale redis=2", 1, "only `--scale api=N`"),
        ("docker compose up -d --scale api=9", 1, "1 to 6 API slots"),
        ("systemctl restart mongodb", 4, "Unit mongodb could not be found"),
        ("systemctl frobnicate nginx", 1, "use status|is-active"),
    ],
)
def test_what_a_stand_in_cannot_do_is_told(
    embedded: EmbeddedTarget, shell: Shell, line: str, code: int, text: str
) -> None:
    """Never a success that did nothing."""
    embedded.start({"redis"})

    done = shell(line)

    assert (done.returncode, text in done.stderr) == (code, True), done.stderr


def test_systemctl_acts_on_the_proxy(whole: EmbeddedTarget, shell: Shell) -> None:
    """Status is 0 when it runs and 3 when not; stop, start, reload do what they say."""
    assert shell("systemctl status nginx").returncode == 0
    assert shell("systemctl reload nginx").returncode == 0
    assert shell("systemctl stop nginx").returncode == 0
    assert whole.control.pid("nginx") is None
    assert (shell("systemctl is-active nginx").stdout, shell("systemctl status nginx").returncode) == (
        "inactive\n",
        3,
    )
    assert shell("systemctl start nginx && systemctl is-active nginx.service").stdout == "active\n"
