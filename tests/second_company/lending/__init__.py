"""A library's lending service: loans in SQLite, a desk that answers HTTP."""
