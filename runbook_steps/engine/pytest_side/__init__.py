"""The side that pytest sees: plugin, collection, session, fixtures, the steps that run commands.

It may import run and everything below it.
It alone imports pytest and pytest-bdd.
"""
