"""A command of every shape is run, written to a journal, shown, and copied: the same bytes everywhere."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_steps.engine.proof.evidence_file import read_journal
from tests.site.browser import serving
from tests.site.conftest import DemoProject
from tests.site.reading import read_pages
from tests.site.test_page_follows_run import greeting, prove

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["greeting"]  # the project that these tests change

SHAPES = [
    "cat <<'END'\n  two spaces\n\n\ta tab, then a blank line\n\nEND",
    'printf "%s\\n" "{{ x }} {% y %} `date +%Y` $PATH ~ <b> &amp; * _ \\\\"',
    "echo one \\\n  | sed 's/o/0/'\n",
    "echo last line ends with blanks   \n\n",
    "python3 - <<'END'\nprint('grün – ✓')\nEND\n",
]


def test_what_is_copied_is_what_the_journal_holds(greeting: DemoProject, browser: Browser) -> None:
    """Heredocs, tabs, blank lines, blanks at the end, no prompt, nothing added and nothing trimmed."""
    steps = "".join(
        f'    And I print text of shape {number}:\n      """bash\n'
        + "".join(f"      {line}\n" if line else "\n" for line in shape.split("\n"))
        + '      """\n'
        for number, shape in enumerate(SHAPES)
    )
    greeting.edit("features/application/greeting.feature", "    Then it ends", f"{steps}    Then it ends")
    assert 0 == prove(greeting)
    journal = next((greeting.root / "build/journal").glob("*.jsonl"))
    ran = [step.command for record in read_journal(journal) for step in record.steps if step.command is not None]
    built = greeting.build()
    assert 0 == built.exit_code, built.said
    with serving(built.site) as address:
        copied = read_pages(browser, address, ["application/greeting/"])["application/greeting/"].copied

    assert len(SHAPES) + 2 == len(ran)
    assert [*ran[:1], *ran] == list(copied)
    assert SHAPES == ran[2:]
