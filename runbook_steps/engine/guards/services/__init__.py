"""Relays and policies of each protocol: SQL, Redis, HTTP, AWS, Kubernetes.

It may import text, model and errors.
It never forwards what it did not judge.
"""
