"""The site: macros, navigation and words of the pages.

It may import project, proof, sources and text, and the pure plan of a run.
It never runs a command: a docs build executes nothing.
"""
