"""The quarterly review: what is due, what changed, whose signature stands.

It may import project, proof, sources and text.
It never dates a page by itself: a person signs.
"""
