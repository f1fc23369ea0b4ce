"""Systems that scenarios run on: embedded, containers, staging, production."""
