"""PostgreSQL as people reach it: an address as they write it, and a lock that holds.

It may import errors. It starts no process and reads no project.
"""
