"""Starts commands: what will run, under which risk, with whose consent, and how it is undone.

It may import project, proof, sources, guards, targets and text.
It never imports pytest nor a concrete target, and starts nothing without a time limit.
"""
