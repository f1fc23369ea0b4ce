"""What `runbooks check` refuses: in pages, features, references, habits and drift.

It may import site, project, proof, sources and what is below.
It never changes a file.
"""
