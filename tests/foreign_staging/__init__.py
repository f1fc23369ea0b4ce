"""A staging that this project did not build: the services of Debian's packages, set up as a small company would."""
