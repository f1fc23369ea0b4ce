"""Faults, one file per noun: each breaks the real thing, tells by looking whether it is there, undoes itself."""
