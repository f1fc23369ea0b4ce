"""The search: one index of words, made from the project, that the site and the Model Context Protocol both ask."""
