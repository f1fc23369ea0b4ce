"""Procedures broken on purpose: the variants of a scenario, what became of each, and the workers that try them.

It may import run and everything below it.
It never changes a file of the project.
"""
