"""The command `runbooks`: options in, calls of the rooms below, text or JSON out.

It may import every room of the engine.
It decides nothing itself.
"""
