"""Programs that a locked-down command tries, a line each: on files, pipes and devices, processes, and the machine.

`V` is a file of others, `D` its folder, `PIPE` a pipe with something for somebody, `PTS` a terminal, `O` the number of
a process, `PORT` and `ABSTRACT` what somebody listens on. `call` is a system call by its number on x86-64.
"""

from __future__ import annotations

__all__ = ["FILES", "LATER", "MACHINE", "PRELUDE", "PROCESSES", "SOCKETS"]

PRELUDE = '''
import mmap, threading, time
L = ctypes.CDLL(None, use_errno=True); call = L.syscall; L.mmap.restype = ctypes.c_void_p
DOWN = struct.pack('IHHIIBxHiII', 32, 16, 5, 1, 0, 0, 0, 1, 0, 1)
def print(*what): os.write(1, f"{' '.join(map(str, what))}\\n".encode())
def raced(act):
    """While a link leads to one's own file, and to the other one, in turn."""
    open('mine', 'w').write('x'); end = time.time() + 0.4
    def turn():
        while time.time() < end:
            for to in ('mine', V):
                with contextlib.suppress(OSError): os.symlink(to, 'next'); os.rename('next', 'turning')
    thread = threading.Thread(target=turn); thread.start()
    while time.time() < end:
        with contextlib.suppress(OSError): act('turning')
    thread.join()
def mine(text='gone'):
    open('mine', 'w').write(text); return os.open('mine', os.O_RDONLY)
def each(lines):
    many = 0
    for line in filter(None, lines.splitlines()):
        if os.fork() == 0:
            try: exec(line)
            finally: os._exit(0)
        os.wait(); many += 1
    print(many)
'''
FILES = """
raced(lambda at: open(at, 'a').write('gone'))
raced(lambda at: os.chmod(at, 0o777))
raced(lambda at: os.utime(at, (1, 1)))
raced(lambda at: os.chown(at, 12, 12))
raced(lambda at: os.truncate(at, 0))
raced(lambda at: os.setxattr(at, 'user.x', b'y'))
f = os.open(V, os.O_RDONLY); os.write(os.open(f'/proc/self/fd/{f}', os.O_WRONLY), b'gone')
open('/proc/self/root' + V, 'a').write('gone')
open('/proc/self/cwd/../victim', 'a').write('gone')
open('/proc/thread-self/cwd/../victim', 'w').write('gone')
os.write(os.open(V, os.O_ACCMODE), b'gone')
os.ftruncate(os.open(V, os.O_ACCMODE), 0)
f = os.open(D, os.O_TMPFILE | os.O_RDWR); os.link(f'/proc/self/fd/{f}', D + '/new', follow_symlinks=True)
f = os.open('.', os.O_TMPFILE | os.O_RDWR); os.link(f'/proc/self/fd/{f}', D + '/new', follow_symlinks=True)
f = os.open(V, os.O_RDONLY); os.link(f'/proc/self/fd/{f}', 'l1', follow_symlinks=True); open('l1', 'a').write('gone')
f = os.open(V, os.O_PATH); call(265, f, b'', -100, b'l2', 0x1000); open('l2', 'a').write('gone')
mmap.mmap(os.open(V, os.O_RDONLY), 4, mmap.MAP_SHARED, mmap.PROT_WRITE | mmap.PROT_READ)[0:4] = b'gone'
a = ctypes.c_void_p(L.mmap(None, 4096, 1, 1, os.open(V, 0), 0)); L.mprotect(a, 4096, 3) or ctypes.memmove(a, b'gone', 4)
os.sendfile(os.open(V, os.O_RDONLY), mine(), 0, 4)
os.copy_file_range(mine(), os.open(V, os.O_RDONLY), 4)
a, b = os.pipe(); os.write(b, b'gone'); os.splice(a, os.open(V, os.O_RDONLY), 4)
call(285, os.open(V, os.O_RDONLY), 3, 0, 4)
os.ftruncate(os.open(V, os.O_RDONLY), 0)
os.open(V, os.O_RDONLY | os.O_TRUNC)
os.fchmod(os.open(V, os.O_RDONLY), 0o777)
call(452, os.open(V, os.O_PATH), b'', 0o777, 0x1000)
call(280, os.open(V, os.O_PATH), b'', struct.pack('qqqq', 1, 0, 1, 0), 0x1000)
call(260, os.open(V, os.O_PATH), b'', 12, 12, 0x1000)
os.setxattr(V, 'system.posix_acl_access', bytes.fromhex('02000000 01000700ffffffff 04000700ffffffff 20000700ffffffff'))
os.setxattr(os.open(V, os.O_RDONLY), 'trusted.x', b'y')
mine(); call(316, -100, b'mine', -100, V.encode(), 2)
call(316, -100, V.encode(), -100, b'other', 4)
m = os.memfd_create('x', 0); os.write(m, open('/bin/sh', 'rb').read()); os.execve(m, ['sh', '-c', '>' + V], {})
m = os.memfd_create('x', 0); os.write(m, b'#!/bin/sh\\nrm -f ' + V.encode()); os.execve(f'/proc/self/fd/{m}', ['x'], {})
L.unshare(0x10020000); mine(); L.mount(b'mine', V.encode(), None, 4096, None); open(V, 'a').write('gone')
L.unshare(0x10000000); L.chroot(b'/proc/self/root'); open(V, 'a').write('gone')
L.unshare(0x10020000); f = call(430, b'tmpfs', 0); call(428, -100, b'/', 1); call(442, -100, b'/', 0, 0, 0)
fcntl.fcntl(os.dup(os.open(V, os.O_RDONLY)), 1024, 0)
fcntl.fcntl(os.open(D, os.O_DIRECTORY), 1026, 0x8000001f)
os.read(os.open(PIPE, os.O_RDONLY | os.O_NONBLOCK | os.O_CREAT, 0o600), 9)
os.read(os.open(PIPE, os.O_RDONLY | os.O_NONBLOCK | os.O_TRUNC), 9)
os.read(call(437, -100, PIPE.encode(), struct.pack('QQQ', os.O_NONBLOCK | os.O_CREAT, 0o600, 0), 24), 9)
os.read(os.open(PIPE, os.O_RDWR | os.O_NONBLOCK), 9)
os.write(os.open(PIPE, os.O_WRONLY | os.O_NONBLOCK), b'evil')
a, b = os.pipe(); call(275, os.open(PIPE, os.O_NONBLOCK | os.O_CREAT), None, b, None, 9, 0)
print('open', os.open(PTS, os.O_RDONLY | os.O_CREAT | os.O_NOCTTY | os.O_NONBLOCK))
print('open', os.open(PTS, os.O_ACCMODE | os.O_NOCTTY | os.O_NONBLOCK))
print('open') if call(437, -100, PTS.encode(), struct.pack('QQQ', 0o404403, 0, 0), 24) >= 0 else 0
"""
PROCESSES = """
print('taken') if not L.ptrace(0x4206, O, 0, 0) else 0
print('read') if call(310, O, (ctypes.c_long * 2)(id(V), 8), 1, (ctypes.c_long * 2)(id(V), 8), 1, 0) > 0 else 0
open(f'/proc/{O}/mem', 'rb').read(1); print('read')
open(f'/proc/{O}/environ', 'rb').read(); print('read')
open(f'/proc/{os.getppid()}/../{O}/environ', 'rb').read(); print('read')
open(f'/proc/{O}/oom_score_adj', 'w').write('1000')
open(f'/proc/{O}/timerslack_ns', 'w').write('1000000')
open(f'/proc/{O}/comm', 'w').write('x')
open(f'/proc/{O}/coredump_filter', 'w').write('0')
open(f'/proc/{O}/autogroup', 'w').write('19')
call(302, O, 7, struct.pack('QQ', 3, 3), None)
os.killpg(os.getpgid(O), 9)
os.kill(O, 19)
call(234, O, O, 9)
call(129, O, 9, ctypes.create_string_buffer(128))
call(424, os.open(f'/proc/{O}', os.O_DIRECTORY), 9, None, 0)
call(424, os.pidfd_open(O), 9, None, 4)
L.prctl(62, 2, O, 1, 0)
os.sched_setaffinity(O, {0})
os.sched_setscheduler(O, os.SCHED_IDLE, os.sched_param(0))
os.setpriority(os.PRIO_PGRP, os.getpgid(O), 19)
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)); print('first')
os.nice(-5); print('first')
os.setuid(12); print('another')
"""
SOCKETS = """
L.unshare(0x50000000); socket.socket().connect(('127.0.0.1', PORT)); print('there')
socket.socket(1).connect('\\0' + ABSTRACT); print('there')
socket.socket(1, 5).connect('\\0' + ABSTRACT); print('there')
socket.socket(1).bind('\\0hostile'); print('bound')
socket.socket(16, 3, 9); print('audit')
socket.socket(16, 2, 15).bind((0, 1)); print('events')
socket.socket(16, 2, 11); print('connector')
s = socket.socket(16, 3, 0); s.send(DOWN); s.recv(99)[16] or print('down')
socket.socket(2, 2, 1).sendto(bytes(8), ('127.0.0.1', 0)); print('sent')
socket.socket(10, 2).sendto(b'x', ('::1', 9)); print('sent')
socket.socket(2, 2 | socket.SOCK_NONBLOCK).sendto(b'x', ('127.0.0.1', 9)); print('sent')
socket.socket(2, 2, 136); print('made')
socket.socket(2, 1, 256); print('made')
socket.socket(43, 1, 0); print('made')
socket.create_connection(('0.0.0.0', PORT), 3); print('there')
socket.socket(10).connect(('::1', PORT)); print('there')
socket.socket(10).connect(('::ffff:127.0.0.1', PORT)); print('there')
s = socket.socket(); s.setsockopt(6, 30, 1); s.connect(('127.0.0.1', PORT)); print('there')
socket.socket().sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', PORT)); print('there')
s = socket.socket(); s.setsockopt(1, 15, 1); s.bind(('127.0.0.1', PORT)); print('bound')
"""
MACHINE = """
print('ring') if call(425, 8, ctypes.create_string_buffer(120)) >= 0 else 0
print('queue') if not call(206, 60000, ctypes.byref(ctypes.c_ulong())) else 0
L.unshare(0x10000000); open('/proc/self/uid_map', 'w').write('0 0 1'); print('mapped')
open('/dev/shm/hostile', 'w').write('x'); print('made')
print('memory') if call(29, 1234, 4096, 0o1666) >= 0 else 0
print('queue') if call(240, b'hostile', 0o102, 0o600, None) >= 0 else 0
print('key') if call(248, b'user', b'x', b'y', 1, -3) >= 0 else 0
f = os.open('/dev/tty', os.O_RDWR); fcntl.ioctl(f, 0x5412, b'x'); print('typed')
a, b = os.openpty(); fcntl.ioctl(b, 0x5412, b'x'); print('typed')
a, b = os.openpty(); fcntl.ioctl(a, 0x541D); print('console')
os.mknod('disk', 0o060600, os.makedev(254, 0)); print('made')
os.mknod('memory', 0o020600, os.makedev(1, 1)); print('made')
os.open('/dev/vda', os.O_RDWR); print('open')
open('/proc/sys/vm/drop_caches', 'w').write('3'); print('written')
open('/proc/sysrq-trigger', 'w').write('s'); print('written')
open('/sys/fs/cgroup/cgroup.procs', 'w').write(str(os.getpid())); print('written')
open('/sys/kernel/mm/transparent_hugepage/enabled', 'w').write('never'); print('written')
os.open('/proc/pressure/cpu', os.O_RDWR); print('open')
print('open') if call(304, os.open('/', 0), ctypes.create_string_buffer(64), 0) >= 0 else 0
print('set') if L.adjtimex(struct.pack('Iqqqqiqq', 2, 0, 5, 0, 0, 0, 0, 0) + bytes(200)) >= 0 else 0
"""
LATER = """
fcntl.flock(os.open(D, os.O_DIRECTORY), fcntl.LOCK_EX | fcntl.LOCK_NB); print('locked')
mine(); os.symlink('x', D + '/new')
mine(); os.rename('mine', D + '/new')
mine(); os.link('mine', D + '/new')
os.mkdir(D + '/new')
os.unlink('victim', dir_fd=os.open(D, os.O_DIRECTORY))
os.rename('victim', 'other', src_dir_fd=os.open(D, os.O_DIRECTORY))
os.chmod(D, 0o777)
os.utime(D, (1, 1))
os.chown(D, 12, 12)
os.chmod('/proc/self/cwd/..', 0o700)
os.removexattr(V, 'user.y')
open(f'/proc/{O}/fd/0', 'rb').read(1); print('read')
os.readlink(f'/proc/{O}/cwd'); print('read')
open(f'/proc/{O}/root' + V, 'a').write('gone')
open(f'/proc/{O}/cwd/victim', 'a').write('gone')
open('/proc/self/loginuid', 'w').write('7'); print('set')
open('/proc/self/setgroups', 'w').write('deny'); print('set')
open('/proc/self/attr/current', 'w').write('x'); print('set')
open('/dev/kmsg', 'w').write('hostile'); print('written')
os.open('/dev/mem', os.O_RDONLY); print('open')
os.open('/dev/port', os.O_RDONLY); print('open')
os.open('/dev/net/tun', os.O_RDWR); print('open')
os.open('/dev/fuse', os.O_RDWR); print('open')
os.open('/dev/watchdog', os.O_RDONLY); print('open')
os.open('/dev/loop-control', os.O_RDONLY); print('open')
os.open('/dev/rtc0', os.O_RDONLY); print('open')
os.setpgid(O, 0); print('moved')
L.setpgid(O, os.getpid()) == 0 and print('moved')
s = socket.socket(); s.listen(); print('listens')
s = socket.socket(10); s.listen(); print('listens')
s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen(); print('listens')
s = socket.socket(); s.bind(('', 0)); s.listen(5); print('listens')
s = socket.socket(10); s.bind(('::', 0)); s.listen(); print('listens')
s = socket.socket(10); s.bind(('::ffff:0.0.0.0', 0)); s.listen(); print('listens')
open('/proc/sys/kernel/pty/max', 'w').write('1'); print('set')
open('/proc/sys/fs/file-max', 'w').write('1'); print('set')
os.setresuid(12, 12, 12); print('another')
os.setgroups([1]); print('another')
L.setfsuid(12); L.setfsuid(-1) == 12 and print('another')
L.unshare(0x04000000) or L.sethostname(b'x', 1) or print('named')
L.swapoff(b'/swapfile') or print('off')
"""
