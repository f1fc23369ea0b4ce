"""The site for machines: catalogue, Markdown, llms.txt, an MCP server.

It may import what the site may.
It never runs anything: what answers an assistant can run nothing.
"""
