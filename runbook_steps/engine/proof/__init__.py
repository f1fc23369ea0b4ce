"""What counts as proven: journals, evidence files, what a proof rests on, and when it is stale.

It may import text, model, settings, git and errors.
It never runs a scenario, and decides by what was recorded alone.
"""
