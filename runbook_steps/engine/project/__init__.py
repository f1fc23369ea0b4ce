"""The whole project: all runbooks with their pages, and one way to find a runbook by its name.

It may import sources and what is below it.
It never runs a command, and writes nothing.
"""
