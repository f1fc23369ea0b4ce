"""The commands of `ioctl` and `fcntl` that a read-only command may give: they look, or act on itself.

By allowlist: a file system, a driver or a newer kernel has commands that nobody has heard of here. Numbers:
linux asm-generic/ioctls.h, fs.h, sockios.h, fcntl.h; the same on x86-64 and aarch64. Standard library only.
"""

from __future__ import annotations

__all__ = ["FCNTL", "IOCTL", "LOCKS", "READ_LOCKING"]

IOCTL = frozenset({
    # the command's own terminal (those of others cannot be opened)
    0x5401, 0x5402, 0x5403, 0x5404,  # TCGETS, TCSETS, TCSETSW, TCSETSF
    0x802C542A, 0x402C542B, 0x402C542C, 0x402C542D,  # TCGETS2, TCSETS2, TCSETSW2, TCSETSF2
    0x5405, 0x5409, 0x540A, 0x540B,  # TCGETA, TCSBRK, TCXONC, TCFLSH
    0x540E, 0x540F, 0x5410, 0x5422, 0x5429,  # TIOCSCTTY, TIOCGPGRP, TIOCSPGRP, TIOCNOTTY, TIOCGSID
    0x5411, 0x5413, 0x5414, 0x541B,  # TIOCOUTQ, TIOCGWINSZ, TIOCSWINSZ, FIONREAD
    0x80045430, 0x40045431, 0x5441, 0x80045432,  # TIOCGPTN, TIOCSPTLCK, TIOCGPTPEER, TIOCGDEV
    # its own descriptors
    0x5421, 0x5450, 0x5451,  # FIONBIO, FIONCLEX, FIOCLEX
    # what a file is
    0x80086601, 0x80087601, 0x801C581F, 0xC020660B,  # FS_IOC_GETFLAGS, _GETVERSION, _FSGETXATTR, _FIEMAP
    0x80111500, 0x81009431, 0x80806617,  # FS_IOC_GETFSUUID, _GETFSLABEL, _GETFSSYSFSPATH
    0x40049409, 0x4020940D,  # FICLONE, FICLONERANGE: into a file that is open for writing
    # what a disk is
    0x1260, 0x1268, 0x80081272, 0x127B, 0x125E, 0x1278, 0x1279, 0x127A,  # BLKGETSIZE, BLKSSZGET, BLKGETSIZE64 …
    # what the network is
    0x8910, 0x8912, 0x8913, 0x8915, 0x8917, 0x8919, 0x891B, 0x891D,  # SIOCGIFNAME, _CONF, _FLAGS, _ADDR, _DSTADDR …
    0x8921, 0x8927, 0x8933, 0x8938, 0x8942, 0x8905, 0x8907, 0x8906,  # SIOCGIFMTU, _HWADDR, _INDEX …
    # what a namespace or a process is
    0xB701, 0xB702, 0xB703, 0xB704, 0xC040FF0B,  # NS_GET_USERNS, _PARENT, _NSTYPE, _OWNER_UID, PIDFD_GET_INFO
})  # fmt: skip

FCNTL = frozenset({
    0, 1, 2, 3, 4, 1030,  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
    5, 36, 9, 11, 16, 17, 1025,  # F_GETLK, F_OFD_GETLK, F_GETOWN, F_GETSIG, F_GETOWN_EX, F_GETOWNER_UIDS, F_GETLEASE
    10,  # F_SETSIG: which signal, to whom is asked
    1027, 1028, 1032, 1034, 1035, 1037, 1039,  # F_DUPFD_QUERY, F_CREATED_QUERY, F_GETPIPE_SZ, F_GET_SEALS, hints
    1033,  # F_ADD_SEALS: on memory, which nobody else has
})  # fmt: skip

LOCKS = {6: "locking", 7: "locking", 37: "locking", 38: "locking", 1024: "leasing", 1026: "being told of changes in",
         1031: "the size of the pipe", 1036: "hints for", 1038: "hints for", 1040: "hints for"}  # fmt: skip
"""The commands of `fcntl` that are judged by the file: F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE …"""
READ_LOCKING = frozenset({6, 7, 37, 38})
"""Those with a `struct flock`."""
