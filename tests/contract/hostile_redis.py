"""What nobody may send to Redis through the guard: by two readings, by what it loses, and by whom it turns away."""

from __future__ import annotations

from runbook_steps.engine.guards.services.redis_wire import Words, write_words
from tests.contract.debian import PASSWORD

__all__ = ["AUTH", "BULK_FLUSH", "LOSING", "TAKING_DOWN", "TURNING_AWAY", "TWO_READINGS", "array"]

AUTH = b"AUTH " + PASSWORD.encode() + b"\r\n"
BULK_FLUSH = b"*1\r\n$8\r\nFLUSHALL\r\n"


def array(*words: bytes) -> bytes:
    """A request as clients send it."""
    return write_words(Words(words))


# the first byte that differs between two readers, in as many ways as there are numbers in the protocol
TWO_READINGS = {
    "blanks after the return": b"*2\r\n$4\r\nECHO\r\n$28\r      \r\n" + BULK_FLUSH + b"xxxxxxxxxxxx\r\n",
    "a plus": b"*2\r\n$4\r\nECHO\r\n$+20\r\n" + BULK_FLUSH + b"xx\r\n",
    "an underscore": b"*2\r\n$4\r\nECHO\r\n$2_0\r\n" + BULK_FLUSH + b"xx\r\n",
    "blanks before": b"*2\r\n$4\r\nECHO\r\n$ 20\r\n" + BULK_FLUSH + b"xx\r\n",
    "leading zeros": b"*2\r\n$4\r\nECHO\r\n$020\r\n" + BULK_FLUSH + b"xx\r\n",
    "digits of another script": b"*2\r\n$4\r\nECHO\r\n$\xd9\xa2\r\n" + BULK_FLUSH + b"\r\n",
    "a return in the count": b"*2\rx\n$4\r\nECHO\r\n$1\r\na\r\n" + BULK_FLUSH,
    "a bare line feed": b"*2\n$4\nECHO\n$1\na\n" + BULK_FLUSH,
    "a word that is longer": b"*2\r\n$4\r\nECHO\r\n$1\r\nabc" + BULK_FLUSH,
    "minus words": b"*-1\r\n" + BULK_FLUSH,
    "quotes": b'ECHO "\r\nFLUSHALL\r\n"\r\n',
    "a backslash": b"ECHO \\x0d\\x0aFLUSHALL\r\nFLUSHALL\r\n",
    "a zero byte": b"PING\0\r\nFLUSHALL\r\n",
    "a vertical tab": b"\x0bFLUSHALL\r\n",
    "pipelined behind reading": array(b"GET", b"canary") * 3 + BULK_FLUSH,
    "lower case": array(b"fLuShAlL", b"async"),
    "a name with a blank": array(b"FLUSHALL ") + BULK_FLUSH,
    "a database besides": array(b"SELECT", b"1") + array(b"SWAPDB", b"0", b"1"),
}
LOSING = {
    "EVAL": array(b"EVAL", b"return redis.call('flushdb')", b"0"),
    "EVAL by halves": array(b"EVAL", b"return redis.call('flu'..'shall')", b"0"),
    "EVALSHA": array(b"EVALSHA", b"a" * 40, b"0"),
    "FUNCTION LOAD": array(b"FUNCTION", b"LOAD", b"#!lua name=x\nredis.register_function('x', function() end)"),
    "FUNCTION FLUSH": array(b"FUNCTION", b"FLUSH"),
    "FUNCTION RESTORE": array(b"FUNCTION", b"RESTORE", b"x"),
    "FCALL": array(b"FCALL", b"x", b"0"),
    "SCRIPT LOAD": array(b"SCRIPT", b"LOAD", b"return redis.call('flushall')"),
    "FLUSHALL": array(b"FLUSHALL", b"SYNC"),
    "FLUSHDB": array(b"flushdb"),
    "FLUSHALL inline": b"FLUSHALL\n",
    "MULTI": array(b"MULTI") + array(b"FLUSHALL") + array(b"EXEC"),
    "SWAPDB": array(b"SWAPDB", b"0", b"1"),
    "REPLICAOF": array(b"REPLICAOF", b"127.0.0.1", b"1"),
    "SLAVEOF": array(b"SLAVEOF", b"127.0.0.1", b"1"),
    "DEBUG": array(b"DEBUG", b"RELOAD", b"NOSAVE"),
    "SHUTDOWN": array(b"SHUTDOWN", b"NOSAVE"),
    "MIGRATE": array(b"MIGRATE", b"127.0.0.1", b"1", b"canary", b"0", b"9"),
    "MODULE LOAD": array(b"MODULE", b"LOAD", b"/x.so"),
    "CONFIG SET dir": array(b"CONFIG", b"SET", b"dir", b"/tmp"),
    "CONFIG SET two": array(b"CONFIG", b"SET", b"timeout", b"0", b"appendonly", b"no"),
    "CONFIG SET maxmemory": array(b"CONFIG", b"SET", b"maxmemory", b"1"),
    "CONFIG SET maxmemory just above": array(b"CONFIG", b"SET", b"maxmemory", b"2mb")
    + array(b"SETRANGE", b"x", b"2000000", b"x"),
    "CONFIG SET a policy and a limit": array(
        b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-random", b"maxmemory", b"1100k"
    ),
    "CONFIG SET a sum twice": array(b"CONFIG", b"SET", b"maxmemory", b"1gb", b"MAXMEMORY", b"1"),
    "CONFIG SET by a pattern": array(b"CONFIG", b"SET", b"maxmem*", b"1"),
    "CONFIG REWRITE": array(b"CONFIG", b"REWRITE"),
    "CLIENT PAUSE": array(b"CLIENT", b"PAUSE", b"100", b"WRITE"),
    "FAILOVER": array(b"FAILOVER", b"ABORT"),
    "MONITOR": array(b"MONITOR"),
    "GEORADIUS": array(b"GEORADIUS", b"x", b"1", b"1", b"1", b"m", b"STORE", b"canary"),
    "HELLO, then FLUSHALL": array(b"HELLO", b"3", b"AUTH", b"default", PASSWORD.encode(), b"SETNAME", b"x")
    + BULK_FLUSH,
    "in a subscription": array(b"PUBSUB", b"CHANNELS") + array(b"PING") + array(b"FLUSHDB", b"ASYNC"),
    "MOVE": array(b"MOVE", b"canary", b"1"),
    "CLUSTER FLUSHSLOTS": array(b"CLUSTER", b"FLUSHSLOTS"),
    "SCRIPT FLUSH": array(b"SCRIPT", b"FLUSH"),
    "FUNCTION DELETE": array(b"FUNCTION", b"DELETE", b"x"),
    "FCALL_RO": array(b"FCALL_RO", b"x", b"0"),
    "REPLCONF": array(b"REPLCONF", b"listening-port", b"1"),
    "SYNC inline": b"SYNC\r\n",
    "ACL SETUSER": array(b"ACL", b"SETUSER", b"x", b"on", b"nopass", b"+@all", b"~*"),
    "LATENCY, then a name with a tab": array(b"LATENCY", b"LATEST") + array(b"FLUSHALL\t"),
    "OBJECT, then DEBUG": array(b"OBJECT", b"ENCODING", b"canary") + array(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0"),
    "a subcommand by a bar": array(b"CONFIG|SET", b"dir", b"/tmp"),
    "a subcommand of nothing": array(b"CONFIG", b""),
    "MODULE": array(b"MODULE", b"LOADEX", b"/x.so"),
    "CONFIG SET maxmemory in kilobytes": array(b"config", b"set", b"maxmemory", b"1kb"),
    "ACL": array(b"ACL", b"DELUSER", b"default"),
    "RESTORE-ASKING": array(b"RESTORE-ASKING", b"canary", b"0", b"x"),
    "CLUSTER": array(b"CLUSTER", b"RESET"),
    "PFDEBUG": array(b"PFDEBUG", b"GETREG", b"canary"),
    "PSYNC": array(b"PSYNC", b"?", b"-1"),
}
# at mutating: nothing is named in them that is lost, and somebody is turned away, let in, or made to give way
TURNING_AWAY = {
    "no password any more": array(b"CONFIG", b"SET", b"requirepass", b""),
    "a short password": array(b"CONFIG", b"SET", b"requirepass", b"a"),
    "a password without a value": array(b"CONFIG", b"SET", b"requirepass"),
    "a master without a password": array(b"CONFIG", b"SET", b"masterauth", b""),
    "one client": array(b"CONFIG", b"SET", b"maxclients", b"1"),
    "fewer clients": array(b"CONFIG", b"SET", b"timeout", b"0", b"maxclients", b"500"),
    "clients of no number": array(b"CONFIG", b"SET", b"maxclients", b"0x10"),
    "clients that are idle": array(b"CONFIG", b"SET", b"timeout", b"1"),
    "clients that read slowly": array(b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 1 1 1"),
    "clients by their memory": array(b"CONFIG", b"SET", b"maxmemory-clients", b"1"),
    "words that are long": array(b"CONFIG", b"SET", b"proto-max-bulk-len", b"1mb"),
    "a replica": array(b"CONFIG", b"SET", b"repl-timeout", b"1"),
    "a replica's backlog": array(b"CONFIG", b"SET", b"repl-backlog-size", b"1"),
    "all writers": array(b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction", b"maxmemory", b"1"),
    "all writers, another order": array(b"CONFIG", b"SET", b"maxmemory", b"1kb", b"maxmemory-policy", b"noeviction"),
    "half a gigabyte by SETRANGE": array(b"SETRANGE", b"x", b"536870000", b"x"),
    "half a gigabyte by SETBIT": array(b"SETBIT", b"x", b"4294967295", b"1"),
    "half a gigabyte by BITFIELD": array(b"BITFIELD", b"x", b"SET", b"u8", b"#536870000", b"1"),
    "half a gigabyte by BITFIELD, later": array(
        b"BITFIELD", b"x", b"GET", b"u8", b"0", b"OVERFLOW", b"SAT", b"INCRBY", b"u8", b"4294967000", b"1"
    ),
    "in a transaction": array(b"MULTI") + array(b"SETBIT", b"x", b"4294967295", b"1") + array(b"EXEC"),
    "a group passes over": array(b"XGROUP", b"SETID", b"stream", b"g", b"$"),
    "everybody, by their kind": array(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"no"),
    "everybody, by their user": array(b"CLIENT", b"KILL", b"USER", b"default"),
    "everybody, by what they reach": array(b"CLIENT", b"KILL", b"LADDR", b"127.0.0.1:6379"),
    "everybody but oneself": array(b"CLIENT", b"KILL", b"SKIPME", b"yes"),
    "an address of the old form": array(b"CLIENT", b"KILL", b"127.0.0.1:1"),
    "clients that are old": array(b"CLIENT", b"KILL", b"MAXAGE", b"1"),
    "a client and more": array(b"CLIENT", b"KILL", b"ID", b"1", b"TYPE", b"pubsub"),
    "a client of no number": array(b"CLIENT", b"KILL", b"ID", b"-1"),
    "what was measured": array(b"CONFIG", b"RESETSTAT"),
    "what was slow": array(b"SLOWLOG", b"RESET"),
    "what came late": array(b"LATENCY", b"RESET"),
    "a script of everybody": array(b"SCRIPT", b"FLUSH", b"ASYNC"),
    "a subcommand in a long spelling": array(b"CLIENT", b"kill\x00", b"ID", b"1"),
    "the log of refusals": array(b"ACL", b"LOG", b"RESET"),
    "where it is saved": array(b"CONFIG", b"SET", b"dbfilename", b"x.rdb"),
    "how it is saved": array(b"CONFIG", b"SET", b"save", b""),
    "that it is saved": array(b"CONFIG", b"SET", b"stop-writes-on-bgsave-error", b"no", b"appendfsync", b"no"),
    "where it listens": array(b"CONFIG", b"SET", b"bind", b"127.0.0.9"),
    "on which port": array(b"CONFIG", b"SET", b"port", b"0"),
    "who may do what": array(b"CONFIG", b"SET", b"acllog-max-len", b"0"),
    "for how long": array(b"CONFIG", b"SET", b"lua-time-limit", b"5000", b"oom-score-adj", b"absolute"),
    "writers, by a pause": array(b"CLIENT", b"PAUSE", b"1000000"),
    "writers, by a failover": array(b"FAILOVER", b"TO", b"127.0.0.1", b"1", b"FORCE"),
    "a blocked server": array(b"DEBUG", b"SLEEP", b"100"),
    "a crash": array(b"DEBUG", b"SEGFAULT"),
    "the log of what was slow, by its length": array(b"CONFIG", b"SET", b"slowlog-max-len", b"0"),
    "the same, by the fewest": array(b"CONFIG", b"SET", b"slowlog-max-len", b"1"),
    "the same, by everything": array(b"CONFIG", b"SET", b"slowlog-log-slower-than", b"0"),
    "the same, by nothing": array(b"CONFIG", b"SET", b"slowlog-log-slower-than", b"-1"),
    "what the server says": array(b"CONFIG", b"SET", b"loglevel", b"nothing"),
    "who listens": array(b"CONFIG", b"SET", b"notify-keyspace-events", b""),
    "who listens for more": array(b"CONFIG", b"SET", b"timeout", b"0", b"notify-keyspace-events", b"K"),
    "everybody, while a script runs": array(b"CONFIG", b"SET", b"lua-time-limit", b"1"),
    "everybody, by another name of it": array(b"CONFIG", b"SET", b"busy-reply-threshold", b"0"),
    "everybody, by tidying up": array(b"CONFIG", b"SET", b"active-defrag-cycle-max", b"99"),
    "everybody, by giving way": array(b"CONFIG", b"SET", b"maxmemory-eviction-tenacity", b"100"),
    "everybody, by its clock": array(b"CONFIG", b"SET", b"hz", b"500"),
    "who reads in a group": array(b"XREADGROUP", b"GROUP", b"g", b"c", b"NOACK", b"STREAMS", b"stream", b">"),
    "who reads in a group, later": array(
        b"xreadgroup", b"group", b"g", b"c", b"count", b"9", b"noack", b"streams", b"stream", b">"
    ),
    "a payload that is judged by nobody": array(b"RESTORE", b"x", b"0", b"\x0f\xff\x00\x09\x00", b"REPLACE"),
}
# at both risks: they only read, and the server's memory, or its time for everybody else, goes
TAKING_DOWN = {
    "a product of two texts": array(b"LCS", b"canary", b"canary", b"IDX"),
    "its length alone": array(b"lcs", b"canary", b"canary", b"LEN"),
    "a thousand million of one": array(b"SRANDMEMBER", b"canary", b"-1000000000"),
    "half a million of one": array(b"srandmember", b"canary", b"-500000"),
    "as many as there are numbers": array(b"SRANDMEMBER", b"canary", b"-9223372036854775807"),
    "of a hash": array(b"HRANDFIELD", b"canary", b"-1000000000", b"WITHVALUES"),
    "of a sorted set": array(b"ZRANDMEMBER", b"canary", b"-1000000000", b"WITHSCORES"),
    "in a number of no kind": array(b"ZRANDMEMBER", b"canary", b"-0x7fffffff"),
    "one text, many times": array(b"MGET", *[b"canary"] * 1000),
    "one field, many times": array(b"HMGET", b"canary", *[b"field"] * 1000),
    "one stream, many times": array(b"XREAD", b"STREAMS", *[b"stream"] * 1000, *[b"0"] * 1000),
    "one stream, twice": array(b"XREAD", b"COUNT", b"9", b"STREAMS", b"a", b"a", b"0", b"0"),
    "all keys": array(b"KEYS", b"*"),
    "all keys, by one that there is": array(b"keys", b"canary"),
}
