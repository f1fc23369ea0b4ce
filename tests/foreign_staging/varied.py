"""Stagings that are set up otherwise, each in several ways at once, with the incidents that those ways touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.foreign_staging.variation import Variation

__all__ = ["VARIED", "Varied"]

ABROAD = """timezone = 'Asia/Amman'
datestyle = 'German, DMY'
intervalstyle = 'iso_8601'
bytea_output = 'escape'
max_connections = 25
logging_collector = on
log_destination = 'jsonlog,csvlog'
"""


@dataclass(frozen=True)
class Varied:
    """`say`: at least so many scenarios say something of it while it is healthy.

    Behind a pooler by transaction no incident is worked on: the lock against a second run is refused there.
    `unlooked` is what a run says, red, of what it could not look at; `to_blame` are scenarios that fail by the fault of
    this staging.
    """

    variation: Variation
    incidents: tuple[str, ...] = ()
    say: int = 80
    unlooked: str = ""
    to_blame: tuple[str, ...] = ()


VARIED: Mapping[str, Varied] = {
    "under a path, with a password of the proxy, by IPv6 alone, two sites, rotated logs": Varied(
        Variation(loopback="::1", path="/salon", proxy_password="w@rd:/%#? x", second_site=True, access_log="vhost",
                  rotated=True, api_account="daemon"),
        ("instance stopped", "nginx mistyped", "certificate expired"),
    ),
    "every sign in names and words, a schema, times as in Amman, messages in German, keys that may be evicted": Varied(
        Variation(database="Salon-Staging 2", owner_password="p@ss:w/rd%#?& x", redis_password="r@:/%#?&x",
                  postgres_settings=ABROAD, language="de_DE", schema="salon", redis_policy="volatile-lru"),
        ("redis full", "table dropped", "migration failed"),
        to_blame=("Memory, fragmentation and the eviction policy are read",),
    ),
    "Redis without CONFIG and KEYS, for a user by TLS; one instance, no AWS, no logs": Varied(
        Variation(redis_tls=True, redis_user="ops", redis_database=3, redis_renamed="CONFIG KEYS FLUSHALL FLUSHDB",
                  with_aws=False, slots=1, with_logs=False, api_account="nobody"),
        ("redis stopped",),
        say=60,
    ),
    "two sockets, no TLS, logs for people": Varied(
        Variation(sockets=True, redis_socket=True, sslmode="disable", plain_log=True, access_log="json"),
        ("forgotten transaction", "payments failing"),
    ),
    "a pooler by transaction, and a role that only reads": Varied(
        Variation(pooler=True, reader=True, sslmode="require")
    ),
    "a pooler by transaction in the way": Varied(
        Variation(pooler=True, sslmode="require"), say=40, unlooked="POSTGRESQL COULD NOT BE LOOKED AT by"
    ),
}  # fmt: skip
"""By what is said of it."""
