"""What was pasted → the message in it: without moments, addresses, frames of a trace and the fields of a record. Pure.

The patterns go into the index, and `worker.js` reads the same: their syntax is that of both languages, and ASCII is
meant. What a frame keeps is its package: `ioredis` says something, its line does not.
"""

from __future__ import annotations

import re

__all__ = ["ASIDE", "LONGEST_QUESTION", "said_in"]

LONGEST_QUESTION = 4000
"""Characters of a question that are read: a message stands at the beginning of what is pasted."""
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WITH_VALUE = (
    "level|time|timestamp|ts|pid|hostname|host|name|v|reqId|requestId|request_id|traceId|trace_id|spanId|method|"
    "remoteAddress|remotePort|responseTime|stream|userAgent|user-agent"
)
_NAME_ONLY = (
    "req|request|res|response|err|error|type|statusCode|message|msg|log|stack|severity|headers|command|args|url"
)
_PACKAGE = r"(?:[^\s()]*/node_modules/((?:@[\w.-]+/)?[\w.-]+))?"
_FRAMES = (
    rf"\bat (?:[\w$.<>\[\] ]{{1,80}} )?\(?(?:node:|file:|/|[A-Z]:/){_PACKAGE}[^\s()]*:\d+:\d+\)?",  # Node
    r'File "[^"]{0,200}", line \d+, in \S+',  # Python
)
_MOMENTS = (
    r"\b\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z| ?UTC| ?[+-]\d\d:?\d\d)?",  # ISO 8601, nginx
    rf"\b\d\d/{_MONTH}/\d{{4}}:\d\d:\d\d:\d\d [+-]\d{{4}}",  # the access log
    rf"\b{_MONTH} [ \d]\d \d\d:\d\d:\d\d|\b\d\d {_MONTH} \d{{4}} \d\d:\d\d:\d\d(?:[.]\d+)?",  # syslog, Redis
)
_MADE_BY_CHANCE = (
    r"\b\d{1,3}(?:[.]\d{1,3}){3}\b",
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b",
)
_FIELDS = (
    # what Node prints of an error of node-postgres: its place in the source of PostgreSQL, and what is not there
    r"\b(?:file|line|routine|length): (?:'[^']*'|\d+)|\b\w+: (?:undefined|null)\b",
    # the records of pino, winston, bunyan and Docker
    rf'"(?:{_WITH_VALUE})": ?(?:"[^"]*"|\d+|null|true|false)',
    rf'"(?:{_NAME_ONLY})":',
)
ASIDE = (*_FRAMES, *_MOMENTS, *_MADE_BY_CHANCE, *_FIELDS)
"""What stands around a message in a log or a trace and says nothing of it."""
_AROUND = re.compile("|".join(ASIDE), re.ASCII)


def said_in(question: str) -> str:
    """The message; a question of nothing else is left as it is."""
    begun = question[:LONGEST_QUESTION]
    left = _AROUND.sub(lambda found: f" {found[1] or ''} ", begun)
    return left if left.strip() else begun
