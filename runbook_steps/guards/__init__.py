"""Guards: what a command may do is decided where its requests pass, not by what its tag or text claims."""
