"""What nobody may do to a Redis that serves: sessions, revoked tokens, limits of rate, a queue with readers.

`READ` is tried at *readonly*, `CHANGED` at *mutating*, `HELD_UP` at both: there everybody else would wait, or give way.
The names in `HELD_UP_WRITING` may pass at *mutating* alone; `LARGE` is refused by its size where it is only read.
"""

from __future__ import annotations

import time

from tests.contract.debian import PASSWORD
from tests.contract.hostile_redis import array

__all__ = ["CHANGED", "HELD_UP", "HELD_UP_WRITING", "LARGE", "READ"]

_TAKES = (b"XREADGROUP", b"GROUP")
_LATER = int(1000 * time.time()) + 23 * 3600 * 1000
_FROM = (b"STREAMS", b"queue", b">")
_MOST = b"18446744073709551615"
_PAYLOAD = b"\x00\x01x\x0b\x00\xc2\xb4\x05\xc9\xa5\x0e\x9d\xc3"

READ = {
    "a session that ends": array(b"GETEX", b"session:1", b"EX", b"1"),
    "a session that ended": array(b"getex", b"session:1", b"PXAT", b"1"),
    "a session without an end": array(b"PERSIST", b"session:1"),
    "a session of another": array(b"COPY", b"session:1", b"session:2", b"REPLACE"),
    "a session, if it lasts longer": array(b"PEXPIREAT", b"session:1", b"1", b"LT"),
    "a token that is good again": array(b"EXPIRE", b"revoked:1", b"-1"),
    "a token that is good later": array(b"EXPIREAT", b"revoked:1", b"99999999999", b"NX"),
    "a token by SET": array(b"SET", b"revoked:1", b"", b"PXAT", b"1"),
    "a token by SET that asks": array(b"SET", b"revoked:1", b"x", b"KEEPTTL", b"GET"),
    "a token by RESTORE": array(b"RESTORE", b"revoked:1", b"1", _PAYLOAD, b"REPLACE", b"ABSTTL"),
    "a token by SORT": array(b"SORT", b"list", b"BY", b"nosort", b"STORE", b"revoked:1"),
    "a token by places": array(
        b"GEOSEARCHSTORE", b"revoked:1", b"nothing", b"FROMLONLAT", b"0", b"0", b"BYRADIUS", b"1", b"m"
    ),
    "a token by a union": array(b"SUNIONSTORE", b"revoked:1", b"nothing"),
    "a limit of rate": array(b"INCRBY", b"rate:1", b"-99"),
    "a limit of rate by bits": array(b"BITFIELD", b"rate:1", b"SET", b"u8", b"0", b"48"),
    "a limit of rate by bits that overflow": array(
        b"bitfield", b"rate:1", b"OVERFLOW", b"FAIL", b"INCRBY", b"u8", b"0", b"9"
    ),
    "a list by many": array(b"LMPOP", b"2", b"nothing", b"list", b"LEFT", b"COUNT", b"9"),
    "a list, waiting": array(b"BLMPOP", b"0.01", b"1", b"list", b"RIGHT"),
    "a list, moved": array(b"BLMOVE", b"list", b"list2", b"LEFT", b"RIGHT", b"0.01"),
    "a sorted set by many": array(b"ZMPOP", b"1", b"scores", b"MIN"),
    "a sorted set by a range": array(b"ZRANGESTORE", b"scores", b"scores", b"0", b"0"),
    "a queue by a reader": array(*_TAKES, b"g", b"c", b"COUNT", b"9", *_FROM),
    "a queue by a thief": array(b"XAUTOCLAIM", b"queue", b"g", b"thief", b"0", b"0", b"JUSTID"),
    "a queue that is shorter": array(b"XTRIM", b"queue", b"MAXLEN", b"~", b"0"),
    "a set of counts": array(b"PFCOUNT", b"counts"),
    "a library": array(b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua name=x\nredis.register_function('x', print)"),
    "a script that only reads": array(b"EVALSHA_RO", b"a" * 40, b"1", b"session:1"),
    "the clients of a kind": array(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes"),
    "a client that never gives way": array(b"CLIENT", b"NO-EVICT", b"ON"),
    "a client that waits": array(b"CLIENT", b"UNBLOCK", b"1", b"ERROR"),
    "behind a thousand that read": array(b"GET", b"session:1") * 1000 + array(b"UNLINK", b"session:1"),
    "behind signing in": array(b"HELLO", b"3", b"AUTH", b"default", PASSWORD.encode()) + array(b"del", b"session:1"),
    "behind a reset": array(b"RESET") + array(b"AUTH", PASSWORD.encode()) + array(b"DEL", b"revoked:1"),
    "behind silence": array(b"CLIENT", b"REPLY", b"OFF") + array(b"DEL", b"revoked:1"),
    "in a queue of commands, by hand": b"multi\r\ndel session:1\r\nexec\r\n",
    "by hand, with blanks": b"   DEL\tsession:1   revoked:1  \r\n",
    "in a set of RESP 3": b"~2\r\n$3\r\nDEL\r\n$9\r\nsession:1\r\n",
    "in a push of RESP 3": b">2\r\n$3\r\nDEL\r\n$9\r\nsession:1\r\n",
    "with attributes of RESP 3": b"|1\r\n+a\r\n+b\r\n*2\r\n$3\r\nDEL\r\n$9\r\nsession:1\r\n",
    "by a name with an end": array(b"DEL\x00", b"session:1"),
    "by a name of another script": array("ＤＥＬ".encode(), b"session:1"),
    "in a text that says its kind": b"*2\r\n=7\r\ntxt:DEL\r\n$9\r\nsession:1\r\n",
    "in a text by pieces": b"*2\r\n$?\r\n;3\r\nDEL\r\n;0\r\n$9\r\nsession:1\r\n",
    "in words of words": b"*2\r\n*1\r\n$3\r\nDEL\r\n$9\r\nsession:1\r\n",
    "behind no word": b"*2\r\n$3\r\nDEL\r\n$-1\r\n",
    "behind a length without end": b"*2\r\n$3\r\nDEL\r\n$9999999999\r\n",
    "by hand, with a tab that stands": b"GET\tsession:1\x0b\r\nDEL session:1\r\n",
    "a field that ends": array(b"HPEXPIRE", b"hash", b"0", b"FIELDS", b"1", b"a"),
    "a list that turns": array(b"LMOVE", b"list", b"list", b"LEFT", b"RIGHT"),
    "a session of nothing": array(b"GETSET", b"session:1", b""),
    "when it was used": array(b"TOUCH", b"session:1"),
    "who may do what": array(b"ACL", b"SETUSER", b"default", b"nopass"),
    "what another may do": array(b"ACL", b"DRYRUN", b"default", b"FLUSHALL"),
    "a history of copies": array(b"DEBUG", b"CHANGE-REPL-ID"),
    "what came late": array(b"LATENCY", b"RESET", b"command"),
    "the log of refusals": array(b"ACL", b"LOG", b"RESET"),
}  # fmt: skip
CHANGED = {
    "a reader that forgets, first": array(b"XREADGROUP", b"NOACK", *_TAKES[1:], b"g", b"c", *_FROM),
    "a reader that forgets, behind a count": array(
        b"XREADGROUP", b"COUNT", b"9", b"NOACK", b"GROUP", b"g", b"c", *_FROM
    ),
    "a reader that forgets, with a name": array(*_TAKES, b"g", b"streams", b"NOACK", *_FROM),
    "a group with a name": array(*_TAKES, b"streams", b"c", b"NOACK", b"STREAMS", b"queue", b">"),
    "a group passes over by a claim": array(b"XCLAIM", b"queue", b"g", b"c", b"0", b"1-1", b"LASTID", b"9-9"),
    "a group passes over by a claim of no time": array(
        b"xclaim", b"queue", b"g", b"c", b"0", b"1-1", b"IDLE", b"0", b"FORCE", b"JUSTID", b"lastid", _MOST
    ),
    "a queue that takes no more": array(b"XADD", b"queue", _MOST + b"-" + _MOST, b"a", b"b"),
    "a queue that takes no more, behind options": array(
        b"XADD", b"queue", b"NOMKSTREAM", b"MAXLEN", b"~", b"9", b"LIMIT", b"0", _MOST + b"-*", b"a", b"b"
    ),
    "a queue that ends in a century": array(b"XADD", b"queue", b"99999999999999999-1", b"a", b"b"),
    "a queue that is ahead": array(b"XADD", b"queue", b"9000000000000-*", b"a", b"b"),
    "a queue that is a day ahead": array(b"XADD", b"queue", b"%d-1" % _LATER, b"a", b"b"),
    "a queue that is a day ahead, cut": array(b"xadd", b"queue", b"MAXLEN", b"9", b"%d-*" % _LATER, b"a", b"b"),
    "a queue that is hours ahead": array(b"XADD", b"queue", b"NOMKSTREAM", b"%d" % (_LATER - 70_000_000), b"a", b"b"),
    "a claim that asks for more": array(
        b"XREADGROUP", b"GROUP", b"g", b"c", b"CLAIM", b"0", b"STREAMS", b"queue", b">"
    ),
    "a group passes over by a claim in mixed letters": array(
        b"XCLAIM", b"queue", b"g", b"c", b"0", b"1-1", b"RETRYCOUNT", b"0", b"LaStId", b"3-1"
    ),
    "what was slow": array(b"CONFIG", b"SET", b"slowlog-max-len", b"127"),
    "clients that are slow to answer": array(b"CONFIG", b"SET", b"tcp-keepalive", b"1"),
    "who is let in": array(b"CONFIG", b"SET", b"protected-mode", b"no"),
    "who may write": array(b"CONFIG", b"SET", b"replica-read-only", b"no"),
    "what may be tried": array(b"CONFIG", b"SET", b"enable-debug-command", b"yes"),
    "who is the first to go": array(b"CONFIG", b"SET", b"oom-score-adj-values", b"1000 1000 1000"),
    "a key goes to another database": array(b"MOVE", b"session:1", b"1"),
    "a key by another way": array(b"RESTORE-ASKING", b"session:1", b"0", b"x"),
    "counts are written otherwise": array(b"PFDEBUG", b"TODENSE", b"counts"),
    "a group begins anew": array(b"XGROUP", b"SETID", b"queue", b"g", b"0", b"ENTRIESREAD", b"3"),
    "a reader goes": array(b"XGROUP", b"DELCONSUMER", b"queue", b"g", b"c"),
    "a queue's last number": array(b"XSETID", b"queue", _MOST + b"-1"),
    "databases change places, in a queue of commands": array(b"MULTI") + array(b"SWAPDB", b"0", b"1") + array(b"EXEC"),
    "libraries": array(b"FUNCTION", b"RESTORE", b"x", b"FLUSH"),
    "keys go elsewhere": array(b"MIGRATE", b"127.0.0.1", b"1", b"", b"0", b"9", b"KEYS", b"session:1", b"revoked:1"),
    "two clients": array(b"CLIENT", b"KILL", b"ID", b"1", b"ID", b"2"),
    "a key of another kind": array(b"RESTORE", b"session:1", b"0", _PAYLOAD, b"REPLACE"),
    "a master": array(b"CONFIG", b"SET", b"replica-serve-stale-data", b"no"),
    "what is kept in memory": array(b"CONFIG", b"SET", b"hash-max-listpack-entries", b"0"),
    "latency is watched no more": array(b"CONFIG", b"SET", b"latency-monitor-threshold", b"0"),
    "latency is watched from hours on": array(b"CONFIG", b"SET", b"latency-monitor-threshold", b"9999999"),
    "what is slow is told from hours on": array(b"CONFIG", b"SET", b"slowlog-log-slower-than", b"9999999999"),
    "what is slow is told from seconds on": array(b"config", b"set", b"SLOWLOG-log-slower-than", b"2000000"),
    "eight mebibytes by a field": array(b"BITFIELD", b"bits", b"SET", b"i64", b"#999999", b"1"),
    "two mebibytes by a field": array(b"BITFIELD", b"set", b"GET", b"u8", b"0", b"incrby", b"U32", b"#524288", b"1"),
    "a mebibyte and a field": array(b"bitfield", b"bits", b"set", b"i62", b"#140000", b"1"),
    "latency is told no more": array(b"CONFIG", b"SET", b"latency-tracking", b"no"),
}  # fmt: skip
_AGAIN = 3000
_KEYS = [b"k%d" % number for number in range(1800)]
HELD_UP = {
    "a list with the same again": array(b"SORT_RO", b"list", b"BY", b"nosort", *[b"GET", b"session:*"] * _AGAIN),
    "a list with itself again": array(b"sort_ro", b"list", *[b"get", b"#"] * 2),
    "what one command is, again": array(b"COMMAND", b"DOCS", *[b"xadd"] * _AGAIN),
    "what two commands are, again": array(b"command", b"info", b"get", *[b"set"] * _AGAIN),
    "one client, again": array(b"CLIENT", b"LIST", b"ID", *[b"1"] * _AGAIN),
    "how late one is, again": array(b"LATENCY", b"HISTOGRAM", *[b"get"] * _AGAIN),
    "what keys there are of thousands of kinds": array(
        b"CLIENT", b"TRACKING", b"ON", b"BCAST", *[each for i in range(_AGAIN) for each in (b"PREFIX", b"p%d;" % i)]
    ),
    "a pattern of many stars": array(b"SCAN", b"0", b"MATCH", b"*a" * 2000 + b"*b"),
    "a pattern of many stars, of channels": array(b"PUBSUB", b"CHANNELS", b"*a" * 2000),
    "a pattern of many stars, of commands": array(b"COMMAND", b"LIST", b"FILTERBY", b"PATTERN", b"a*" * 2000),
    "a pattern of many stars, of settings": array(b"CONFIG", b"GET", b"a" + b"*?" * 2000),
    "a pattern of many stars, of fields": array(b"hscan", b"hash", b"0", b"match", b"*a" * 2000),
    "a pattern of many stars, of libraries": array(b"FUNCTION", b"LIST", b"LIBRARYNAME", b"*a" * 2000),
    "settings of thousands of patterns": array(b"CONFIG", b"GET", *[b"a*%d" % number for number in range(_AGAIN)]),
    "settings of thousands of other patterns": array(
        b"config", b"get", *[b"a?%d" % number for number in range(_AGAIN)]
    ),
    "as much as ten thousand of one": array(b"HRANDFIELD", b"hash", b"-10000", b"WITHVALUES"),
    "one member, again": array(b"ZRANDMEMBER", b"scores", b"-99999"),
}
HELD_UP_WRITING = {
    "counts of the same again": array(b"PFCOUNT", *[b"counts"] * _AGAIN),
    "a list with the same again, kept": array(b"SORT", b"list", *[b"GET", b"session:*"] * _AGAIN, b"STORE", b"to"),
    "a queue again": array(*_TAKES, b"g", b"c", b"STREAMS", *[b"queue"] * _AGAIN, *[b"0"] * _AGAIN),
    "keys that are watched": array(b"WATCH", *[b"k%d" % i for i in range(50_000)]),
    "thousands of patterns that are listened to": array(b"PSUBSCRIBE", *[b"a*%d" % number for number in range(_AGAIN)]),
    "keys that are watched, by and by": b"".join(array(b"WATCH", *_KEYS[at : at + 900]) for at in (0, 900)),
    "keys that are watched one by one": b"".join(array(b"watch", key) for key in _KEYS),
    "keys that are watched, and a queue that there is not": array(b"WATCH", *_KEYS[:900])
    + array(b"EXEC")
    + array(b"DISCARD")
    + array(b"WATCH", *_KEYS[900:]),
    "keys that are watched, and let go of later": array(b"WATCH", *_KEYS[:900])
    + array(b"MULTI")
    + array(b"UNWATCH")
    + array(b"WATCH", *_KEYS[900:]),
    "keys that are watched by who listens": array(b"WATCH", *_KEYS[:900])
    + array(b"SUBSCRIBE", b"x")
    + array(b"UNWATCH")
    + array(b"UNSUBSCRIBE")
    + array(b"WATCH", *_KEYS[900:]),
    "patterns that are listened to, by and by": b"".join(
        array(b"PSUBSCRIBE", *[b"%d:%d*" % (more, number) for number in range(16)]) for more in (1, 2)
    ),
    "patterns that are listened to one by one": b"".join(array(b"psubscribe", key + b"*") for key in _KEYS[:20]),
    "patterns that are listened to, and left in a queue": array(b"PSUBSCRIBE", *[b"a%d*" % n for n in range(16)])
    + array(b"MULTI")
    + array(b"PUNSUBSCRIBE")
    + array(b"DISCARD")
    + array(b"PSUBSCRIBE", b"b*"),
    "patterns that are listened to": array(b"PSUBSCRIBE", b"*a" * 2000),
}
LARGE = {
    "one word": array(b"ECHO", b"x" * 50_000_000),
    "words of nothing": array(b"EXISTS", *[b""] * 1_000_000),
    "words of one letter": array(b"MGET", *[b"%x" % number for number in range(160_000)]),
    "fields of nothing": array(b"HMGET", b"hash", *[b"%x" % number for number in range(100_000)]),
}
