"""What the services of AWS can be asked, from botocore's own models: each operation with its method, path and query.

The models are those that AWS publishes and that its clients are made of; they are read when a service is first used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import botocore.session

__all__ = ["KNOWN", "Service", "service_of"]

KNOWN: Mapping[str, tuple[str, ...]] = {
    "s3": ("s3",),
    "elasticloadbalancing": ("elb", "elbv2"),
    "monitoring": ("cloudwatch",),
    "ec2": ("ec2",),
    "sts": ("sts",),
    "logs": ("logs",),
    "autoscaling": ("autoscaling",),
    "rds": ("rds", "neptune", "docdb"),
}
"""The services whose addresses are known here, by the name that a request is signed for, with their models."""


@dataclass(frozen=True)
class Operation:
    """One operation of a REST service: `fixed` are the parts of the query that make it this one."""

    name: str
    method: str
    path: re.Pattern[str]
    fixed: Mapping[str, str]
    optional: frozenset[str]
    required: frozenset[str]
    required_headers: frozenset[str]

    def matches(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Whether the service could take that request for this operation. `path` is as it is sent."""
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(query.get(name) == value for name, value in self.fixed.items())
            and set(query) <= {*self.fixed, *self.optional, "x-id"}
            and query.get("x-id", self.name) == self.name
            and set(query) >= self.required
            and set(headers) >= self.required_headers
        )


@dataclass(frozen=True)
class Service:
    """A service by its signing name. `actions` are its operations by API version, `targets` what names it in a header.

    `rest` is empty for a service whose requests all go to one path, and the other way round.
    """

    name: str
    protocols: frozenset[str]
    actions: Mapping[str, frozenset[str]]
    targets: Mapping[str, frozenset[str]]
    rest: tuple[Operation, ...]


@lru_cache
def service_of(signing_name: str) -> Service:
    """Raises LookupError for a service that is not known here."""
    loader = botocore.session.Session().get_component("data_loader")
    models: list[dict[str, Any]] = [loader.load_service_model(name, "service-2") for name in KNOWN[signing_name]]
    actions: dict[str, frozenset[str]] = {}
    targets: dict[str, frozenset[str]] = {}
    protocols: set[str] = set()
    rest: list[Operation] = []
    for model in models:
        about, names = model["metadata"], frozenset(model["operations"])
        protocols |= set(about.get("protocols") or [about["protocol"]])
        if about["protocol"].startswith("rest-"):
            rest += [_operation(name, each, model["shapes"]) for name, each in model["operations"].items()]
            continue
        actions[about["apiVersion"]] = actions.get(about["apiVersion"], frozenset()) | names
        if prefix := about.get("targetPrefix"):
            targets[prefix] = names
    return Service(signing_name, frozenset(protocols), actions, targets, tuple(rest))


def _operation(name: str, said: Mapping[str, Any], shapes: Mapping[str, Any]) -> Operation:
    path, _, query = said["http"]["requestUri"].partition("?")
    fixed = {key: value for key, _, value in (part.partition("=") for part in query.split("&") if part)}
    shape = shapes[said["input"]["shape"]] if "input" in said else {}
    members: Mapping[str, Any] = shape.get("members", {})
    needed = set(shape.get("required", ()))
    places = {
        where: {key: each["locationName"] for key, each in members.items() if each.get("location") == where}
        for where in ("querystring", "header")
    }
    return Operation(
        name,
        said["http"]["method"],
        _template(path),
        fixed,
        frozenset(places["querystring"].values()),
        frozenset(place for key, place in places["querystring"].items() if key in needed),
        frozenset(place.lower() for key, place in places["header"].items() if key in needed),
    )


def _template(path: str) -> re.Pattern[str]:
    """`/{Bucket}/{Key+}`: a name is one part of the path, with `+` it may hold slashes."""
    parts = re.split(r"(\{[^}]+\})", path)
    expressions = (
        re.escape(part) if not part.startswith("{") else (r".+" if part.endswith("+}") else r"[^/]+") for part in parts
    )
    return re.compile("".join(expressions))
