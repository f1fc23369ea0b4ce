"""The guided run: a procedure with questions, on a terminal, by a person.

It may import run and everything below it, and the pytest side that carries it.
It never answers for the person.
"""
