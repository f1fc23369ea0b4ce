"""The pytest composition root: collection, options, fixtures, hooks."""
