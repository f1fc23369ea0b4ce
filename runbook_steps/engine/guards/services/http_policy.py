"""Which requests to the application a risk permits. Pure.

By method, because what a route does is the application's own affair. A method is only believed when nothing else in
the request says another: frameworks take one from a header or from the query.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from runbook_steps.engine.guards.services.http_message import METHODS, READING_METHODS, RequestHead
from runbook_steps.engine.guards.services.looks import Look
from runbook_steps.engine.model import Risk

__all__ = ["APPLICATION", "Policy", "refused_http"]

_PREFLIGHT = "access-control-request-method"  # a question about another request
_OVERRIDE_FIELD = re.compile(
    r"_(http_?)?(method|verb)(_?override)?|x[-_]http[-_](method|verb)([-_]override)?", re.IGNORECASE
)
_SPEAKS_OF_METHODS = re.compile(r"method|verb|override", re.IGNORECASE)
_MORE_METHODS = frozenset({"PURGE", "MERGE", "MKCOL", "PROPPATCH"})  # not LINK or COPY: a method of payment may be one


@dataclass(frozen=True)
class Policy:
    """What judges the requests of one protocol.

    `refused` names the request that goes beyond the risk, None when it may pass; it raises Unreadable when it cannot
    tell. It gets the body where `needs_body` says so, and `written` makes of that body what is sent. What `as_new`
    names is sent with `If-None-Match: *`: the server itself keeps what is there (RFC 9110, 13.1.2). `looked` is what
    has to be seen on the server before a request is sent that `refused` lets pass.
    """

    refused: Callable[[RequestHead, bytes, Risk], str | None]
    needs_body: Callable[[RequestHead], bool] = lambda _: False
    written: Callable[[RequestHead, bytes], bytes] = lambda _, body: body
    as_new: Callable[[RequestHead, Risk], bool] = lambda *_: False
    looked: Callable[[RequestHead, bytes, Risk], Look | None] = lambda *_: None


def refused_http(head: RequestHead, body: bytes, risk: Risk) -> str | None:
    """The request that goes beyond the risk, `DELETE /things/7`; None when it may pass."""
    del body
    if risk is not Risk.READONLY:
        return None
    methods = [head.method, *_overrides(head)]
    changing = next((method for method in methods if method not in READING_METHODS), None)
    if changing is not None:
        return f"{changing} {head.path}"
    return f"{head.method} {head.path} with a body" if head.has_body else None


def _overrides(head: RequestHead) -> list[str]:
    """The methods that a framework may take instead: any of them, because which one it would cannot be known.

    Every header whose name speaks of a method, but for the one of a preflight; a field of the query, of the path or of
    a cookie as well, when it has one of the known names, or names a method that changes something.
    """
    said = [value for name, value in head.headers.items() if _SPEAKS_OF_METHODS.search(name) and name != _PREFLIGHT]
    fields = [*re.split("[&;]", head.query), *head.path.split(";")[1:], *head.headers.get("cookie", "").split(";")]
    for part in fields:
        name, _, value = (unquote_plus(each).strip() for each in part.partition("="))
        changes = value.upper() in (METHODS | _MORE_METHODS) - READING_METHODS
        if (_SPEAKS_OF_METHODS.search(name) and changes) or _OVERRIDE_FIELD.fullmatch(name.rstrip("[]")):
            said.append(value)
    return [word.strip().upper() for each in said for word in each.split(",")]


APPLICATION = Policy(refused_http)
