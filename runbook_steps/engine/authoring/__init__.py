"""New runbooks and moved ones: files as text, ready to be written.

It may import project, sources and text.
It never overwrites what a person wrote.
"""
