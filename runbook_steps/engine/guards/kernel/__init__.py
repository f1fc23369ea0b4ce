"""What the kernel enforces on a command: Landlock, seccomp and the overseer behind it.

It may import errors and the standard library.
It never trusts what a process says of itself.
"""
