"""The ways to break a procedure: the words for them, the same in features, on pages and in `runbooks prove`."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Break"]


class Break(StrEnum):
    """The ways to break a procedure; each must turn its scenario red."""

    NO_OP = "no-op"
    FIRST_LINE = "first-line"
    KILLED = "killed"
    WRONG_THING = "wrong-thing"
    EMPTIED = "emptied"
    BY_ONE = "by-one"
    SWAPPED = "swapped"
    LEFT_OUT = "left-out"
    NO_FAULT = "no-fault"
    LYING = "lying"
    WORSE_FAULT = "worse-fault"
    NEGATED = "negated"

    @property
    def meaning(self) -> str:
        """What becomes of the step, in a few words behind its name."""
        return _MEANINGS[self]


_MEANINGS = {
    Break.NO_OP: "does nothing, and ends well",
    Break.FIRST_LINE: "stops behind its first statement, and ends well",
    Break.KILLED: "is killed half-way",
    Break.WRONG_THING: "acts on another thing",
    Break.EMPTIED: "does its work and prints nothing",
    Break.BY_ONE: "has a number that is one more",
    Break.SWAPPED: "changes places with the next command",
    Break.LEFT_OUT: "is left out",
    Break.NO_FAULT: "arranges nothing",
    Break.LYING: "sees the opposite of what is there",
    Break.WORSE_FAULT: "arranges it twice as bad",
    Break.NEGATED: "has every check turned into its opposite",
}
