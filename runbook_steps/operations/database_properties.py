"""What belongs to a database itself, and is in no dump of it: read, and given to the one that takes its place.

Owner, encoding, locale provider and locale, tablespace, connection limit; privileges, comment, settings of the
database and of roles in it, list settings as lists; security label is named and left to its provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from psycopg import sql

from runbook_steps.operations.database_session import Connection, literal, query, query_nothing, session
from runbook_steps.operations.postgres_connection import Database

__all__ = [
    "Properties",
    "apply_properties",
    "create_database",
    "drop_database",
    "own_setting",
    "property_differences",
    "read_properties",
]

_LISTS = frozenset({
    # GUC_LIST_QUOTE: each element is a name of its own; quoted as one word it would name nothing
    "search_path", "local_preload_libraries", "session_preload_libraries", "shared_preload_libraries",
    "temp_tablespaces", "unix_socket_directories",
})  # fmt: skip
_LOGIN_TRIGGERS = 170000  # the first version with triggers on login, and with a setting that silences them
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


@dataclass(frozen=True)
class Properties:
    """Of one database.

    `settings` are (role or "", `name=value` as the catalogue has it); `acl` are (grantee or "" for everybody,
    privilege, may grant on, grantor), the default ones spelled out.
    """

    owner: str
    encoding: str
    provider: str
    collate: str
    ctype: str
    locale: str = ""
    rules: str = ""
    tablespace: str = "pg_default"
    connections: int = -1
    template: bool = False
    comment: str | None = None
    acl: tuple[tuple[str, str, bool, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    def owned_by(self, role: str) -> Properties:
        """The same, owned by another role."""
        return replace(self, owner=role)

    @property
    def roles(self) -> frozenset[str]:
        """Those that must be there before a database gets all of it."""
        granted = {role for grantee, _, _, grantor in self.acl for role in (grantee, grantor) if role}
        return frozenset({self.owner} | granted | {role for role, _ in self.settings if role})

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Properties:
        """From what `asdict` gave, after it was JSON. Raises TypeError or ValueError when it is none."""
        return cls(**{
            **document,
            "acl": tuple((str(a), str(b), bool(c), str(d)) for a, b, c, d in document.get("acl", ())),
            "settings": tuple((str(role), str(text)) for role, text in document.get("settings", ())),
        })  # fmt: skip


def read_properties(connection: Connection, name: str) -> Properties | None:
    """Of the database `name` in the cluster of `connection`; None when there is none."""
    columns = {str(c) for (c,) in query(connection, "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = "
                                        "'pg_catalog.pg_database'::regclass AND attnum > 0")}  # fmt: skip
    locale = "datlocale" if "datlocale" in columns else "daticulocale" if "daticulocale" in columns else "NULL"
    rules = "daticurules" if "daticurules" in columns else "NULL"
    row = connection.execute(
        "SELECT d.oid, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datlocprovider::text, datcollate, "  # noqa: S608
        f"datctype, coalesce({locale}, '')::text, coalesce({rules}, '')::text, spcname::text, datconnlimit, "
        "datistemplate, shobj_description(d.oid, 'pg_database') FROM pg_database d "
        "JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = %s",
        [name],
    ).fetchone()
    if row is None:
        return None
    oid, *values = row
    acl = connection.execute(
        "SELECT CASE WHEN grantee = 0 THEN '' ELSE pg_get_userbyid(grantee)::text END, privilege_type, is_grantable, "
        "pg_get_userbyid(grantor)::text FROM pg_database, "
        "aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE pg_database.oid = %s ORDER BY 1, 2, 4",
        [oid],
    ).fetchall()
    settings = connection.execute(
        "SELECT CASE WHEN setrole = 0 THEN '' ELSE pg_get_userbyid(setrole)::text END, unnest(setconfig) "
        "FROM pg_db_role_setting WHERE setdatabase = %s ORDER BY 1, 2",
        [oid],
    ).fetchall()
    names = ("owner", "encoding", "provider", "collate", "ctype", "locale", "rules", "tablespace", "connections",
             "template", "comment")  # fmt: skip
    return Properties(
        **dict(zip(names, values, strict=True)),
        acl=tuple((str(a), str(b), bool(c), str(d)) for a, b, c, d in acl),
        settings=tuple((str(role), str(text)) for role, text in settings),
    )


def create_database(admin: Connection, name: str, like: Properties | None) -> None:
    """An empty database with the owner, encoding, locale and tablespace of another one; closed to everybody else."""
    parts = [sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))]
    if like is not None:
        words: dict[str, str] = {
            "ENCODING": like.encoding,
            "LC_COLLATE": like.collate,
            "LC_CTYPE": like.ctype,
            "LOCALE_PROVIDER": _PROVIDERS[like.provider],
        }
        if like.provider == "i":
            words["ICU_LOCALE"] = like.locale
            words |= {"ICU_RULES": like.rules} if like.rules else {}
        elif like.provider == "b":
            words["BUILTIN_LOCALE"] = like.locale
        parts += [sql.SQL("{} {}").format(sql.SQL(word), sql.Literal(value)) for word, value in words.items()]
        parts.append(sql.SQL("OWNER {}").format(sql.Identifier(like.owner)))
        if like.tablespace != "pg_default":  # named, it takes a right that few roles have
            parts.append(sql.SQL("TABLESPACE {}").format(sql.Identifier(like.tablespace)))
    admin.execute(sql.SQL(" ").join(parts))
    if _may_silence(admin):
        # a trigger on login would write into it each time that somebody looks
        admin.execute(sql.SQL("ALTER DATABASE {} SET event_triggers = off").format(sql.Identifier(name)))
    # until it is the live one nobody else has any business in it
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def drop_database(admin: Connection, name: str) -> None:
    """One that a run made or replaced, if it is there; whoever is connected with it is sent away. A template too."""
    database = sql.Identifier(name)
    if admin.execute("SELECT FROM pg_database WHERE datname = %s AND datistemplate", [name]).fetchone() is not None:
        admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(database))
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))


def _may_silence(admin: Connection) -> bool:
    row = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return admin.info.server_version >= _LOGIN_TRIGGERS and row is not None and bool(row[0])


def apply_properties(admin: Connection, name: str, wanted: Properties) -> None:
    """Gives privileges, comment, settings and the connection limit, and takes back other settings; idempotent.

    `admin` is connected with that database, where there are words in its own encoding.
    """
    database = sql.Identifier(name)
    _grant(admin, database, wanted)
    found = read_properties(admin, name)
    given = {(role, setting.partition("=")[0]) for role, setting in found.settings} if found else set()
    for role, parameter in sorted(given - {(role, setting.partition("=")[0]) for role, setting in wanted.settings}):
        query_nothing(
            admin, f"ALTER {_whose(database, role).as_string(admin)} RESET {_named(parameter).as_string(admin)}"
        )
    query_nothing(admin, f"COMMENT ON DATABASE {database.as_string(admin)} IS {literal(wanted.comment)}")
    for role, setting in wanted.settings:
        _set(admin, database, role, setting)
    admin.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(database, sql.Literal(wanted.connections)))
    if wanted.template:
        admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(database))


def _grant(admin: Connection, database: sql.Identifier, wanted: Properties) -> None:
    owner = sql.Identifier(wanted.owner)
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(database, owner))
    # the owner's own grants first: who passes a privilege on must have got it
    for grantee, privilege, grantable, grantor in sorted(wanted.acl, key=lambda entry: entry[3] != wanted.owner):
        statement = sql.SQL("GRANT {} ON DATABASE {} TO {}{}").format(
            sql.SQL(privilege),  # one of PostgreSQL's own three words
            database,
            sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC"),
            sql.SQL(" WITH GRANT OPTION" if grantable else ""),
        )
        if grantor == wanted.owner:
            admin.execute(statement)
            continue
        with admin.transaction():
            admin.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grantor)))
            admin.execute(statement)


def _set(admin: Connection, database: sql.Identifier, role: str, setting: str) -> None:
    parameter, _, value = setting.partition("=")
    words = literal(value)
    if parameter.lower() in _LISTS:
        words = ", ".join(literal(word) for word in _listed(value) or [""])
    change = sql.SQL("ALTER {} SET {} TO ").format(_whose(database, role), _named(parameter))
    query_nothing(admin, change.as_string(admin) + words)


def _whose(database: sql.Identifier, role: str) -> sql.Composed:
    if role:
        return sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(role), database)
    return sql.SQL("DATABASE {}").format(database)


def _named(parameter: str) -> sql.Identifier:
    return sql.Identifier(*parameter.split("."))


@contextmanager
def own_setting(database: Database, name: str, parameter: str, words: str) -> Iterator[None]:
    """Gives the database `name` a setting for a while, written as SQL has it; then it has again what it had."""
    with session(database, name) as connection:
        quoted = sql.Identifier(name)
        before = read_properties(connection, name)
        change = sql.SQL("ALTER DATABASE {} SET {} TO ").format(quoted, _named(parameter)).as_string(connection)
        query_nothing(connection, change + words)
    try:
        yield
    finally:
        had = [text for role, text in (before.settings if before else ()) if not role and _is(text, parameter)]
        with session(database, name) as connection:
            if had:
                _set(connection, quoted, "", had[0])
            else:
                connection.execute(sql.SQL("ALTER DATABASE {} RESET {}").format(quoted, _named(parameter)))


def _is(setting: str, parameter: str) -> bool:
    return setting.partition("=")[0] == parameter


def _listed(value: str) -> list[str]:
    """The names of a list as the catalogue keeps it: `app, "My Schema", "$user"`."""
    names, rest = [], value
    while rest.strip():
        rest = rest.lstrip(", \t\n")
        if rest.startswith('"'):
            end = 1
            while (end := rest.index('"', end)) + 1 < len(rest) and rest[end + 1] == '"':
                end += 2
            names.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :]
        else:
            word, _, rest = rest.partition(",")
            names += [word.strip()] if word.strip() else []
    return names


def property_differences(wanted: Properties, found: Properties) -> list[str]:
    """What differs, in words."""
    mine, other = asdict(wanted), asdict(found)
    return [
        f"the database's {name} is {other[name]!r}, not {mine[name]!r}" for name in mine if mine[name] != other[name]
    ]
