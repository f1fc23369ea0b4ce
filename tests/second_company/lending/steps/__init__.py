"""The steps of the library's runbooks."""
