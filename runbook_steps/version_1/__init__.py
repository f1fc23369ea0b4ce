"""What became of the 1.0 document: coverage and corrections.

It may import the engine.
It never drops a line of that document.
"""
