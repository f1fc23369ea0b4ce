"""Builds the site: theme, addresses, links, preview, archive.

It may import what the site may.
It never runs a command of a runbook.
"""
