"""Commands that ask before they destroy: a drill's run answers for its person, unless nobody is there."""

from __future__ import annotations

from pytest_bdd import given

from runbook_steps.engine.model import CONFIRMED


@given("nobody answers the question that a command asks")
def nobody_answers(variables: dict[str, str]) -> None:
    variables[CONFIRMED] = ""
