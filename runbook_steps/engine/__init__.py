"""The engine: runbooks that are proven, for any project.

It may import only itself and the libraries of the lock file.
It never imports the house around it, nor names a company, a service or a table.
"""
