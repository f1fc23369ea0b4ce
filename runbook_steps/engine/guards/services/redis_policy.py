"""Which Redis commands a risk permits. Pure.

At `readonly` it is a list of what may pass, so that a command nobody thought of is refused; the list is
Redis 7's commands with the flag `readonly`, and the connection's own ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook_steps.engine.model import Risk

__all__ = ["refused_redis"]

_READING = frozenset(
    """
    auth bitcount bitfield_ro bitpos command dbsize dump echo exists expiretime
    geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getrange hello hexists
    hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl hrandfield hscan hstrlen httl hvals info keys
    lastsave lcs lindex llen lolwut lpos lrange mget object pexpiretime pfcount ping pttl quit randomkey
    readonly reset role scan scard sdiff select sinter sintercard sismember smembers smismember sort_ro srandmember
    sscan strlen substr sunion time ttl type xinfo xlen xpending xrange xread xrevrange zcard
    zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange
    zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion
    """.split()  # noqa: SIM905 - a list of ninety quoted words is not easier to read
)
# not `touch`: it moves the time of last access, by which keys are evicted; no script, `EVAL_RO` neither: it may
# reset the slow log, stays in the server's cache, and holds up everybody while it runs. No transaction: reading
# needs none
_READING_PARTS = {
    "acl": {"cat", "getuser", "help", "list", "users", "whoami"},
    "client": {  # of one's own connection, or only told
        "caching",
        "getname",
        "getredir",
        "help",
        "id",
        "info",
        "list",
        "maint_notifications",
        "no-touch",
        "reply",
        "setinfo",
        "setname",
        "tracking",
        "trackinginfo",
    },
    "cluster": {"countkeysinslot", "getkeysinslot", "help", "info", "keyslot", "links", "myid", "nodes", "shards"},
    "config": {"get", "help"},
    "function": {"dump", "help", "list", "stats"},
    "latency": {"doctor", "graph", "help", "histogram", "history", "latest"},
    "memory": {"doctor", "help", "malloc-stats", "stats", "usage"},
    "module": {"help", "list"},
    "pubsub": {"channels", "help", "numpat", "numsub", "shardchannels", "shardnumsub"},
    "script": {"exists", "help"},
    "slowlog": {"get", "help", "len"},
}
_LOSING = frozenset({"flushall", "flushdb", "shutdown", "debug", "swapdb", "failover", "replicaof", "slaveof"})


def refused_redis(words: Sequence[bytes], risk: Risk) -> str | None:
    """The command that goes beyond the risk, `CONFIG SET`; None when it may pass.

    `words` is the command as it is on the wire. At `mutating` only what loses data or the server is refused.
    """
    names = [word.decode("ascii", "replace").lower() for word in words[:2]]
    if risk is Risk.DESTRUCTIVE or not names:
        return None
    if not names[0]:
        return "a command without a name"
    if risk is Risk.MUTATING:
        return names[0].upper() if names[0] in _LOSING else None
    if names[0] in _READING_PARTS:
        part = names[1] if len(names) > 1 else ""
        return None if part in _READING_PARTS[names[0]] else f"{names[0]} {part}".upper().strip()
    return None if names[0] in _READING else names[0].upper()
