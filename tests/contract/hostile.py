"""The hostile commands: what each tries, and what the failure must say that it tried.

A row is a name, a command, and a part of the message. `{redis}`, `{postgres}`, `{unix}`, `{victim}` and `{other}` are
filled in: ports, a socket, a file and a process that are not the command's.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["HOSTILE", "ON_X86_64", "OUTSIDE", "SLEEP"]

OUTSIDE = Path("/var/tmp")
PYTHON = "import contextlib, ctypes, fcntl, os, signal, socket, struct, sys, urllib.parse as u"
SLEEP = "98765"  # seconds: a number by which the test finds the process


def python(*lines: str) -> str:
    """A command that is a Python program, in a here-document."""
    return "\n".join(["python3 - <<'PY'", PYTHON, *lines, "PY"])


def swallowed(*lines: str) -> str:
    """The same, and it fails at nothing: only what the guard says of it can turn the scenario red."""
    return python("with contextlib.suppress(Exception):", *(f"    {line}" for line in lines))


def called(number: int, *arguments: str) -> str:
    """A system call by its number on x86-64, which no library names; its failure is swallowed."""
    return python(f"ctypes.CDLL(None).syscall({', '.join([str(number), *arguments])})")


def sent(variable: str, request: bytes) -> str:
    """Bytes to the first service of a variable; whatever it answers is well."""
    return python(
        f"at = u.urlsplit(os.environ[{variable!r}].split()[0])",
        "with socket.create_connection((at.hostname, at.port), 3) as s:",
        f"    s.sendall({request!r}); s.recv(100)",
    )


HOSTILE: dict[str, tuple[str, str]] = {
    "Redis is emptied": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" FLUSHALL', "Redis: FLUSHALL"),
    "Redis runs a script": (
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" EVAL "return redis.call(\'flushall\')" 0 >/dev/null 2>&1 || :',
        "Redis: EVAL",
    ),
    "Redis by a bare connection": (
        'exec 3<>"/dev/tcp/$REDIS_HOST/$REDIS_PORT"; printf "FLUSHALL\\r\\n" >&3; timeout 3 cat <&3',
        "Redis: FLUSHALL",
    ),
    "Redis by a program": (
        python(
            "at = u.urlsplit(os.environ['REDIS_URL'])",
            "with socket.create_connection((at.hostname, at.port)) as s:",
            "    s.sendall(b'*3\\r\\n$3\\r\\nSET\\r\\n$6\\r\\nhostil\\r\\n$1\\r\\nx\\r\\n'); s.recv(100)",
        ),
        "Redis: SET",
    ),
    "HTTP posts": ('curl -sS -X POST "$API_BASE_URL/api/auth/otp/request" -d "{}"', "POST /api/auth/otp/request"),
    "HTTP hides in a shell": (
        "sh -c 'c=curl; $c -sS --data @- ${API_BASE_URL}/api/bookings < /dev/null' || true",
        "POST /api/bookings",
    ),
    "HTTP hides in a file": (
        'printf \'url = "%s/api/bookings/1"\\nrequest = "DELETE"\\n\' "$API_BASE_URL" > k; curl -sS -K k',
        "DELETE /api/bookings/1",
    ),
    "HTTP overrides its method": (
        'curl -sS -H "X-HTTP-Method-Override: DELETE" "$API_BASE_URL/api/bookings/1"',
        "DELETE /api/bookings/1",
    ),
    "HTTP avoids proxies": (
        'env -i PATH="$PATH" curl -sS --noproxy "*" -k -d "{}" "$API_BASE_URL/api/bookings" || true',
        "POST /api/bookings",
    ),
    "HTTP to an instance": ('curl -sS -d "{}" "${API_SLOTS%% *}/api/bookings"', "POST /api/bookings"),
    "HTTP to a third party": ('curl -sS -d "{}" "$TAP_API_URL/v2/charges"', "POST /tap/v2/charges"),
    "HTTP smuggles a second request": (
        python(
            "at = u.urlsplit(os.environ['API_SLOTS'].split()[0])",
            "with socket.create_connection((at.hostname, at.port)) as s:",
            "    s.sendall(b'GET /api/health HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\n'",
            "              b'Transfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n'",
            "              b'DELETE /api/bookings/1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')",
            "    sys.exit(0 if s.recv(10) else 3)",
        ),
        "a request that cannot be judged",
    ),
    "S3 removes": ('aws s3 rm "s3://$AWS_BACKUP_BUCKET/any"', "AWS: DELETE /"),
    "S3 puts": ('echo gone | aws s3 cp - "s3://$AWS_BACKUP_BUCKET/any" 2>/dev/null || true', "AWS: PUT /"),
    "The load balancer loses a target": (
        'aws elbv2 deregister-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets Id=10.20.0.11',
        "AWS: DeregisterTargets",
    ),
    "A direct connection, by the settings": (
        python(
            "for part in open('/proc/%d/environ' % os.getppid(), 'rb').read().split(b'\\0'): pass",
            "s = socket.create_connection(('127.0.0.1', {postgres}), 3)",
        ),
        "",
    ),
    "A direct connection, swallowed": (
        python("try: socket.create_connection(('127.0.0.1', {redis}), 3)", "except OSError: pass"),
        "Kernel: TCP to 127.0.0.1:{redis}, past the guard",
    ),
    "Multipath TCP": (
        python("s = socket.socket(2, 1, 262)", "s.connect(('127.0.0.1', {redis}))", "s.sendall(b'FLUSHALL\\r\\n')"),
        "Kernel: a socket for protocol 262",
    ),
    "TCP Fast Open": (
        python("s = socket.socket()", "s.sendto(b'FLUSHALL\\r\\n', 0x20000000, ('127.0.0.1', {redis}))"),
        "Kernel: TCP Fast Open",
    ),
    "UDP": ("echo gone > /dev/udp/127.0.0.1/9 || true", "Kernel: a socket for UDP"),
    "A UNIX socket": (
        python("s = socket.socket(socket.AF_UNIX)", "s.connect({unix!r})", "s.sendall(b'x')"),
        "Kernel: the UNIX socket {unix}",
    ),
    "A UNIX socket by its descriptor": (
        swallowed("f = os.open({unix!r}, os.O_PATH)", "socket.socket(1).connect(f'/proc/self/fd/{f}')"),
        "Kernel: the UNIX socket {unix}",
    ),
    "A UNIX socket by a link": (
        swallowed("os.symlink({unix!r}, 'own')", "socket.socket(1, 5).connect('own')"),
        "Kernel: the UNIX socket {unix}",
    ),
    "A UNIX datagram": (
        python("s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)", "s.sendto(b'x', {unix!r})"),
        "Kernel: a UNIX datagram socket",
    ),
    "A UNIX datagram that calls itself raw": (
        python("s = socket.socket(socket.AF_UNIX, socket.SOCK_RAW)", "s.sendto(b'x', {unix!r})"),
        "Kernel: a UNIX datagram socket",
    ),
    "A lock on a file": (swallowed("fcntl.flock(open({victim!r}), fcntl.LOCK_EX)"), "Kernel: locking {victim}"),
    "A lock on a file, by its tool": ("flock {victim} true || true", "Kernel: locking {victim}"),
    "A lease on a file": (swallowed("fcntl.fcntl(open({victim!r}), 1024, 0)"), "Kernel: leasing {victim}"),
    "The version of a file": (
        swallowed("fcntl.ioctl(os.open({victim!r}, os.O_RDONLY), 0x40087602, struct.pack('q', 7))"),
        "Kernel: changing the attributes of {victim}",
    ),
    "A file of the host": (f"echo gone > {OUTSIDE}/hostile-file", f"Kernel: opening {OUTSIDE}/hostile-file"),
    "A file of the host, swallowed": ("rm -f {victim} 2>/dev/null || true", "Kernel: removing {victim}"),
    "The mode of a file": ("chmod 000 {victim} || true", "Kernel: changing the mode of {victim}"),
    "The times of a file": ("touch -d 2001-01-01 {victim} || true", "Kernel: changing the times of {victim}"),
    "A link out of the folder": (
        "ln -s {victim} link; echo gone >> link || true",
        "Kernel: opening {victim} for writing",
    ),
    "A writer that stays": (
        f"nohup setsid env -i /bin/sh -c 'sleep {SLEEP}; echo gone > own' >/dev/null 2>&1 & sleep 0.2",
        "Kernel: left running when it ended: ",
    ),
    "A signal to others": ("kill -9 {other} || true", "Kernel: a signal to python"),
    "SQL that another encoding hides": (
        python(
            "import psycopg",
            "with psycopg.connect(os.environ['DATABASE_URL'], autocommit=True) as c:",
            "    c.pgconn.exec_(b\"set client_encoding='SJIS'; select 1\")",
        ),
        "PostgreSQL: SET client_encoding",
    ),
    "SQL in no encoding": (
        python(
            "import psycopg",
            "with psycopg.connect(os.environ['DATABASE_URL'], client_encoding='SJIS') as c:",
            "    c.pgconn.exec_(b\"select E'\\x95\\x5c'; commit; begin read write; delete from users; commit; --'\")",
        ),
        "PostgreSQL: SQL that is not UTF-8",
    ),
    "SQL that other quotes hide": (
        (
            "PGOPTIONS='-c standard_conforming_strings=off' psql -c "
            "\"select '\\''; commit; begin read write; delete from users; commit; --'\" || true"
        ),
        "PostgreSQL: SET standard_conforming_strings",
    ),
    "SQL in a text search": (
        "psql -c \"select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ''b''::tsquery')\" || true",
        "PostgreSQL: ts_rewrite()",
    ),
    "SQL made by SQL": ("psql <<'SQL' || true\nselect 'delete from bookings' \\gexec\nSQL", "PostgreSQL: DELETE"),
    "SQL explained": ("psql -c 'explain analyze delete from bookings' || true", "PostgreSQL: DELETE"),
    "SQL prepared by a driver": (
        swallowed(
            "import psycopg",
            "c = psycopg.connect(os.environ['DATABASE_URL'])",
            "c.execute('delete from bookings where id = %s', ['a'], prepare=True)",
        ),
        "PostgreSQL: DELETE",
    ),
    "SQL copied in": ("echo 1 | psql -c 'copy users from stdin' || true", "PostgreSQL: COPY other than TO STDOUT"),
    "SQL of a replica": (
        "psql 'dbname=postgres replication=database' -c 'IDENTIFY_SYSTEM' || true",
        "PostgreSQL: a replication connection",
    ),
    "SQL past the guard": (
        "PGHOSTADDR=127.0.0.1 PGPORT={postgres} psql -c 'delete from bookings' || true",
        "Kernel: TCP to 127.0.0.1:{postgres}, past the guard",
    ),
    "SQL's shell": ("psql -c '\\! echo gone > {victim}' || true", "Kernel: opening {victim} for writing"),
    "Redis by a script that reads": (
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" eval_ro "return redis.call(\'slowlog\', \'reset\')" 0 || true',
        "Redis: EVAL_RO",
    ),
    "Redis in a transaction": (
        swallowed(
            "import redis",
            "p = redis.from_url(os.environ['REDIS_URL'], protocol=3).pipeline()",
            "p.set('a', 1); p.execute()",
        ),
        "Redis: MULTI",
    ),
    "Redis in halves": (
        sent("REDIS_URL", b"*1\r\n$4\r\nPING\r\n*2\r\n$6\r\ngetDel\r\n$1\r\na\r\n"),
        "Redis: GETDEL",
    ),
    "Redis sorts into a key": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" sort a store b || true', "Redis: SORT"),
    "Redis pauses everybody": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" client pause 9 || true', "CLIENT PAUSE"),
    "HTTP splits a request": (
        sent("API_SLOTS", b"GET / HTTP/1.1\r\nHost: a\r\nX: b\n\nDELETE /api/bookings/1 HTTP/1.1\nHost: a\r\n\r\n"),
        "a request that cannot be judged (a control character in its head)",
    ),
    "HTTP in chunks": (
        'curl -sS -X POST -H "Transfer-Encoding: chunked" -d x "$API_BASE_URL/api/bookings" || true',
        "POST /api/bookings",
    ),
    "HTTP overrides its method twice": (
        'curl -sS -H "X-HTTP-Method-Override: GET" -H "X-HTTP-Method: DELETE" "$API_BASE_URL/api/bookings/1"',
        "DELETE /api/bookings/1",
    ),
    "HTTP overrides its method by a verb": (
        'curl -sS -H "X-HTTP-Verb: DELETE" "${API_SLOTS%% *}/api/bookings/1" || true',
        "DELETE /api/bookings/1",
    ),
    "HTTP overrides its method in a cookie": (
        'curl -sS -b "a=b; _method=DELETE" "${API_SLOTS%% *}/api/bookings/1" || true',
        "DELETE /api/bookings/1",
    ),
    "HTTP overrides its method in the path": (
        'curl -sS "${API_SLOTS%% *}/api/bookings/1;_method=DELETE" || true',
        "DELETE /api/bookings/1",
    ),
    "Redis tells its password": (
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" config get "r*" || true',
        "CONFIG GET of",
    ),
    "Redis tells its hashes": ('redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" acl list || true', "Redis: ACL LIST"),
    "Redis tells others": (
        'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" client tracking on redirect 1 bcast || true',
        "Redis: CLIENT TRACKING REDIRECT",
    ),
    "HTTP 2 at once": (
        'curl -sS --http2-prior-knowledge -d x "${API_SLOTS%% *}/api/bookings" || true',
        "a request that cannot be judged",
    ),
    "HTTP makes a tunnel": ('curl -sS -p -x "${API_SLOTS%% *}" http://127.0.0.1:{redis}/ || true', "CONNECT"),
    "HTTP names a whole URL": (
        sent("API_SLOTS", b"DELETE http://a/api/bookings/1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        "DELETE of something that is no plain path",
    ),
    "AWS sets an alarm": (
        "aws cloudwatch set-alarm-state --alarm-name a --state-value OK --state-reason x || true",
        "AWS: SetAlarmState",
    ),
    "A file is moved out": (
        swallowed("open('own', 'w').close()", "os.rename('own', '/var/tmp/hostile-file')"),
        "Kernel: moving to /var/tmp/hostile-file",
    ),
    "A file is linked in": (swallowed("os.link({victim!r}, 'own')"), "Kernel: linking {victim}"),
    "A pipe of the host": ("mkfifo /var/tmp/hostile-file || true", "Kernel: making /var/tmp/hostile-file"),
    "A socket of the host": (
        swallowed("socket.socket(socket.AF_UNIX).bind('/var/tmp/hostile-file')"),
        "Kernel: making the UNIX socket /var/tmp/hostile-file",
    ),
    "A port is listened on": (swallowed("socket.socket().bind(('127.0.0.1', 4444))"), "listening on TCP port 4444"),
    "The attributes of a file": (
        swallowed("os.setxattr({victim!r}, 'user.x', b'y')"),
        "Kernel: changing the attributes of {victim}",
    ),
    "The flags of a file": (
        swallowed("fcntl.ioctl(os.open({victim!r}, os.O_RDONLY), 0x40086602, struct.pack('q', 0x40))"),
        "Kernel: changing the attributes of {victim}",
    ),
    "The memory of another": (swallowed("open('/proc/{other}/mem', 'r+b')"), "Kernel: opening /proc/{other}/mem"),
    "The limits of another": ("prlimit --pid {other} --nofile=7:7 || true", "Kernel: the limits of python"),
    "The priority of another": ("renice -n 19 -p {other} || true", "Kernel: the priority of python"),
    "The priority of a user": (
        swallowed("os.setpriority(os.PRIO_USER, 0, 19)"),
        "Kernel: the priority of a group of processes",
    ),
    "The priority of a user, by a number": (
        swallowed("os.setpriority(os.PRIO_USER, os.getuid(), 19)"),
        "Kernel: the priority of a group of processes",
    ),
    "The priority of a user, by its tool": (
        'renice -n 19 -u "$(id -u)" || true',
        "Kernel: the priority of a group of processes",
    ),
    "The schedule of another": ("taskset -p 1 {other} || true", "Kernel: the schedule of python"),
    "A signal by a descriptor": (
        swallowed("signal.pidfd_send_signal(os.pidfd_open({other}), 9)"),
        "Kernel: a signal to python",
    ),
    "A signal at input": (
        swallowed("a, b = socket.socketpair(); fcntl.fcntl(a, fcntl.F_SETOWN, {other})"),
        "Kernel: a signal, at input, to python",
    ),
    "A signal to the overseer": ("kill -9 $PPID || true", "Kernel: a signal to python"),
    "The name of the machine": ("hostname hostile 2>/dev/null || true", "Kernel: the name of the machine"),
    "The clock of the machine": ("date -s 2001-01-01 >/dev/null 2>&1 || true", "Kernel: the clock of the machine"),
    "A program that keeps moving": (
        python(
            "import time",
            "def moved():",
            "    os.setsid(); end = time.time() + 20",
            "    while time.time() < end:",
            "        if os.fork(): os._exit(0)",
            "if os.fork() == 0: os.dup2(os.open('/dev/null', 1), 1); os.dup2(1, 2); moved()",
            "time.sleep(0.2)",
        ),
        "Kernel: left running when it ended: python3",
    ),
    "Processes without end": (
        swallowed("import time", "for _ in range(1000):", "    if os.fork() == 0: time.sleep(30); os._exit(0)"),
        "Kernel: more than 400 processes at once",
    ),
}
ON_X86_64 = {  # system calls by number
    "The disk's priority of a user": (called(251, "3", "0", "0x6000"), "the priority of a group of processes"),
    "The disk's priority of a group": (
        called(251, "2", "os.getpgid({other})", "0x6000"),
        "the priority of a group of processes",
    ),
    "A debugger": (called(101, "16", "{other}", "0", "0"), "Kernel: debugging python"),
    "Shared memory": (called(29, "0x1234", "4096", "0o1666"), "Kernel: System V shared memory"),
    "A message queue": (called(240, "b'hostile'", "0o102", "0o600", "None"), "Kernel: a message queue"),
    "A place in another's namespaces": (called(308, "os.open('/proc/self/ns/net', 0)", "0"), "a place among other"),
    "A program in the kernel": (called(321, "0", "bytes(120)", "72"), "Kernel: the kernel itself"),
    "A say in what others open": (called(300, "4", "0"), "Kernel: a say in what others open"),
    "A key of the kernel": (called(248, "b'user'", "b'hostile'", "b'x'", "1", "-4"), "Kernel: the kernel's keys"),
    "A file by a structure": (
        called(437, "-100", "{victim!r}.encode()", "struct.pack('QQQ', 0o1001, 0, 0)", "24"),
        "Kernel: opening {victim} for writing",
    ),
    "The times of a file, the old way": (
        called(132, "{victim!r}.encode()", "None"),
        "Kernel: changing the times of {victim}",
    ),
}
