"""The only given, when and then: one file per noun. Every module here is loaded for every feature."""
