"""What stands on a page: procedures, status, findings, alerts, proofs. Values in, HTML or Markdown out.

It may import what the site may.
It never reads a file nor runs a command.
"""
