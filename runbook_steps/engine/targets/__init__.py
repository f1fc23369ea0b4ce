"""Systems that scenarios run on, by protocol and by name; the live ones.

It may import guards, sources, text, model, settings and errors.
It never imports a concrete disposable target: those come by entry point.
"""
