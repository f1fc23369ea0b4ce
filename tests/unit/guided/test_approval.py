"""Who may approve: anybody but the person who runs it, under whatever name."""

from __future__ import annotations

import pytest

from runbook_steps.engine.guided.approval import why_not_second
from runbook_steps.engine.sources.people_and_levels import Contact

CONTACTS = {
    "DevOps Lead": Contact("DevOps Lead", "Anna Ash", "1", "anna@example.com", "CTO"),
    "Security Lead": Contact("Security Lead", "A. Ash", "1", "anna@example.com", "CTO"),
    "CTO": Contact("CTO", "Ben Birch", "2", "ben@example.com", "DevOps Lead"),
}
UNFILLED = {role: Contact(role, "[Name]", "XXX", f"{role}@example.com", "[Backup]") for role in ("DevOps Lead", "CTO")}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Ben Birch", ""),
        ("CTO", ""),
        ("ben@example.com", ""),
        ("Chris, of the night shift", ""),
        ("Anna Ash", "is the person who runs it"),
        ("  anna   ASH ", "is the person who runs it"),
        ("Ａnna Ash", "is the person who runs it"),  # full width
        ("DEVOPS lead", "is the person who runs it"),
        ("Security Lead", "is the person who runs it"),
        ("A. Ash", "is the person who runs it"),  # by the address that both roles have
        ("root", "is the person who runs it"),
        ("", "no name"),
        ("---", "no name"),
        ("42", "no name"),
    ],
)
def test_a_second_person_is_another_one(said: str, why: str) -> None:
    """Roles, names and addresses of one person are one."""
    found = why_not_second(said, {"DevOps Lead", "root"}, CONTACTS)
    assert (found == "") == (why == "")
    assert why in found


def test_names_that_nobody_filled_in_make_no_two_roles_one() -> None:
    """And without contacts the names themselves are compared."""
    assert why_not_second("CTO", {"DevOps Lead"}, UNFILLED) == ""
    assert "runs it" in why_not_second("devops lead", {"DevOps Lead"}, UNFILLED)
    assert why_not_second("ben", {"anna"}, {}) == ""
    assert "runs it" in why_not_second("Anna", {"anna"}, {})
