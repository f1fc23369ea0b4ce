"""BeautyCort Runbooks: procedures that are pages, drills, checks and guided runs at once."""
