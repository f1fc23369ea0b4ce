"""What all tests share: pytest's own test kit, and Ctrl-C working however the tests were started."""

from __future__ import annotations

import signal

import pytest

from tests.gate import not_tried

pytest_plugins = ["pytester"]

# a project of its own: its features are run by the test that stands beside it
collect_ignore = ["second_company"]


def pytest_configure() -> None:
    """A shell without job control starts its background jobs deaf to SIGINT, and their children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A suite that is skipped whole is said aloud, not counted in silence."""
    if what := not_tried():
        terminalreporter.section(what, sep="!", red=True, bold=True)
