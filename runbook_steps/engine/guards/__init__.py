"""What a command may do is decided where its requests pass, not by what its tag or text claims.

It may import text, model, settings and errors.
It never forwards what it did not judge.
"""
