"""The `beautycort` command: what the pages tell people to run. It stands alone, without the engine."""
