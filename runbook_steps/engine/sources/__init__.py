"""One file of a project becomes values: features, pages, alerts, feedback, parameters, steps.

It may import text, model, settings, git and errors.
It never looks at the whole project, never imports or runs what it reads, and writes the feedback alone.
"""
