"""The stand-in of the platform: the reference API and the targets that run it.

It may import the engine.
It never is kinder than production.
"""
