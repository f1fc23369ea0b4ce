"""Faults, one file per noun: each breaks the real thing, tells by looking if it is there, undoes itself."""
