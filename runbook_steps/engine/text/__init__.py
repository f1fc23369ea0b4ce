"""Text in, text out: what is safe to show, to print, to write, and what is a secret.

It may import errors and model.
It never asks a service, starts a process or reads a project.
"""
