"""Whether something answers, looked at from outside: the same on a system that nobody broke on purpose."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx
import psycopg
import redis

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.postgres.address import read_address
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.text.not_held import not_held

__all__ = ["whether_down"]

DEADLINE_S = 5.0
_GUARD = "Guard"  # the reason phrase of an answer that the guard gave because nobody else did
_NOT_YET = ("starting up", "shutting down", "in recovery", "SQLSTATE 57P03")  # the code is what the guard adds


def slot_urls(environment: Mapping[str, str]) -> list[str]:
    """The addresses of the instances, the first one first. Raises NotRunnableHere where none is named."""
    if not (found := [url.rstrip("/") for url in environment["API_SLOTS"].split()]):
        raise NotRunnableHere("API_SLOTS names no instance")
    return found


def answers(url: str, ca_file: str | None = None) -> tuple[bool, str]:
    """Whether an HTTP server answers there, with whatever it says; and what was seen, for the journal."""
    context = ssl.create_default_context(cafile=ca_file) if url.startswith("https:") else ssl.create_default_context()
    context.check_hostname = False  # a bad certificate is another fault: somebody answers
    context.verify_mode = ssl.CERT_NONE
    try:
        found = httpx.get(url, verify=context, timeout=DEADLINE_S, trust_env=False)
    except httpx.TransportError as error:
        return False, f"nobody answers ({type(error).__name__})"
    if found.reason_phrase == _GUARD and found.status_code == httpx.codes.BAD_GATEWAY:
        return False, "nobody answers (told by the guard)"
    return True, f"answers {found.status_code}"


def whether_down(service: str, environment: Mapping[str, str]) -> Observation:
    """Whether `redis`, `postgres`, `nginx`, `api_N`, `third_parties` or `aws` is down.

    Raises NotRunnableHere for an instance, or an address, that the target does not name.
    """
    match service:
        case "redis":
            there, seen = _redis_answers(environment["REDIS_URL"])
        case "postgres":
            there, seen = _postgres_answers(environment["DATABASE_URL"])
        case "nginx":
            there, seen = answers(environment["API_BASE_URL"])
        case "third_parties":
            there, seen = answers(environment["TAP_API_URL"])
        case "aws":
            there, seen = answers(environment["AWS_ENDPOINT_URL"])
        case _:
            there, seen = answers(_slot(service, environment) + "/api/version")
    return Observation(not there, f"{service} {seen}")


def _slot(service: str, environment: Mapping[str, str]) -> str:
    number, known = int(service.removeprefix("api_")), slot_urls(environment)
    if number > len(known):
        raise NotRunnableHere(f"API_SLOTS names {len(known)} instances: there is no instance {number}")
    return known[number - 1]


def _redis_answers(url: str) -> tuple[bool, str]:
    client = redis.Redis.from_url(url, protocol=2, socket_timeout=DEADLINE_S, socket_connect_timeout=DEADLINE_S)
    try:
        client.ping()
    except redis.AuthenticationError as error:
        return True, f"answers, and refuses the password ({error})"
    except redis.ResponseError as error:
        return "cannot reach" not in str(error).lower(), f"says {error}"
    except redis.ConnectionError as error:
        full = "max number of clients" in str(error).lower()
        return full, f"says {error}" if full else f"does not answer ({type(error).__name__})"
    except redis.RedisError as error:
        return False, f"does not answer ({type(error).__name__})"
    finally:
        client.close()
    return True, "answers"


def _postgres_answers(url: str) -> tuple[bool, str]:
    try:
        psycopg.connect(read_address(url).conninfo(), connect_timeout=int(DEADLINE_S)).close()
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[-1] if str(error).strip() else "no message"
        if why := not_held(said):
            raise NotRunnableHere(f"whether postgres is down cannot be seen: it is reached by {why}") from error
        refused = "FATAL" in said and not any(words in said for words in (*_NOT_YET, "guard"))
        return refused, f"says {said}" if refused else f"does not answer: {said}"
    return True, "answers"
