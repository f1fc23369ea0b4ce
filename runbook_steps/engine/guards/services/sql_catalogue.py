"""What a database itself says of the names that SQL uses: functions, views, types, and what writing a table sets off.

Read in one query, on the session that is judged, before its client is let in. PostgreSQL's own objects have numbers
below 16384; a function that somebody put into `pg_catalog` later has none of them, and is not PostgreSQL's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["Catalogue", "Function", "read_catalogue"]


@dataclass(frozen=True)
class Function:
    """A function that is not PostgreSQL's own. `definition` is its CREATE FUNCTION, empty when it is not SQL.

    `types` are those of its arguments and its result that are not PostgreSQL's own, by number; `arguments` says how
    many a call gives at least, and 1 where all may be left out.
    """

    schema: str
    name: str
    volatility: str
    language: str
    extension: str
    kind: str
    arguments: int
    definition: str
    parts: Sequence[str]
    types: Sequence[int]


@dataclass(frozen=True)
class Relation:
    """A view, a foreign table, or a table with policies. `texts` are the expressions that reading it evaluates."""

    schema: str
    name: str
    kind: str
    definition: str
    texts: Sequence[str]


@dataclass(frozen=True)
class Unsaid:
    """What the server runs for a type where no statement says so: a domain's check, or a function.

    That is one of a cast, or of an operator by which values are compared and sorted.
    """

    text: str
    schema: str
    name: str


@dataclass(frozen=True)
class Written:
    """What writing a relation sets off: expressions, rules, functions of triggers; and its children.

    `planned` are expressions that whoever only reads it evaluates too, as far as they have no column in them.
    """

    texts: Sequence[str]
    planned: Sequence[str]
    rules: Sequence[str]
    functions: Sequence[tuple[str, str]]
    children: Sequence[str]


@dataclass(frozen=True)
class Catalogue:
    """By name, all schemas together: which of two functions a session's search path would take is not guessed.

    `parts` are the types that a type is made of, `unsaid` what is run for a type, both by the type's number;
    0 stands for PostgreSQL's own. `settings` and `options` are the settings, and the catalogues of options and of
    subscriptions, that hold a password; until that is known, those that may. `keys` are the columns of the unique
    indexes of each relation, `unique` those that no constraint holds, `sets` the functions that give more than one row,
    `of_rows` those that may be given a whole row; `superusers` are who may become one,
    or who reaches the server's files or programs, by another role too, `creators` who makes roles, the same;
    `empty`, when there is nothing of anybody's in the database yet.
    """

    builtin: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, tuple[Function, ...]] = field(default_factory=dict)
    relations: Mapping[str, tuple[Relation, ...]] = field(default_factory=dict)
    foreign_parents: frozenset[str] = frozenset()
    operators: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    types: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    parts: Mapping[int, Sequence[int]] = field(default_factory=dict)
    unsaid: Mapping[int, tuple[Unsaid, ...]] = field(default_factory=dict)
    written: Mapping[str, tuple[Written, ...]] = field(default_factory=dict)
    settings: frozenset[str] = frozenset({"primary_conninfo", "ssl_passphrase_command"})
    options: frozenset[str] = frozenset({"pg_foreign_server", "pg_subscription"})
    keys: Mapping[str, tuple[tuple[frozenset[str], ...], ...]] | None = None
    empty: bool = False
    databases: frozenset[str] | None = None
    superusers: frozenset[str] = frozenset()
    creators: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    unique: frozenset[str] = frozenset()
    given: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    of_rows: frozenset[str] = frozenset()

    def has(self, relation: str) -> bool:
        """Whether a relation of that name was there when the session began; yes, while that is not known."""
        return self.keys is None or relation in self.keys

    def has_of_somebody(self, relation: str) -> bool:
        """Whether somebody else than PostgreSQL has a relation of that name."""
        return self.keys is not None and relation in self.keys

    def is_table(self, relation: str) -> bool:
        """Whether all of that name that were there when the session began are tables."""
        return self.has_of_somebody(relation) and all(each.kind in "rp" for each in self.relations.get(relation, ()))

    def calm(self, function: str) -> bool:
        """Whether a function of PostgreSQL's own, and of nobody else, has one value for a whole statement."""
        own = function in self.functions or function in self.sets
        return not own and self.builtin.get(function) in {"i", "s"}

    @cached_property
    def loaded(self) -> frozenset[str]:
        """The names of types with something unsaid, or given, in themselves or in a part."""
        return frozenset(
            name for name, numbers in self.types.items()
            if any(self.unsaid_of(each) or self.given_by(each) for each in numbers)
        )  # fmt: skip

    def unsaid_of(self, number: int) -> tuple[Unsaid, ...]:
        """Of a type and all that it is made of."""
        return tuple(unsaid for each in self._made_of(number) for unsaid in self.unsaid.get(each, ()))

    def given_by(self, number: int) -> tuple[str, ...]:
        """What a type, or what it is made of, gives a column when nothing else does."""
        return tuple(text for each in self._made_of(number) for text in self.given.get(each, ()))

    def _made_of(self, number: int) -> Iterable[int]:
        found, waiting = dict.fromkeys([number]), [number]
        while waiting:
            new = [each for each in self.parts.get(waiting.pop(), ()) if each not in found]
            found |= dict.fromkeys(new)
            waiting += new
        return found


def read_catalogue(text: str) -> Catalogue:
    """From the one value of CATALOGUE_SQL. Raises ValueError, TypeError for anything else."""
    found: Mapping[str, Any] = json.loads(text)
    functions = [Function(*row) for row in found["functions"]]
    relations = [Relation(*row) for row in found["relations"]]
    return Catalogue(
        builtin=found["builtin"],
        functions=_by([(each.name, each) for each in functions]),
        relations=_by([(each.name, each) for each in relations]),
        foreign_parents=frozenset(found["foreign_parents"]),
        operators=_by([(name, (schema, function)) for name, schema, function in found["operators"]]),
        types=_by([(name, number) for number, name, _ in found["types"]]),
        parts={number: parts for number, _, parts in found["types"] if parts},
        unsaid=_by([(number, Unsaid(*rest)) for number, *rest in found["unsaid"]]),
        written=_by([(name, Written(*rest)) for name, *rest in found["written"]]),
        settings=frozenset(found["settings"]),
        options=frozenset(found["options"]),
        keys=_by([(name, tuple(frozenset(columns) for columns in keys)) for name, keys in found["keys"]]),
        empty=found["empty"],
        databases=frozenset(found["databases"]),
        superusers=frozenset(found["superusers"]),
        creators=frozenset(found["creators"]),
        sets=frozenset(found["sets"]),
        roles=frozenset(found["roles"]),
        unique=frozenset(found["unique"]),
        given=_by([(number, text) for number, text in found["given"]]),
        of_rows=frozenset(found["of_rows"]),
    )


def _by(pairs: list[tuple[Any, Any]]) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, tuple[Any, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found
