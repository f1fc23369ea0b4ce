"""Whether a command is known to only read. Pure; what is not known may change something."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from runbook_steps.engine.model import Command

__all__ = ["only_reads"]

_FILTERS = frozenset({"tail", "head", "grep", "cut", "tr", "wc", "cat", "ls", "jq", "echo", "true", "df", "du", "free",
                      "uptime"})  # fmt: skip
_REDIS = frozenset({"ping", "info", "get", "ttl", "type", "dbsize", "scan", "exists", "strlen"})
_REDIS_PAIRS = frozenset({("config", "get"), ("slowlog", "get"), ("slowlog", "len"), ("memory", "usage"),
                          ("memory", "stats"), ("memory", "doctor")})  # fmt: skip
_REDIS_SWITCHES = frozenset({"-e", "--raw", "--no-raw", "--json", "--no-auth-warning", "--scan", "--tls"})
_REDIS_VALUES = frozenset({"-h", "-p", "-n", "-a", "-u", "--user", "--pass", "--pattern", "--count", "--cacert"})
_KNOWN = frozenset({"count", "now", "left", "round", "max", "min", "sum", "avg", "coalesce", "current_setting", "in",
                    "pg_size_pretty", "pg_relation_size", "pg_total_relation_size", "pg_blocking_pids", "unnest", "by",
                    "json_build_object", "cardinality", "regexp_replace", "nullif", "greatest", "pg_get_indexdef",
                    "to_regclass", "string_agg", "pg_get_expr", "extract", "age", "mxid_age", "exists",
                    "pg_backend_pid", "current_database", "values", "any", "all", "filter", "over", "and", "or", "not",
                    "where", "on", "pg_database_size", "numeric", "interval", "as", "from", "join", "select", "lower",
                    "upper", "pg_wal_lsn_diff", "pg_current_wal_lsn", "pg_is_in_recovery", "case", "when",
                    "then"})  # fmt: skip
_STARTS = re.compile(r"(?:select|show|table|explain\s+select)\b", re.IGNORECASE)
_ACTS = re.compile(r"\b(?:into|insert|update|delete|merge|share|analyze)\b", re.IGNORECASE)
_CALL = re.compile(r"(?P<before>[\w\".]*?)(?P<name>\w+|\")\s*\(")
_HEAD = re.compile(r"\s*(?:--[^'\"]*|\\getenv \w+ \w+|\\set \w+ \w+)")  # a line that says nothing to the database
_SHELL_ACTS = re.compile(r"[`><]|\$\(|\$\{[^}]*@|(?<!&)&(?!&)|\b(?:eval|xargs)\b")
_PSQL = re.compile(
    r"(?:PG(?:USER|PASSWORD)=\"\$\{\w+:[-?](?:\$\w+)?\}\" )*psql(?: -[XAtq]+| -v ON_ERROR_STOP=1| \"\$\{\w+:\?\}\")*"
    r" <<'(?P<end>\w+)'\n(?P<sql>.*)\n(?P=end)",
    re.DOTALL,
)
_UNTIL = re.compile(r"timeout \d+ bash -c 'until (?P<asked>[^';]+); do sleep \d+; done'")
_AWS = re.compile(r"(?:describe|list|get)-|(?:wait|ls)$")


def only_reads(command: Command, readers: Iterable[str] = ()) -> bool:
    """True for SELECT and SHOW without a function that acts, and for commands whose every program only reads.

    `readers` are the project's own commands that do, by their first words: `library loans list`.
    """
    text = command.text.strip()
    if command.media_type == "sql":
        return _sql_reads(text)
    if command.media_type == "bash" and (fed := _PSQL.fullmatch(text)) and fed["end"] not in fed["sql"].splitlines():
        return _sql_reads(fed["sql"])
    if command.media_type == "bash" and (waits := _UNTIL.fullmatch(text)):
        return only_reads(replace(command, text=waits["asked"]), readers)
    if command.media_type != "bash" or _SHELL_ACTS.search(text):
        return False
    own = [tuple(reader.split()) for reader in readers]
    parts = [part for part in re.split(r"\|\||&&|[|;\n]", text.replace("\\\n", " ")) if part.strip()]
    return bool(parts) and all(_program_reads(part, own) for part in parts)


def _sql_reads(text: str) -> bool:
    told = "\n".join(line for line in text.splitlines() if not _HEAD.fullmatch(line))
    if "\\" in told:  # a word to psql, which may run a program
        return False
    statements = [each.strip() for each in told.split(";") if each.strip()]
    return bool(statements) and all(map(_statement_reads, statements))


def _statement_reads(statement: str) -> bool:
    if not _STARTS.match(statement) or _ACTS.search(statement):
        return False
    return all(_is_known(found["before"], found["name"]) for found in _CALL.finditer(statement))


def _is_known(before: str, name: str) -> bool:
    """A function of somebody's own may do anything, and one with a schema or in quotes may be of somebody's own."""
    return before in {"", "pg_catalog."} and name.lower() in _KNOWN


def _program_reads(part: str, own: Sequence[tuple[str, ...]]) -> bool:
    try:
        words = shlex.split(part)
    except ValueError:
        return False
    if not words:
        return False
    program, rest = words[0], words[1:]
    if any(tuple(words[: len(reader)]) == reader for reader in own):
        return True
    return _PROGRAMS[program](rest) if program in _PROGRAMS else program in _FILTERS


def _redis_reads(words: Sequence[str]) -> bool:
    said: list[str] = []
    left = list(words)
    scans = "--scan" in words
    while left:
        word = left.pop(0)
        if not said and word in _REDIS_VALUES and left:
            left.pop(0)
        elif word.startswith("-") and not said and word not in _REDIS_SWITCHES:
            return False
        elif said or not word.startswith("-"):
            said.append(word.lower())
    if not said:
        return scans
    return said[0] in _REDIS or tuple(said[:2]) in _REDIS_PAIRS


def _aws_reads(words: Sequence[str]) -> bool:
    return len(words) > 1 and not words[0].startswith("-") and bool(_AWS.match(words[1]))


def _sort_reads(words: Sequence[str]) -> bool:
    return not any(word.startswith("--output") or re.match(r"-\w*o", word) for word in words)


def _curl_reads(words: Sequence[str]) -> bool:
    """Asks without a body, and writes nowhere."""
    left = list(words)
    while left:
        word = left.pop(0)
        if word in _CURL_VALUES and left:
            left.pop(0)
        elif word.startswith("-") and word not in _CURL_SWITCHES and not re.fullmatch(r"-[sSfiILkv]+", word):
            return False
    return True


def _first_words(*readers: str) -> Callable[[Sequence[str]], bool]:
    """A program whose first words say what it does; an option before them may be anything's."""
    known = [tuple(reader.split()) for reader in readers]
    return lambda words: any(tuple(words[: len(reader)]) == reader for reader in known)


def _systemctl_reads(words: Sequence[str]) -> bool:
    quiet = {"--no-pager", "--quiet", "-q"}
    said = [word for word in words if word not in quiet]
    return said[:1] in (["status"], ["is-active"], ["is-enabled"], ["list-units"], ["show"])


_CURL_SWITCHES = frozenset({"--fail", "--fail-with-body", "--silent", "--show-error", "--include", "--head",
                            "--location", "--insecure", "--compressed", "--http1.1"})  # fmt: skip
_CURL_VALUES = frozenset({"--max-time", "-m", "--connect-timeout", "-H", "--header", "--cacert", "-w", "--write-out",
                          "--resolve"})  # fmt: skip
_PROGRAMS: Mapping[str, Callable[[Sequence[str]], bool]] = {
    "aws": _aws_reads,
    "curl": _curl_reads,
    "docker": _first_words("ps", "logs", "inspect", "images", "compose ps", "compose logs"),
    "kubectl": _first_words("get", "describe", "logs", "top", "rollout status", "rollout history"),
    "nginx": lambda words: list(words) == ["-t"],
    "redis-cli": _redis_reads,
    "sort": _sort_reads,
    "systemctl": _systemctl_reads,
    "uniq": lambda words: all(word.startswith("-") for word in words),  # its second file is written
}
