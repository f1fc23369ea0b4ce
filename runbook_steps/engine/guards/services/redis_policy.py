"""Which Redis commands a risk permits. Pure.

A list of what may pass, so that a command nobody thought of is refused. Source: the commands of Redis 7.4 and
Valkey 9 with their flags (`COMMAND`), those with the flag `readonly` for `readonly`, those that write named keys
for `mutating`. What a server says of a command itself is asked as well: `rename-command` may have given a harmless
name to another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from runbook_steps.engine.guards.services.redis_amounts import too_much
from runbook_steps.engine.guards.services.redis_wire import Reply, Words, said
from runbook_steps.engine.model import Risk

__all__ = ["Memory", "name_of", "refused_entry", "refused_limit", "refused_redis", "sets_limit"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CONNECTION = _words("auth echo hello ping quit reset select")
_SERVER = _words("dbsize info lastsave lolwut readonly role time")
_READING = _words(
    """
    bitcount bitfield_ro bitpos dump exists expiretime
    geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getrange hexists
    hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl hrandfield hscan hstrlen httl hvals
    lindex llen lpos lrange mget object pexpiretime pttl randomkey
    scan scard sdiff sinter sintercard sismember smembers smismember sort_ro srandmember
    sscan strlen substr sunion ttl type xinfo xlen xpending xrange xread xrevrange zcard
    zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange
    zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion
    """
)
# not `keys`: it holds up everybody while it looks through all of them, `scan` does not; not `touch`: it moves the time
# of last access, by which keys are evicted; not `pfcount`, which keeps its result in the key; not `lcs`, which takes as
# much memory as both texts multiplied; no script, `EVAL_RO` neither: it may reset the slow log, stays in the server's
# cache, and holds up everybody while it runs. No transaction: reading needs none
_READING_PARTS: Mapping[str, frozenset[str]] = {
    "acl": _words("cat help users whoami"),  # the others tell what passwords hash to
    # of one's own connection, or only told
    "client": _words(
        "caching getname getredir help id info list maint_notifications no-touch reply setinfo setname tracking "
        "trackinginfo"
    ),
    "cluster": _words("countkeysinslot getkeysinslot help info keyslot links myid nodes shards"),
    "command": _words("count docs getkeys getkeysandflags help info list"),
    "config": _words("get help"),
    "function": _words("dump help list stats"),
    "latency": _words("doctor graph help histogram history latest"),
    "memory": _words("doctor help malloc-stats stats usage"),
    "module": _words("help list"),
    "object": _words("encoding freq help idletime refcount"),
    "pubsub": _words("channels help numpat numsub shardchannels shardnumsub"),
    "script": _words("exists help"),
    "slowlog": _words("get help len"),
    "xinfo": _words("consumers groups help stream"),
}
# what writes the keys that it names, and nothing else
_WRITING = _words(
    """
    append bitfield bitop blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin copy decr decrby del
    expire expireat geoadd geosearchstore getdel getex getset hdel hexpire hexpireat hincrby hincrbyfloat
    hmset hpersist hpexpire hpexpireat hset hsetnx incr incrby incrbyfloat linsert lmove lmpop lpop lpush lpushx lrem
    lset ltrim mset msetnx persist pexpire pexpireat pfadd pfmerge psetex rename renamenx rpop rpoplpush rpush
    rpushx sadd sdiffstore set setbit setex setnx setrange sinterstore smove sort spop srem sunionstore unlink
    xack xadd xautoclaim xclaim xdel xreadgroup xtrim zadd zdiffstore zincrby zinterstore zmpop zpopmax zpopmin
    zrangestore zrem zremrangebylex zremrangebyrank zremrangebyscore zunionstore
    """
)
_CHANGING = _words(
    "bgrewriteaof bgsave discard exec multi pfcount publish psubscribe punsubscribe spublish ssubscribe subscribe "
    "sunsubscribe touch unsubscribe unwatch wait waitaof watch"
)
_CHANGING_PARTS: Mapping[str, frozenset[str]] = {
    "acl": _words("getuser list"),
    "client": _words("kill no-evict unblock unpause"),  # one client, by its number
    "config": _words("set"),
    "memory": _words("purge"),
    "script": _words("kill"),
    "xgroup": _words("create createconsumer help"),  # `setid` may pass over what nobody has read yet
}
# not `restore`: its payload is judged by nobody, and one that is malformed ends the server

# settings that take nothing from what is stored, and nobody's place; not where and when it is saved, whom it is copied
# from and how, what it runs, how much one client may send or wait for, what others are told of (notify-keyspace-events)
_SETTINGS = _words(
    """
    active-defrag-cycle-max active-defrag-cycle-min active-defrag-ignore-bytes active-defrag-threshold-lower
    active-defrag-threshold-upper activedefrag busy-reply-threshold dynamic-hz hz latency-monitor-threshold
    latency-tracking lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del
    loglevel lua-time-limit maxclients maxmemory maxmemory-eviction-tenacity maxmemory-policy maxmemory-samples
    requirepass slowlog-log-slower-than slowlog-max-len tcp-keepalive timeout
    """
)
_SHARE = re.compile(r"[1-9]|[1-6][0-9]|7[0-5]")  # of the server's time, in percent
_BUSY = re.compile(r"[1-9][0-9]{3,5}")  # milliseconds: from then on everybody is told to wait
_VALUES = {  # with another value they turn somebody away, let everybody in, or lose what was measured
    "active-defrag-cycle-max": _SHARE,
    "active-defrag-cycle-min": _SHARE,
    "busy-reply-threshold": _BUSY,
    "lua-time-limit": _BUSY,
    "hz": re.compile(r"[1-9][0-9]?|100"),
    "latency-tracking": re.compile(r"yes", re.IGNORECASE),
    "loglevel": re.compile(r"debug|verbose|notice"),
    "maxmemory-eviction-tenacity": re.compile(r"[0-9]{1,2}"),
    "maxmemory-samples": re.compile(r"[1-9]|[1-5][0-9]|6[0-4]"),
    "latency-monitor-threshold": re.compile(r"[1-9][0-9]{0,2}"),  # milliseconds; 0 measures nothing
    "slowlog-log-slower-than": re.compile(r"[1-9][0-9]{2,5}"),  # microseconds: less than a second
    "slowlog-max-len": re.compile(r"[1-9][0-9]{4,6}"),  # more than there is: what is beyond it goes
    "tcp-keepalive": re.compile(r"0|[6-9][0-9]|[1-9][0-9]{2,8}"),
    "requirepass": re.compile(r".{8,512}", re.DOTALL),
    "timeout": re.compile(r"0|[6-9][0-9]|[1-9][0-9]{2,8}"),
}
_SECRET = _words("requirepass masterauth primaryauth tls-key-file-pass tls-client-key-file-pass")
_ONE_CLIENT = 2  # words behind CLIENT KILL
_NONE: frozenset[str] = frozenset()
_LIMITS = ("maxclients", "maxmemory", "maxmemory-policy")
_ROOM = 2
_FULL = 0.95  # from here on the next writer is turned away, where no key gives way
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}


def refused_redis(words: Sequence[bytes], risk: Risk) -> str | None:
    """The command that goes beyond the risk, `CONFIG SET`; None when it may pass.

    `words` is the command as it is on the wire. At `destructive` everything passes.
    """
    names = [word.decode("ascii", "replace").lower() for word in words[:2]]
    if risk is Risk.DESTRUCTIVE:
        return None
    if not names or not names[0]:
        return "a command without a name"
    name, part = names[0], names[1] if len(names) > 1 else ""
    changing = risk is Risk.MUTATING
    if name in _READING_PARTS or name in _CHANGING_PARTS:
        parts = _READING_PARTS.get(name, _NONE) | (_CHANGING_PARTS.get(name, _NONE) if changing else _NONE)
        shown = f"{_shown(name)} {_shown(part)}".strip()
        if part in parts or (name == "command" and not part):
            found = too_much(name, words, changing=changing)
            return f"{shown} {found}" if found else _refused_words(name, part, words[2:], changing=changing)
        return shown
    if name in _CONNECTION | _SERVER | _READING or (changing and name in _WRITING | _CHANGING):
        found = too_much(name, words, changing=changing)
        return f"{_shown(name)} {found}" if found else None
    return _shown(name)


def _shown(name: str) -> str:
    """A word of a client as it may stand in a message: the name of a command is short and plain."""
    return name.upper() if re.fullmatch(r"[a-z0-9_.|-]{0,40}", name) else "a command with an odd name"


def _refused_words(name: str, part: str, rest: Sequence[bytes], *, changing: bool) -> str | None:
    """What follows a command of two words that may pass."""
    if (name, part) == ("config", "set"):
        return _refused_settings(rest)
    if (name, part) == ("client", "kill"):
        return None if _names_one(rest) else "CLIENT KILL of clients that are not named by their number"
    if changing:
        return None
    if (name, part) == ("config", "get"):
        asked = (word.decode("ascii", "replace").lower() for word in rest)
        return next(("CONFIG GET of a password" for pattern in asked if _may_mean_secret(pattern)), None)
    redirects = any(word.lower() == b"redirect" for word in rest)
    return "CLIENT TRACKING REDIRECT" if (name, part) == ("client", "tracking") and redirects else None


def _names_one(rest: Sequence[bytes]) -> bool:
    """Whether what follows CLIENT KILL means one client: an address, a name or a kind may be everybody's."""
    return len(rest) == _ONE_CLIENT and rest[0].lower() == b"id" and rest[1].isdigit()


def _may_mean_secret(pattern: str) -> bool:
    """Whether a glob, read generously, could be the name of a setting that holds a password."""
    literal = re.split(r"[*?\[\]\\^]", pattern, maxsplit=1)[0]
    return pattern in _SECRET if literal == pattern else any(name.startswith(literal) for name in _SECRET)


def _refused_settings(pairs: Sequence[bytes]) -> str | None:
    for name, value in zip_longest(pairs[::2], pairs[1::2], fillvalue=b""):
        known, wanted = name.decode("ascii", "replace").lower(), value.decode("utf-8", "replace")
        if known not in _SETTINGS:
            return f"CONFIG SET {_shown(known).lower()}"
        if known in _VALUES and not _VALUES[known].fullmatch(wanted):
            return f"CONFIG SET {known} to what turns somebody away, lets everybody in, or loses what was measured"
    return None


@dataclass(frozen=True)
class Memory:
    """What a server holds and may hold, in bytes; `limit` 0: as much as there is. `policy` as Redis names it.

    `clients` is how many it serves at once.
    """

    used: int
    limit: int
    policy: str
    clients: int


def sets_limit(request: Words) -> bool:
    """Whether the request moves a limit, or the policy by which keys are thrown away."""
    names = [word.lower() for word in request.words]
    return names[:2] == [b"config", b"set"] and any(name.decode("ascii", "replace") in _LIMITS for name in names[2::2])


def refused_limit(request: Words, now: Memory | None) -> str | None:
    """CONFIG SET that would have the server throw away keys, or clients. `now` is None when it does not tell."""
    texts = [word.decode("ascii", "replace").lower() for word in request.words[2:]]
    wanted = dict(zip(texts[::2], texts[1::2], strict=False))
    if now is None:
        # a server that is full has no place for the guard's question, and that is what this one is raised for
        full = [*wanted] == ["maxclients"] and re.fullmatch(r"[1-9][0-9]{1,8}", wanted["maxclients"])
        return None if full else "CONFIG SET of a limit on a server that does not tell what it holds"
    if (
        not re.fullmatch(r"[0-9]{1,9}", clients := wanted.get("maxclients", str(now.clients)))
        or int(clients) < now.clients
    ):
        return f"CONFIG SET maxclients to less than the {now.clients} that are served"
    policy = wanted.get("maxmemory-policy", now.policy)
    limit = _bytes(wanted["maxmemory"]) if "maxmemory" in wanted else now.limit
    if limit is None:
        return "CONFIG SET maxmemory to something that is no number of bytes"
    return _refused_room(now, limit, policy, said="maxmemory" in wanted)


def _refused_room(now: Memory, limit: int, policy: str, *, said: bool) -> str | None:
    """A limit, or a policy, by which keys are thrown away or writers turned away; `said`: the limit is set as well."""
    raised = policy == now.policy and 0 < now.limit <= limit
    if policy != "noeviction" and limit and not raised and limit < _ROOM * now.used:
        # just above what is in use, the next keys that are written would throw others away
        return f"CONFIG SET that throws keys away: {now.used} bytes are in use, {limit} would be allowed, by {policy}"
    if said and 0 < limit < now.used and not raised:
        return f"CONFIG SET maxmemory to less than is in use: {now.used} bytes are, and nobody could write any more"
    if policy == "noeviction" != now.policy and limit and now.used >= _FULL * limit:
        return f"CONFIG SET maxmemory-policy noeviction on a server that is full: raise maxmemory first, {limit} bytes"
    return None


def _bytes(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,18})([kmg]?b?)", text, re.ASCII)
    return int(found[1]) * _UNITS[found[2]] if found else None


def name_of(request: Words) -> str:
    """The command's name as the lists here have it."""
    return request.words[0].decode("ascii", "replace").lower()


def refused_entry(name: str, entry: Reply) -> str | None:
    """A command that the server describes otherwise than its name says: `GET`, which writes; None when it fits.

    `entry` is one element of what COMMAND INFO answers; nothing when the server does not know the command.
    """
    fields = said(entry)
    if len(fields) <= _FLAGS:
        return None
    flags = {each.decode("ascii", "replace") for each in said(fields[_FLAGS]) if isinstance(each, bytes)}
    fits = _FITS[_kind(name)](flags, fields[_FIRST_KEY] if len(fields) > _FIRST_KEY else 0)
    return None if fits else f"{_shown(name)}, which is another command on this server"


_FLAGS, _FIRST_KEY = 2, 3
_FITS: Mapping[str, Callable[[set[str], Reply], bool]] = {
    "reads": lambda flags, _: "readonly" in flags and not flags & {"write", "admin"},
    "writes": lambda flags, key: "write" in flags and ((isinstance(key, int) and key > 0) or "movablekeys" in flags),
    "neither": lambda flags, _: "write" not in flags,
}


def _kind(name: str) -> str:
    if name in _WRITING:
        return "writes"
    return "reads" if name in _READING and name not in _READING_PARTS else "neither"
