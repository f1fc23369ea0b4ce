"""What an answer shows: words of an output, and how many bytes an answer of the API takes on the wire."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl
from runbook_steps.faults.compression_off import PATH, CompressionOff

DEADLINE_S = 20.0


def wire_bytes(api: httpx.Client, path: str, encoding: str) -> int:
    """How long the body of an answer is as it comes over the wire."""
    with api.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        return sum(len(chunk) for chunk in answer.iter_raw())


@given("nginx does not compress responses")
def does_not_compress(
    control: ServiceControl,
    api: httpx.Client,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(CompressionOff(control, Path(environment()["NGINX_CONF"]), api)).detail)


@then(parsers.re(r'it shows (?P<words>"[^"]+"(?:(?:, | and )"[^"]+")*)'))
def shows(words: str, last_result: Result) -> None:
    wanted = re.findall(r'"([^"]+)"', words)
    missing = [word for word in wanted if word not in last_result.stdout]
    assert not missing, f"its output lacks {', '.join(missing)}"


@then(parsers.parse("the second number is less than {percent:d} % of the first"))
def second_is_less(last_result: Result, percent: int, note: Callable[[str], None]) -> None:
    first, second = (int(line.split()[-1]) for line in last_result.stdout.splitlines())
    assert second > 0, "nothing was answered: nothing to compare"
    told = f"{second} of {first} bytes: {100 * second / first:.0f} %"
    note(told)
    if second >= first * percent / 100:
        raise CheckFailed(f"{told}, and it should be less than {percent} %")


@then("both numbers are the same")
def both_the_same(last_result: Result) -> None:
    first, second = (int(line.split()[-1]) for line in last_result.stdout.splitlines())
    assert first == second


@then(parsers.parse("a compressed list takes less than {percent:d} % of the bytes"))
def compressed_is_smaller(api: httpx.Client, percent: int) -> None:
    plain = wire_bytes(api, PATH, "identity")
    end = time.monotonic() + DEADLINE_S  # the old worker of a reloaded nginx may end its connections first
    while wire_bytes(api, PATH, "gzip") >= plain * percent / 100:
        assert time.monotonic() < end, "answers are not compressed"


@then("a list of 5 takes fewer bytes than one of 100")
def short_list_is_smaller(api: httpx.Client) -> None:
    short, long = (wire_bytes(api, f"/api/services?limit={limit}", "gzip") for limit in (5, 100))
    assert short < long
