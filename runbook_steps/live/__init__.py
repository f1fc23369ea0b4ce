"""Staging and production of the platform: their settings, how they are asked, and the lock against a second run.

It may import the engine's targets, text and errors, and how an operation reads the API's own word.
It never starts, stops or breaks anything.
"""
